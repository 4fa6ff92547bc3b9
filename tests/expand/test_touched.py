"""The mask of what moves: discs along the way, against a count of every pixel."""

from __future__ import annotations

import pytest
import torch

from motion_core.expand.touched import touched_area
from motion_core.geometry import Size
from motion_core.tracks import empty_tracks, make_tracks

CANVAS = Size(40, 30)


def two_tracks() -> torch.Tensor:
    """One point that walks to the right and one that stays."""
    walk = torch.tensor([[5.5, 10.5], [12.5, 10.5], [20.5, 14.5]])
    return torch.stack([walk, torch.full((3, 2), 25.5)], dim=1)


@pytest.mark.parametrize("radius", [0.0, 1.0, 3.0, 4.5])
def test_it_is_every_pixel_near_a_moving_point(radius: float) -> None:
    touched = touched_area(make_tracks(two_tracks(), CANVAS), radius)
    centres = torch.stack(torch.meshgrid(torch.arange(40), torch.arange(30), indexing="xy"), -1)
    gaps = (centres[..., None, :] + 0.5 - two_tracks()[:, 0]).norm(dim=-1)
    assert torch.equal(touched, (gaps <= radius + 1e-4).any(dim=-1))


def test_what_stays_or_hides_does_not_count() -> None:
    visible = torch.tensor([[True, True], [False, True], [False, True]])
    assert not touched_area(make_tracks(two_tracks(), CANVAS, visible=visible), 3.0).any()


def test_points_outside_and_none_at_all_are_fine() -> None:
    outside = make_tracks(two_tracks() + 500.0, CANVAS)
    assert not touched_area(outside, 2.0).any()
    assert touched_area(empty_tracks(4, CANVAS), 2.0).shape == (30, 40)


def test_a_disc_larger_than_the_picture_fills_it() -> None:
    assert touched_area(make_tracks(two_tracks(), CANVAS), 200.0).all()


def test_a_negative_radius_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        touched_area(make_tracks(two_tracks(), CANVAS), -1.0)
