"""Joints of people over time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size, checked_size
from ..tracks.frame_rate import checked_rate
from ..tracks.start import fill_gaps
from .skeleton import BODY, BONES, JOINTS, MIDDLES, joint

# Below this a joint counts as missing.
LEAST_CONFIDENCE = 0.3
# A torso's length as a fraction of a body's height, for bodies whose torso is not known.
TORSO_SHARE = 0.3
# The same as a multiple of the longest other limb.
LIMB_SHARE = 1.2


@dataclass(frozen=True, eq=False)
class PoseSequence:
    """P people with 137 joints (see skeleton) through T frames of one canvas.

    Attributes:
        xy: (T, P, 137, 2) float32 pixels, finite everywhere.
        confidence: (T, P, 137) float32, 0..1; 0 where a joint is missing and xy is a placeholder.
        size: The canvas in pixels.
        fps: Frames per second, or None when unknown.

    Raises:
        ShapeError: A tensor has another shape.
        ValueError: xy is not finite, a confidence is outside 0..1, or fps is not above 0.
    """

    xy: Tensor
    confidence: Tensor
    size: Size
    fps: float | None = None

    def __post_init__(self) -> None:
        expected = (*self.confidence.shape, 2)
        if self.confidence.ndim != 3 or self.confidence.shape[2] != JOINTS:
            raise ShapeError(
                f"PoseSequence.confidence must be (T, P, {JOINTS}); got "
                f"{tuple(self.confidence.shape)}."
            )
        if tuple(self.xy.shape) != expected:
            raise ShapeError(f"PoseSequence.xy must be {expected}; got {tuple(self.xy.shape)}.")
        if not bool(torch.isfinite(self.xy).all()):
            raise ValueError("PoseSequence.xy must be finite; give missing joints confidence 0.")
        if not bool(((self.confidence >= 0) & (self.confidence <= 1)).all()):
            raise ValueError("PoseSequence.confidence must be 0..1.")
        object.__setattr__(self, "size", checked_size(*self.size))
        checked_rate(self.fps, "PoseSequence.fps")

    @property
    def num_frames(self) -> int:
        """T, the number of frames."""
        return self.xy.shape[0]

    @property
    def num_people(self) -> int:
        """P, the number of people."""
        return self.xy.shape[1]

    def frame(self, index: int) -> PoseSequence:
        """One frame as a sequence of its own."""
        kept = slice(index, index + 1)
        return replace(self, xy=self.xy[kept], confidence=self.confidence[kept])


def with_middles(xy: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Add a missing neck or hip centre midway between its two sides where both are known.

    Args:
        xy: (..., 137, 2) joints.
        confidence: (..., 137).

    Returns:
        Copies of both.
    """
    xy, confidence = xy.copy(), confidence.copy()
    for name, sides in MIDDLES.items():
        place, (left, right) = joint(name), (joint(side) for side in sides)
        both = np.minimum(confidence[..., left], confidence[..., right])
        fill = (confidence[..., place] <= 0) & (both > 0)
        xy[fill, place] = (xy[fill, left] + xy[fill, right]) / 2
        confidence[..., place] = np.where(fill, both, confidence[..., place])
    return xy, confidence


def bridged(poses: PoseSequence) -> np.ndarray:
    """(T, P, 137, 2) float64 positions without gaps.

    Missing joints are interpolated between the frames that have them and held at the ends. Joints
    without any known frame keep their placeholders.
    """
    known = (poses.confidence > 0).flatten(1)
    xy = fill_gaps(poses.xy.double().flatten(1, 2), known)
    return xy.view(poses.xy.shape).cpu().numpy()


def bone_lengths(xy: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(..., B) pixels from parent to child of every bone; NaN where either joint is not known."""
    parents = [bone.parent for bone in BONES]
    children = [bone.child for bone in BONES]
    length = np.linalg.norm(xy[..., children, :] - xy[..., parents, :], axis=-1)
    return np.where(known[..., children] & known[..., parents], length, np.nan)


def torso_length(xy: np.ndarray, known: np.ndarray) -> float:
    """The distance in pixels from neck to hips of one person.

    If it is never known, it is estimated from the longest limb or the body's height.

    Args:
        xy: (T, 137, 2) joints.
        known: (T, 137) bool.
    """
    lengths = bone_lengths(xy, known)
    torso = lengths[:, 0][np.isfinite(lengths[:, 0])]
    if torso.size and float(np.median(torso)) > 0:
        return float(np.median(torso))
    limbs = lengths[:, 1 : len(BODY) - 1]
    if np.isfinite(limbs).any() and float(np.nanmax(limbs)) > 0:
        return LIMB_SHARE * float(np.nanmax(limbs))
    if not known.any():
        return 0.0
    return TORSO_SHARE * float(np.ptp(xy[known], axis=0).max())
