"""Where a moving layer is, so that the pins it passes over can be hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...progress import Progress, silent

# Points times poses of all footprints over the pins of one layer.
MAX_TESTS = 4_000_000_000
# Points compared between two calls of progress, and how many comparisons another call costs.
PIECE, CALL = 4_000_000, 2_000

Holds = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


@dataclass(frozen=True, eq=False)
class Footprint:
    """A shape placed at one pose per frame.

    Attributes:
        poses: (T, K) float64, the numbers that place the shape.
        present: (T,) bool, the frames in which the layer is present.
        holds: (pose (K,), points (P, 2) px, margin px) -> (P,) bool, which points it covers. The
            margin widens the shapes of layers whose own dots have no extent.
    """

    poses: np.ndarray
    present: np.ndarray
    holds: Holds


def check_tests(footprints: Sequence[Footprint], points: int) -> None:
    """Raises ValueError if comparing all poses of the footprints with all points takes too long."""
    poses = sum(len(np.unique(one.poses[one.present], axis=0)) for one in footprints)
    if poses * (points + CALL) > MAX_TESTS:
        raise ValueError(
            f"{points:,} pins under {len(footprints):,} moving layers in {poses:,} places take too "
            'long; raise "spacing", merge layers, or ask for fewer frames.'
        )


def covered(
    footprint: Footprint, points: np.ndarray, margin: float, progress: Progress = silent
) -> np.ndarray:
    """(T, P) bool: which of the points (P, 2) the footprint covers in each frame. `progress` is
    called with (poses done, all of them) at least every PIECE points."""
    hidden = np.zeros((len(footprint.present), len(points)), dtype=bool)
    frames = np.flatnonzero(footprint.present)
    if not len(frames) or not len(points):
        return hidden
    poses, pose_of = np.unique(footprint.poses[frames], axis=0, return_inverse=True)
    rows, done = np.empty((len(poses), len(points)), dtype=bool), 0
    for place, pose in enumerate(poses):
        rows[place] = footprint.holds(pose, points, margin)
        done += len(points) + CALL
        if done > PIECE:
            progress(place + 1, len(poses))
            done = 0
    hidden[frames] = rows[pose_of.reshape(-1)]
    return hidden


def within_disc(points: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
    """(P,) bool: which points lie within `radius` of `center`, rounding included."""
    return np.hypot(*(points - center).T) <= radius * (1 + 1e-6)


def within_square(points: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
    """(P,) bool: which points lie within `radius` of `center` in x and in y."""
    return np.abs(points - center).max(axis=1) <= radius * (1 + 1e-6)
