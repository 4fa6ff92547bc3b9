"""Which tracks a scene is shown with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from ..geometry import Size
from ..tracks.model import Tracks, make_tracks
from .scene_model import SIDE, Array, Scene

CANVAS = Size(SIDE, SIDE)
# A drag moves a small grid of this many points a side, that far apart.
MOST_GRID, LEAST_GAP_PX, MOST_GAP_PX = 6, 4.0, 14.0
MOST_PINS = 40


@dataclass(frozen=True)
class Draw:
    """How many tracks to draw: `most` bounds the mixed regime's share of a batch."""

    regime: str
    most: int = 300


def draw_points(rng: np.random.Generator, scene: Scene, layers: Array, draw: Draw) -> Array:
    """(N, 2) pixels of frame 0, as a regime draws them.

    mixed: 5 % none, 42 % anywhere, 15 % on one or two layers, 38 % a drag: a small grid on one
    layer with pins elsewhere. dense: 1000..2000 tracks for the 256 x 256 picture, the paper's
    numbers (its canvas has a quarter of the area), scaled by cells to 250..500. sparse: 1..8.
    dense+sparse: log-uniform 1..512.
    """
    if draw.regime == "dense":
        return anywhere(rng, int(rng.integers(250, 501)))
    if draw.regime == "sparse":
        return anywhere(rng, int(rng.integers(1, 9)))
    if draw.regime == "dense+sparse":
        return anywhere(rng, log_uniform(rng, 1, 512))
    kind = rng.random()
    if kind < 0.05:
        return np.zeros((0, 2))
    count = log_uniform(rng, 1, draw.most)
    if kind < 0.47:
        return anywhere(rng, count)
    if kind < 0.62:
        return _on_layers(rng, layers, count)
    return dragged(rng, scene, layers, int(rng.integers(0, MOST_PINS + 1)))


def draw_tracks(rng: np.random.Generator, scene: Scene, points: Array) -> Tracks:
    """The scene's exact tracks through some points; sometimes they are seen for a while only."""
    xy, visible, _ = scene.follow(points)
    if len(points) and rng.random() < 0.1:
        start = rng.integers(0, scene.frames, len(points)) * (rng.random(len(points)) < 0.3)
        stop = start + rng.integers(2, 2 * scene.frames, len(points))
        frame = np.arange(scene.frames)[:, None]
        # Frame 0 stays: the study of late tracks is the evidence's, not the scene's.
        visible = visible & ((frame < stop) | (frame == 0))
    return make_tracks(torch.from_numpy(xy), CANVAS, visible=torch.from_numpy(visible))


def anywhere(rng: np.random.Generator, count: int) -> Array:
    """(count, 2) places of the picture."""
    return rng.uniform(0, SIDE, (count, 2))


def dragged(rng: np.random.Generator, scene: Scene, layers: Array, pins: int) -> Array:
    """A small grid on one thing and pins elsewhere: one drag with a pinned background."""
    chosen = _movable(rng, layers)
    rows, columns = np.nonzero(layers == chosen)
    pick = int(rng.integers(len(rows)))
    cell = SIDE / len(layers)
    centre = (np.array([columns[pick], rows[pick]]) + rng.random(2)) * cell
    count = int(rng.integers(1, MOST_GRID + 1))
    gap = rng.uniform(LEAST_GAP_PX, MOST_GAP_PX)
    axis = (np.arange(count) - (count - 1) / 2) * gap
    grid = centre + np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    grid = grid[((grid > 0) & (grid < SIDE)).all(axis=1)]
    kept = grid[scene.owner(grid) == chosen]
    others = anywhere(rng, pins)
    others = others[scene.owner(others) != chosen]
    return np.concatenate([kept if len(kept) else centre[None], others])


def log_uniform(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number in low..high, as likely to double as to halve."""
    return int(round(math.exp(rng.uniform(math.log(low), math.log(high)))))


def _movable(rng: np.random.Generator, layers: Array) -> int:
    """A layer that is seen, above the background if there is one."""
    seen, cells = np.unique(layers, return_counts=True)
    above = seen[(seen > 0) & (cells >= 12)]
    return int(rng.choice(above)) if len(above) else int(seen[0])


def _on_layers(rng: np.random.Generator, layers: Array, count: int) -> Array:
    seen = np.unique(layers)
    chosen = rng.choice(seen, min(len(seen), int(rng.integers(1, 3))), replace=False)
    rows, columns = np.nonzero(np.isin(layers, chosen))
    pick = rng.integers(len(rows), size=count)
    places = np.stack([columns[pick], rows[pick]], axis=1) + rng.random((count, 2))
    return places * (SIDE / len(layers))
