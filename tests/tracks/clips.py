"""Tracks for tests: strategies that draw any shape, and the comparisons they need."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

sizes = st.builds(Size, st.integers(1, 200), st.integers(1, 200))
seeds = st.integers(0, 2**32 - 1)


def random_tracks(
    frames: int,
    points: int,
    size: Size,
    *,
    seed: int = 0,
    shown: float = 0.7,
    fps: float | None = 16,
) -> Tracks:
    """Tracks all over the canvas and half a canvas around it, with scattered ids and gaps."""
    generator = torch.Generator().manual_seed(seed)
    side = torch.tensor([size.width, size.height], dtype=torch.float32)
    xy = (torch.rand(frames, points, 2, generator=generator) * 2 - 0.5) * side
    visible = torch.rand(frames, points, generator=generator) < shown
    ids = torch.randperm(10 * points + 1, generator=generator)[:points]
    return make_tracks(xy, size, visible=visible, ids=ids, fps=fps)


@st.composite
def tracks_strategy(
    draw: st.DrawFn, *, least_frames: int = 0, least_points: int = 0, all_visible: bool = False
) -> Tracks:
    return random_tracks(
        draw(st.integers(least_frames, 9)),
        draw(st.integers(least_points, 6)),
        draw(sizes),
        seed=draw(seeds),
        shown=1.0 if all_visible else draw(st.sampled_from([0.0, 0.3, 0.7, 1.0])),
        fps=draw(st.sampled_from([None, 16.0, 23.976])),
    )


def assert_same(got: Tracks, wanted: Tracks, *, atol: float = 0.0) -> None:
    """Equal in everything, placeholders included; positions within atol."""
    assert got.size == wanted.size
    assert got.fps == wanted.fps
    assert torch.equal(got.ids, wanted.ids)
    assert torch.equal(got.visible, wanted.visible)
    torch.testing.assert_close(got.xy, wanted.xy, rtol=0, atol=atol)
