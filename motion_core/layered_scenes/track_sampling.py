"""Start points and exact tracks drawn at random from a scene."""

from __future__ import annotations

import math

import numpy as np
import torch

from ..tracks.model import Tracks, make_tracks
from .scene import CANVAS, SIDE, Array, Scene

# A drag moves a small grid of this many points a side, that far apart.
MOST_GRID, LEAST_GAP_PX, MOST_GAP_PX = 6, 4.0, 14.0
# A layer with fewer grid cells in view is not chosen for a drag.
LEAST_CELLS = 12


def uniform_points(rng: np.random.Generator, count: int) -> Array:
    """(count, 2) pixels, uniform over the image."""
    return rng.uniform(0, SIDE, (count, 2))


def drag_points(rng: np.random.Generator, scene: Scene, layers: Array, pins: int) -> Array:
    """(N, 2) pixels of one drag: a small grid on one layer, and pins on the other layers.

    Args:
        rng: Source of randomness.
        scene: The scene whose frame 0 the points lie in.
        layers: (G, G) index of the layer in view, as `Scene.field` returns it.
        pins: Number of pins drawn; those that fall on the dragged layer are dropped.
    """
    chosen = _draggable_layer(rng, layers)
    rows, columns = np.nonzero(layers == chosen)
    pick = int(rng.integers(len(rows)))
    cell = SIDE / len(layers)
    centre = (np.array([columns[pick], rows[pick]]) + rng.random(2)) * cell
    count = int(rng.integers(1, MOST_GRID + 1))
    gap = rng.uniform(LEAST_GAP_PX, MOST_GAP_PX)
    axis = (np.arange(count) - (count - 1) / 2) * gap
    grid = centre + np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    grid = grid[((grid > 0) & (grid < SIDE)).all(axis=1)]
    kept = grid[scene.top_layer(grid) == chosen]
    others = uniform_points(rng, pins)
    others = others[scene.top_layer(others) != chosen]
    return np.concatenate([kept if len(kept) else centre[None], others])


def sample_tracks(rng: np.random.Generator, scene: Scene, points: Array) -> Tracks:
    """The exact tracks of points in a scene; every track is visible in frame 0.

    In one call of ten each track ends at a random frame, for about half of them after the last one.

    Args:
        rng: source of randomness.
        scene: the scene.
        points: (N, 2) pixels of frame 0.
    """
    xy, visible, _ = scene.follow(points)
    if len(points) and rng.random() < 0.1:
        start = rng.integers(0, scene.frames, len(points)) * (rng.random(len(points)) < 0.3)
        stop = start + rng.integers(2, 2 * scene.frames, len(points))
        frame = np.arange(scene.frames)[:, None]
        visible = visible & ((frame < stop) | (frame == 0))
    return make_tracks(torch.from_numpy(xy), CANVAS, visible=torch.from_numpy(visible))


def log_uniform(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number in low..high whose logarithm is uniform."""
    return int(round(math.exp(rng.uniform(math.log(low), math.log(high)))))


def _draggable_layer(rng: np.random.Generator, layers: Array) -> int:
    """A random layer in view, other than the background if there is one."""
    visible, cells = np.unique(layers, return_counts=True)
    above = visible[(visible > 0) & (cells >= LEAST_CELLS)]
    return int(rng.choice(above)) if len(above) else int(visible[0])
