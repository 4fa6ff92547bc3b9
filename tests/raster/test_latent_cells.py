from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.geometry import Size
from motion_core.raster import latent_cells
from motion_core.raster.reference import reference_latent_cells
from motion_core.tracks import Tracks, empty_tracks, make_tracks

from .strategies import crowd, tracks_and_grid


@settings(max_examples=60, deadline=None)
@given(tracks_and_grid(), st.integers(1, 5))
def test_equals_the_definition(setting: tuple[Tracks, Size], stride: int) -> None:
    tracks, grid = setting
    got = latent_cells(tracks, grid, frame_stride=stride)
    assert torch.equal(got, reference_latent_cells(tracks, grid, stride))


@settings(max_examples=60, deadline=None)
@given(tracks_and_grid())
def test_the_floor_is_exact(setting: tuple[Tracks, Size]) -> None:
    """In exact fractions: a point right beside a cell edge is never put on the other side."""
    tracks, grid = setting
    cells = latent_cells(tracks, grid, frame_stride=1)
    for got, (x, y) in zip(cells.view(-1, 2).tolist(), tracks.xy.view(-1, 2).tolist(), strict=True):
        if got != [-1, -1]:
            assert got == [
                math.floor(Fraction(x) * grid.width / tracks.size.width),
                math.floor(Fraction(y) * grid.height / tracks.size.height),
            ]


def test_a_crowd_on_a_device(device: torch.device) -> None:
    tracks, grid = crowd(9, 50, Size(96, 64)).to(device), Size(12, 8)
    got = latent_cells(tracks, grid)
    assert got.device.type == device.type
    assert torch.equal(got, reference_latent_cells(tracks, grid, 4))


def test_the_hosts_recipe_in_the_hosts_order() -> None:
    """Wan-Move: every 4th frame, int(x // 8) and int(y // 8), (N, T', 2) as (y, x)."""
    tracks = crowd(13, 40, Size(96, 64), seed=5)
    wanted = -torch.ones(40, 4, 2, dtype=torch.int64)
    for place, frame in enumerate(range(0, 13, 4)):
        for track in range(40):
            x, y = tracks.xy[frame, track].tolist()
            if tracks.visible[frame, track] and 0 <= x < 96 and 0 <= y < 64:
                wanted[track, place] = torch.tensor([int(y // 8), int(x // 8)])
    got = latent_cells(tracks, Size(12, 8))
    assert torch.equal(got.transpose(0, 1).flip(-1), wanted)
    assert bool((wanted == -1).any())
    assert bool((wanted >= 0).any())


@pytest.mark.parametrize(("frames", "wanted"), [(0, 0), (1, 1), (4, 1), (5, 2), (81, 21)])
def test_one_latent_frame_for_four(frames: int, wanted: int) -> None:
    cells = latent_cells(empty_tracks(frames, Size(64, 64)), Size(8, 8))
    assert cells.shape == (wanted, 0, 2)
    assert cells.dtype == torch.int64


def test_absent_points_are_marked_in_both_columns() -> None:
    xy = torch.tensor([[[0.0, 0.0], [64.0, 10.0], [10.0, -0.001], [63.999, 63.999], [9.0, 9.0]]])
    visible = torch.tensor([[True, True, True, True, False]])
    cells = latent_cells(make_tracks(xy, Size(64, 64), visible=visible), Size(8, 8))
    assert cells[0].tolist() == [[0, 0], [-1, -1], [-1, -1], [7, 7], [-1, -1]]


@pytest.mark.parametrize("stride", [0, -4])
def test_strides_below_one_are_refused(stride: int) -> None:
    with pytest.raises(ValueError, match="frame_stride"):
        latent_cells(empty_tracks(5, Size(8, 8)), Size(1, 1), frame_stride=stride)


def test_bad_grids_are_refused() -> None:
    with pytest.raises(ValueError, match="canvas"):
        latent_cells(empty_tracks(5, Size(8, 8)), Size(1, 0))
