"""What the true segmentation would bring, against motion written down by hand."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from motion_core.evaluation.field_errors import Truth
from motion_core.evaluation.oracle import oracle_segments
from motion_core.geometry import Size
from motion_core.tracks.model import Tracks, make_tracks

SIDE, GRID, FRAMES = 64, 16, 3


def tracks_between(starts: list[list[float]], ends: list[list[float]]) -> Tracks:
    share = torch.linspace(0, 1, FRAMES)[:, None, None]
    start = torch.tensor(starts).float().reshape(-1, 2)
    xy = torch.lerp(start, torch.tensor(ends).float().reshape(-1, 2), share)
    return make_tracks(xy, Size(SIDE, SIDE))


def truth(layers: Tensor) -> Truth:
    shape = (FRAMES, GRID, GRID)
    return Truth(torch.zeros(*shape, 2), torch.ones(shape, dtype=torch.bool), layers)


def displacement(tracks: Tracks, layers: Tensor) -> Tensor:
    return oracle_segments(tracks, truth(layers)).displacement


def halves() -> Tensor:
    layers = torch.zeros(GRID, GRID, dtype=torch.long)
    layers[:, GRID // 2 :] = 1
    return layers


def test_each_surface_follows_its_own_tracks() -> None:
    tracks = tracks_between([[8, 8], [20, 50], [50, 20]], [[8, 14], [20, 56], [41, 20]])
    moved = displacement(tracks, halves())[-1]
    left, right = moved[:, : GRID // 2], moved[:, GRID // 2 :]
    assert torch.allclose(left, torch.tensor([0.0, 6.0]).expand_as(left), atol=1e-4)
    assert torch.allclose(right, torch.tensor([-9.0, 0.0]).expand_as(right), atol=1e-4)


def test_a_surface_turns_with_its_tracks() -> None:
    """A quarter of a turn of three points around (32, 32): all else follows, short by the ridge."""
    tracks = tracks_between(
        [[4, 32], [60, 32], [32, 4], [32, 60]], [[32, 4], [32, 60], [60, 32], [4, 32]]
    )
    moved = displacement(tracks, torch.zeros(GRID, GRID, dtype=torch.long))[-1]
    place = (torch.tensor([2.0, 7.0]) + 0.5) * SIDE / GRID - 32  # column 2, row 7
    wanted = torch.stack([-place[1], place[0]]) - place
    assert torch.allclose(moved[7, 2], wanted, rtol=0.01)


def test_a_thing_without_tracks_goes_with_the_background() -> None:
    moved = displacement(tracks_between([[8, 8]], [[10, 8]]), halves())[-1]
    assert torch.allclose(moved, torch.tensor([2.0, 0.0]).expand_as(moved), atol=1e-4)


def test_and_with_the_nearest_track_where_that_has_none() -> None:
    layers = halves()
    layers[0] = 2
    tracks = tracks_between([[60, 2], [60, 60]], [[60, 8], [55, 60]])
    moved = displacement(tracks, layers)[-1]
    assert torch.allclose(moved[1, 0], torch.tensor([0.0, 6.0]), atol=1e-4)
    assert torch.allclose(moved[15, 0], torch.tensor([-5.0, 0.0]), atol=1e-4)


def test_a_track_that_comes_late_counts_for_its_surface() -> None:
    tracks = tracks_between([[8, 8], [50, 20]], [[8, 8], [50, 26]])
    visible = torch.ones(FRAMES, 2, dtype=torch.bool)
    visible[0] = torch.tensor([False, True])
    late = replace(tracks, visible=visible)
    moved = displacement(late, halves())[-1]
    assert torch.allclose(moved[:, 0], torch.zeros(GRID, 2), atol=1e-4)


def test_without_tracks_nothing_moves() -> None:
    assert not bool(displacement(tracks_between([], []), halves()).any())
