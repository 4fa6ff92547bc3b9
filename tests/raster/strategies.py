"""Tracks that look for trouble: cell edges, canvas edges, outside, invisible, none, one frame."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

sides = st.sampled_from([1, 2, 3, 7, 12, 49, 64])
sizes = st.builds(Size, sides, sides)
seeds = st.integers(0, 2**32 - 1)


def near(value: float) -> list[float]:
    """A float32 and its two neighbours."""
    middle = np.float32(value)
    return [float(np.nextafter(middle, np.float32(way))) for way in (-np.inf, np.inf)] + [value]


@st.composite
def coordinates(draw: st.DrawFn, side: int, cells: int) -> float:
    """One coordinate: on or right beside a cell edge, anywhere inside, or outside."""
    edge = float(np.float32(draw(st.integers(0, cells)) * side / cells))
    inside = draw(st.floats(0, side, width=32))
    outside = draw(st.sampled_from([-0.5, -1e9, side + 0.25, 3e38]))
    return draw(st.sampled_from([*near(edge), inside, outside]))


@st.composite
def tracks_on(draw: st.DrawFn, grid: Size) -> Tracks:
    """Tracks of any canvas, with positions chosen against `grid`."""
    size = draw(sizes)
    frames, points = draw(st.integers(0, 4)), draw(st.integers(0, 5))
    xy = torch.zeros(frames, points, 2)
    visible = torch.zeros(frames, points, dtype=torch.bool)
    for frame in range(frames):
        for point in range(points):
            x = draw(coordinates(size.width, grid.width))
            y = draw(coordinates(size.height, grid.height))
            xy[frame, point] = torch.tensor([x, y])
            visible[frame, point] = draw(st.integers(0, 3)) > 0
    return make_tracks(xy, size, visible=visible)


@st.composite
def tracks_and_grid(draw: st.DrawFn) -> tuple[Tracks, Size]:
    """A grid and tracks against it."""
    grid = draw(sizes)
    return draw(tracks_on(grid)), grid


def crowd(frames: int, points: int, size: Size, seed: int = 0) -> Tracks:
    """Many random points that walk about, partly outside, a fifth of them invisible."""
    generator = torch.Generator().manual_seed(seed)
    canvas = torch.tensor(size, dtype=torch.float32)
    start = torch.rand(1, points, 2, generator=generator) * canvas
    steps = torch.randn(frames, points, 2, generator=generator) * 1.5
    visible = torch.rand(frames, points, generator=generator) > 0.2
    return make_tracks(start + steps.cumsum(0), size, visible=visible)
