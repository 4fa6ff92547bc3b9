"""Tracks from joints: points along the limbs and across their width."""

from __future__ import annotations

import warnings

import numpy as np
import torch

from ..progress import Progress, silent
from ..tracks.arguments import finite_number, positive_number
from ..tracks.model import Tracks, empty_tracks, make_tracks
from ..tracks.select import concat
from ..tracks.visibility import hide_outside
from .pose_sequence import LEAST_CONFIDENCE, PoseSequence, bone_lengths, bridged, torso_length
from .skeleton import BONES, Bone

MAX_POINTS = 1_000_000


def pose_tracks(
    poses: PoseSequence,
    spacing: float = 8.0,
    *,
    least_confidence: float = LEAST_CONFIDENCE,
    progress: Progress = silent,
) -> Tracks:
    """Make tracks of people: one for every joint, and a grid over every limb.

    The width of a limb is a fraction of the torso's length and scales with the person. A point is
    visible where its joints have at least `least_confidence` and it lies on the canvas.

    Args:
        poses: The people.
        spacing: Pixels between the points of a limb.
        least_confidence: 0..1.
        progress: Called once per person.

    Returns:
        Tracks (T, N), person after person, joints first.

    Raises:
        ValueError: The spacing is not above 0, the confidence is outside 0..1, or there are more
            than a million points.
    """
    positive_number("spacing", spacing)
    if not 0.0 <= finite_number("least_confidence", least_confidence) <= 1.0:
        raise ValueError(f"least_confidence must be 0..1; got {least_confidence}.")
    xy = bridged(poses)
    # A joint of confidence 0 is missing, also when the least confidence is 0.
    confidence = poses.confidence.cpu().numpy()
    known = (confidence > 0) & (confidence >= least_confidence)
    parts = [empty_tracks(poses.num_frames, poses.size, fps=poses.fps)]
    for person in range(poses.num_people):
        parts.append(_person(xy[:, person], known[:, person], poses, spacing))
        if sum(part.num_points for part in parts) > MAX_POINTS:
            raise ValueError(f"more than {MAX_POINTS:,} points; raise spacing ({spacing:g} px).")
        progress(person + 1, poses.num_people)
    return hide_outside(concat(parts))


def _person(xy: np.ndarray, known: np.ndarray, poses: PoseSequence, spacing: float) -> Tracks:
    """Tracks of one person, joints (T, 137, 2) where known (T, 137)."""
    found = np.flatnonzero(known.any(axis=0))
    points, visible = [xy[:, found]], [known[:, found]]
    growth = _growth(xy, known)
    torso = torso_length(xy, known)
    for bone in BONES:
        both = known[:, bone.parent] & known[:, bone.child]
        if not bone.width_share or not both.any():
            continue
        limb = _limb(xy, bone, both, growth * bone.width_share * torso, spacing)
        points.append(limb)
        visible.append(np.broadcast_to(both[:, None], limb.shape[:2]))
    return make_tracks(
        torch.from_numpy(np.concatenate(points, axis=1)),
        poses.size,
        visible=torch.from_numpy(np.concatenate(visible, axis=1)),
        fps=poses.fps,
    )


def _limb(
    xy: np.ndarray, bone: Bone, both: np.ndarray, width: np.ndarray, spacing: float
) -> np.ndarray:
    """(T, N, 2) a grid between two joints, `width` (T,) pixels across."""
    start, way = xy[:, bone.parent], xy[:, bone.child] - xy[:, bone.parent]
    length = np.linalg.norm(way, axis=1)
    rows = max(1, round(float(length[both].max()) / spacing))
    columns = 2 * int(float(width[both].max()) / 2 / spacing) + 1
    if rows * columns > MAX_POINTS:
        raise ValueError(f"more than {MAX_POINTS:,} points; raise spacing ({spacing:g} px).")
    along = (np.arange(rows) + 0.5) / rows
    across = np.linspace(-0.5, 0.5, columns) if columns > 1 else np.zeros(1)
    normal = np.stack([-way[:, 1], way[:, 0]], axis=1) / np.maximum(length, 1e-6)[:, None]
    side = across[None, :, None] * (width[:, None] * normal)[:, None, :]
    grid = (start[:, None] + along[None, :, None] * way[:, None])[:, :, None] + side[:, None]
    return grid.reshape(len(xy), -1, 2)


def _growth(xy: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(T,) the person's scale relative to its median scale.

    It is the median over the bones, so limbs that point at the camera do not count.
    """
    lengths = bone_lengths(xy, known)
    with warnings.catch_warnings():
        # Bones and frames that are never known have no median; NaN is intended.
        warnings.simplefilter("ignore", RuntimeWarning)
        usual = np.nanmedian(lengths, axis=0)
        ratio = np.nanmedian(lengths / np.where(usual > 0, usual, np.nan), axis=1)
    return np.where(np.isfinite(ratio), ratio, 1.0)
