"""Where a moving layer is, so that the pins it passes over can be hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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


def covered(footprint: Footprint, points: np.ndarray, margin: float) -> np.ndarray:
    """(T, P) bool: which of the points (P, 2) the footprint covers in each frame."""
    hidden = np.zeros((len(footprint.present), len(points)), dtype=bool)
    frames = np.flatnonzero(footprint.present)
    if not len(frames) or not len(points):
        return hidden
    poses, pose_of = np.unique(footprint.poses[frames], axis=0, return_inverse=True)
    rows = np.stack([footprint.holds(pose, points, margin) for pose in poses])
    hidden[frames] = rows[pose_of.reshape(-1)]
    return hidden


def within_disc(points: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
    """(P,) bool: which points lie within `radius` of `center`, rounding included."""
    return np.hypot(*(points - center).T) <= radius * (1 + 1e-6)


def within_square(points: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
    """(P,) bool: which points lie within `radius` of `center` in x and in y."""
    return np.abs(points - center).max(axis=1) <= radius * (1 + 1e-6)
