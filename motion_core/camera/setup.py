"""The inputs of a camera path: a canvas, its lens, a pivot and a number of frames."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..errors import ShapeError
from ..geometry import Size, checked_size
from .camera_path import CameraPath
from .pinhole import unproject

log = logging.getLogger(__name__)

# The share of the image that counts as its nearer surfaces, and how many times farther a pivot may
# be without a word.
NEARER_SHARE, FAR_PIVOT = 0.05, 20.0


@dataclass(frozen=True, eq=False)
class CameraSetup:
    """The inputs of a camera path: a picture, its lens, and the length of the clip.

    Attributes:
        size: The canvas in pixels.
        K: (3, 3) float64 intrinsics in pixels of `size`.
        pivot: (3,) float64, the world point that orbits turn about; its depth is the unit of moves
            measured in pivot distances.
        frames: Number of frames, 1 or more.
        fps: Frames per second, or None when unknown.

    Raises:
        TypeError: `frames` is not a whole number.
        ShapeError: K or the pivot has another shape.
        ValueError: `frames` is below 1, or the pivot does not lie in front of the camera.
    """

    size: Size
    K: Tensor
    pivot: Tensor
    frames: int
    fps: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", checked_size(*self.size))
        if isinstance(self.frames, bool) or not hasattr(self.frames, "__index__"):
            raise TypeError(f"frames must be a whole number; got {self.frames!r}.")
        if self.frames < 1:
            raise ValueError(f"a camera path needs at least one frame; got {self.frames}.")
        if self.K.shape != (3, 3) or self.pivot.shape != (3,):
            raise ShapeError("CameraSetup needs K (3, 3) and pivot (3,).")
        if not float(self.pivot[2]) > 0.0 or not bool(torch.isfinite(self.pivot).all()):
            raise ValueError(
                f"the pivot must lie in front of the camera; got {self.pivot.tolist()}."
            )

    @property
    def distance(self) -> float:
        """Depth of the pivot: one pivot distance in scene units."""
        return float(self.pivot[2])

    def times(self) -> np.ndarray:
        """(T,) float64 in 0..1, the time of every frame."""
        return np.arange(self.frames, dtype=np.float64) / max(self.frames - 1, 1)

    def path(self, poses: Tensor, focal_scale: Tensor) -> CameraPath:
        """A CameraPath from poses (T, 4, 4) and focal lengths (T,) relative to K's."""
        K = self.K.to(torch.float64).expand(len(poses), 3, 3).clone()
        K[:, :2, :2] *= focal_scale.to(torch.float64)[:, None, None]
        return CameraPath(poses.to(torch.float64), K, self.size, self.fps)


def make_setup(
    depth: DepthMap,
    frames: int,
    *,
    point: tuple[float, float] | None = None,
    fps: float | None = None,
) -> CameraSetup:
    """The CameraSetup of a picture with depth.

    Args:
        depth: Depth of the picture, with its lens.
        frames: Number of frames of the path.
        point: A pixel whose scene point becomes the pivot; None takes the median depth on the
            optical axis. A pixel without depth takes the median depth on its own ray.
        fps: Frames per second, or None when unknown.

    Raises:
        ValueError: The pixel is off the picture.
    """
    known = depth.z[depth.valid]
    median = float(known.median())
    if point is None:
        _log_far_pivot(median, known)
        pivot = torch.tensor([0.0, 0.0, median], dtype=torch.float64)
        return CameraSetup(depth.size, depth.K, pivot, frames, fps)
    x, y = point
    if not (0 <= x < depth.size.width and 0 <= y < depth.size.height):
        raise ValueError(f"the picked point {point} is off the image ({depth.size}).")
    row, column = int(y), int(x)
    z = float(depth.z[row, column]) if bool(depth.valid[row, column]) else median
    xy, distance = torch.tensor([[x, y]]).double(), torch.tensor([z]).double()
    pivot = unproject(xy, distance, depth.K.cpu())[0]
    return CameraSetup(depth.size, depth.K, pivot, frames, fps)


def _log_far_pivot(distance: float, known: Tensor) -> None:
    """Log a pivot far beyond the nearer surfaces, about which a small orbit moves them far.

    Args:
        distance: Of the pivot.
        known: (K,) depths, at least one.
    """
    nearer = float(known.kthvalue(max(1, int(NEARER_SHARE * len(known)))).values)
    if distance > FAR_PIVOT * nearer:
        log.warning(
            "the pivot is %.4g away, but the nearer surfaces are %.4g away: moves about the pivot "
            "will throw them out of view. Pick a point on the subject as the pivot, or mark a sky "
            "or background without depth as unknown.",
            distance,
            nearer,
        )
