"""Tracks as the maps that control's first layer reads."""

from __future__ import annotations

import torch

from motion_core.geometry import Size
from motion_core.models.lite.latents import from_latents
from motion_core.models.lite.track_batch import make_track_batch, unit_px
from motion_core.models.lite.track_maps import rasterize_tracks
from motion_core.tracks.model import make_tracks
from tests.lite.models import wandering

CANVAS = Size(60, 40)


def test_a_pinned_point_differs_from_none_and_a_cell_shares_its_mean() -> None:
    size = Size(80, 80)  # cells of ten pixels; a unit is ten pixels too
    assert unit_px(size) == 10
    still = torch.tensor([[35.0, 5.0]]).repeat(3, 1, 1)
    step = torch.arange(3.0).view(3, 1, 1)
    one = torch.tensor([[62.0, 71.0]]) + step * torch.tensor([3.0, 0.0])
    other = torch.tensor([[68.0, 78.0]]) + step * torch.tensor([1.0, -2.0])
    lost = torch.tensor([[5.0, 5.0]]) + step * torch.tensor([4.0, 4.0])
    visible = torch.ones(3, 4, dtype=torch.bool)
    visible[2, 3] = False
    tracks = make_tracks(torch.cat([still, one, other, lost], dim=1), size, visible=visible)
    told = rasterize_tracks(make_track_batch([tracks]), 8)
    moved, _ = from_latents(told)
    presence = told[0, 4:]
    torch.testing.assert_close(moved[0, 2, 7, 6], torch.tensor([0.4, -0.2]))
    torch.testing.assert_close(moved[0, 1, 7, 6], torch.tensor([0.2, -0.1]))
    assert not moved[0, :, 0, 3].any() and bool((presence[:, 0, 3] == 1).all())
    assert presence[:, 7, 6].tolist() == [1.0, 1.0]
    assert presence[0, 0, 0] == 1 and 0 < presence[1, 0, 0] < 0.1
    assert int((presence[0] > 0).sum()) == 3


def test_padding_tells_nothing() -> None:
    many, few = wandering(5, 7, CANVAS), wandering(5, 2, CANVAS, seed=1)
    both = rasterize_tracks(make_track_batch([many, few]), 8)
    torch.testing.assert_close(both[1:], rasterize_tracks(make_track_batch([few]), 8))
