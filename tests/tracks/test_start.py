"""Starts, gaps and thinning, over every visibility pattern that a short track can have."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from motion_core.geometry import Size
from motion_core.tracks.model import Tracks, make_tracks
from motion_core.tracks.start import (
    every_nth,
    fill_gaps,
    first_visible,
    start_and_displacement,
    thin_evenly,
    track_starts,
)

SIZE = Size(64, 48)


def every_pattern(frames: int) -> Tracks:
    """One track for each of the 2^T patterns; invisible positions are far from all others."""
    patterns = list(product((False, True), repeat=frames))
    visible = torch.tensor(patterns, dtype=torch.bool).view(len(patterns), frames).T
    generator = torch.Generator().manual_seed(frames)
    xy = torch.rand(frames, visible.shape[1], 2, generator=generator) * 40
    xy = torch.where(visible[..., None], xy, -1e6)
    return make_tracks(xy, SIZE, visible=visible)


@pytest.mark.parametrize("frames", range(7))
def test_starts_of_every_pattern(frames: int) -> None:
    tracks = every_pattern(frames)
    frame, xy, has_start = track_starts(tracks)
    start, moved = start_and_displacement(tracks)
    assert frame.shape == has_start.shape == (2**frames,) and xy.shape == (2**frames, 2)
    for track in range(tracks.num_points):
        shown = tracks.visible[:, track].nonzero().flatten().tolist()
        assert bool(has_start[track]) == bool(shown)
        assert int(frame[track]) == (shown[0] if shown else 0)
        if shown:
            assert torch.equal(xy[track], tracks.xy[shown[0], track])
            assert torch.equal(start[track], xy[track].double())
        for at in range(frames):
            wanted = tracks.xy[at, track].double() - start[track] if at in shown else 0.0
            assert torch.equal(moved[at, track], torch.zeros(2).double() + wanted)
    assert torch.equal(first_visible(tracks.visible)[0], frame)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("frames", range(7))
def test_gaps_of_every_pattern(frames: int, dtype: torch.dtype) -> None:
    tracks = every_pattern(frames)
    xy = tracks.xy.to(dtype)
    linear, held = (fill_gaps(xy, tracks.visible, kind) for kind in ("linear", "hold"))
    assert linear.dtype == held.dtype == dtype
    for track in range(tracks.num_points):
        shown = np.flatnonzero(tracks.visible[:, track].numpy())
        if not len(shown):
            assert torch.equal(linear[:, track], xy[:, track])
            assert torch.equal(held[:, track], xy[:, track])
            continue
        for axis in range(2):
            known = xy[shown, track, axis].numpy()
            wanted = np.interp(np.arange(frames), shown, known)
            np.testing.assert_allclose(linear[:, track, axis].numpy(), wanted, rtol=0, atol=1e-5)
            last = [known[max(0, (shown <= at).sum() - 1)] for at in range(frames)]
            assert held[:, track, axis].tolist() == [float(value) for value in last]
    shown = tracks.visible
    assert torch.equal(linear[shown], xy[shown]) and torch.equal(held[shown], xy[shown])


def test_thinning_takes_one_point_of_every_cell_first() -> None:
    crowd = torch.full((500, 2), 10.0) + torch.arange(500)[:, None] * 1e-4
    lone = torch.tensor([[50.0, 20.0], [5.0, 40.0], [-900.0, 3.0], [70.0, 300.0]])
    start = torch.cat([crowd, lone])
    kept = thin_evenly(start, 64, 10)
    assert kept.tolist() == [0, 1, 2, 3, 4, 5, 500, 501, 502, 503]
    assert thin_evenly(start, 64, 504).tolist() == list(range(504))
    assert thin_evenly(start[:0], 64, 3).tolist() == []
    assert thin_evenly(start, 64, 0).tolist() == []


@pytest.mark.parametrize(("copies", "limit"), [(1, 1000), (1, 7), (2, 4096 + 1000), (2, 100)])
def test_thinning_is_even_over_the_canvas_in_its_last_round(copies: int, limit: int) -> None:
    side = torch.arange(64) + 0.5
    grid = torch.cartesian_prod(side, side).flip(1)
    kept = thin_evenly(grid.repeat(copies, 1), 64, limit)
    assert len(kept) == limit and torch.equal(kept, kept.unique())
    blocks = torch.zeros(4, 4)
    x, y = (grid.repeat(copies, 1)[kept] / 16).long().unbind(dim=1)
    blocks.index_put_((y, x), torch.ones(limit), accumulate=True)
    assert float(blocks.max() - blocks.min()) <= 1
    assert torch.equal(kept, thin_evenly(grid.repeat(copies, 1), 64, limit))


def test_every_nth_is_even_and_never_too_many() -> None:
    assert every_nth(10, 5).tolist() == [0, 2, 4, 6, 8]
    assert every_nth(3, 5).tolist() == [0, 1, 2]
    assert every_nth(0, 5).tolist() == []
