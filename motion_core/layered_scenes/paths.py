"""Random motion in scenes: curves over time, and the poses made from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .scene import SIDE, Array, Bend

CENTRE = np.array([SIDE / 2, SIDE / 2])


@dataclass(frozen=True, eq=False)
class Camera:
    """The motion of the camera.

    Attributes:
        pan: (T, 2) pixels by which the background moves.
        view: (T, 3, 3) homography of zoom, roll and tilt, the same for all planes.
    """

    pan: Array
    view: Array

    def at(self, parallax: float) -> Array:
        """(T, 3, 3) homographies of a plane whose pan is `parallax` times the background's."""
        return self.view @ translations(self.pan * parallax)


def random_pace(rng: np.random.Generator, frames: int) -> Array:
    """(T,) progress of a motion: 0 in frame 0, about 1 at its furthest."""
    t = np.linspace(0, 1, frames)
    kind = rng.random()
    if kind < 0.35:
        return t ** rng.uniform(0.6, 1.8)
    if kind < 0.6:
        return t * t * (3 - 2 * t)
    if kind < 0.75:
        return np.sin(math.pi * t * rng.uniform(0.5, 2.5))
    start = rng.uniform(0, 0.6)
    end = rng.uniform(start + 0.15, 1.15)
    return np.clip((t - start) / (end - start), 0, 1)


def random_path(rng: np.random.Generator, frames: int, reach: float) -> Array:
    """(T, 2) pixels from the position in frame 0: a straight, curved, jerky or shaky path."""
    t = random_pace(rng, frames)
    ahead = _random_direction(rng) * reach
    kind = rng.random()
    if kind < 0.4:
        return t[:, None] * ahead
    if kind < 0.7:
        side = _random_direction(rng) * reach * rng.uniform(0.2, 0.9)
        return t[:, None] * ahead + np.sin(math.pi * t)[:, None] * side
    if kind < 0.9:
        turns = int(rng.integers(1, 4))
        corners = np.cumsum(rng.normal(0, reach / math.sqrt(turns + 1), (turns + 1, 2)), axis=0)
        knots = np.concatenate([[0], np.sort(rng.uniform(0.15, 0.85, turns)), [1]])
        places = np.concatenate([np.zeros((1, 2)), corners])
        time = np.linspace(0, 1, frames)
        return np.stack([np.interp(time, knots, places[:, axis]) for axis in (0, 1)], axis=1)
    shake = np.cumsum(rng.normal(0, 0.05 * reach, (frames, 2)), axis=0)
    return t[:, None] * ahead + shake - shake[0]


def translations(shift: Array) -> Array:
    """(T, 3, 3) translations by shift (T, 2)."""
    pose = np.tile(np.eye(3), (len(shift), 1, 1))
    pose[:, :2, 2] = shift
    return pose


def rotations_about(centre: Array, angle: Array, scale: Array) -> Array:
    """(T, 3, 3) rotations by angle (T,) radians with scale (T,) about a point (2,)."""
    pose = np.tile(np.eye(3), (len(angle), 1, 1))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    pose[:, 0, 0], pose[:, 0, 1], pose[:, 1, 0], pose[:, 1, 1] = cos, -sin, sin, cos
    pose[:, :2, 2] = centre - pose[:, :2, :2] @ centre
    return pose


def random_camera(rng: np.random.Generator, frames: int) -> Camera:
    """A camera that rests, pans, zooms, rolls or tilts, or several of them."""
    still = np.zeros((frames, 2))
    if rng.random() < 0.3:
        return Camera(still, translations(still))
    pan = random_path(rng, frames, rng.gamma(2.0, 16.0)) if rng.random() < 0.8 else still
    grow = random_pace(rng, frames) * rng.normal(0, 0.16) * (rng.random() < 0.5)
    turn = random_pace(rng, frames) * rng.normal(0, 0.12) * (rng.random() < 0.4)
    view = rotations_about(CENTRE + rng.normal(0, 40, 2), turn, np.exp(grow))
    if rng.random() < 0.25:
        tilt = np.tile(np.eye(3), (frames, 1, 1))
        tilt[:, 2, :2] = random_pace(rng, frames)[:, None] * rng.normal(0, 0.0005, 2)
        tilt[:, 2, 2] = 1 - tilt[:, 2, :2] @ CENTRE
        view = tilt @ view
    return Camera(pan, view)


def random_object_pose(rng: np.random.Generator, frames: int, centre: Array, reach: float) -> Array:
    """Motion of an object: a path, sometimes with rotation and growth.

    Args:
        rng: Of the motion.
        frames: T.
        centre: (2,) pixels, the centre of rotation and growth in frame 0.
        reach: Length of the path in pixels.

    Returns:
        (T, 3, 3) matrices on homogeneous pixels of frame 0.
    """
    travel = random_path(rng, frames, reach)
    turn = random_pace(rng, frames) * rng.normal(0, 0.45) * (rng.random() < 0.5)
    grow = random_pace(rng, frames) * rng.normal(0, 0.18) * (rng.random() < 0.35)
    return translations(travel) @ rotations_about(centre, turn, np.exp(grow))


def random_bend(rng: np.random.Generator, frames: int, centre: Array, radius: float) -> Bend:
    """A bend of an object, or a wave as of a flag."""
    amount = random_pace(rng, frames) * rng.normal(0, 0.22) * radius
    phase = rng.uniform(0, 2 * math.pi) + np.linspace(0, rng.normal(0, 3.0), frames)
    frequency = rng.uniform(0.6, 2.8) / radius
    return Bend(centre, rng.uniform(0, math.pi), frequency, amount, phase)


def _random_direction(rng: np.random.Generator) -> Array:
    angle = rng.uniform(0, 2 * math.pi)
    return np.array([math.cos(angle), math.sin(angle)])
