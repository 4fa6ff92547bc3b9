"""Masks on the latent grid: known coverage, known discs, bad input."""

from __future__ import annotations

import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.guidance.latent_mask import (
    causal_groups,
    feathered,
    mask_on_latents,
    track_mask,
)
from motion_core.tracks import Tracks, make_tracks


def test_the_first_picture_is_a_group_of_its_own() -> None:
    assert causal_groups(4, 4) == (1, 4, 4, 4)
    assert causal_groups(3, 1) == (1, 1, 1)
    assert sum(causal_groups(21, 4)) == 81
    assert sum(causal_groups(13, 8)) == 97, "LTX"


def test_a_latent_holds_the_share_that_is_covered() -> None:
    mask = torch.zeros(9, 16, 16)
    mask[0, :8, :8] = 1  # the first picture: the first latent exactly
    mask[3:5, :8, 4:8] = 1  # half of it, in two of the four pictures of the second group
    on_latents = mask_on_latents(mask, causal_groups(3, 4), 2, 2)
    assert on_latents.shape == (3, 2, 2)
    assert on_latents[0].tolist() == [[1, 0], [0, 0]]
    assert on_latents[1].tolist() == [[0.25, 0], [0, 0]]
    assert not on_latents[2].any()


@pytest.mark.parametrize("radius", [0.5, 1.0, 3.2, 17.3, 1024.0])
@pytest.mark.parametrize("size", [Size(24, 16), Size(60, 7), Size(5, 40)])
def test_discs_hold_the_pixels_within_the_radius(radius: float, size: Size) -> None:
    """Against the distance of every pixel to every point, also for points outside."""
    generator = torch.Generator().manual_seed(int(radius))
    xy = (torch.rand(2, 6, 2, generator=generator) * 3 - 1) * torch.tensor([*size])
    tracks = make_tracks(xy, size)
    rows, columns = torch.meshgrid(
        torch.arange(size.height) + 0.5, torch.arange(size.width) + 0.5, indexing="ij"
    )
    centres = torch.stack([columns, rows], dim=-1).double()
    far = (centres[None, :, :, None] - xy[:, None, None].double()).norm(dim=-1)
    wanted = (far <= radius).any(dim=-1)
    assert torch.equal(track_mask(tracks, radius, which="all") > 0, wanted)


def test_large_discs_and_canvases_are_bounded() -> None:
    tracks = make_tracks(torch.rand(1, 20_000, 2) * 100, Size(100, 100))
    assert track_mask(tracks, 1024.0, which="all").all()
    with pytest.raises(ValueError, match="larger than 536,870,912 pixels"):
        track_mask(make_tracks(torch.zeros(2, 1, 2), Size(65536, 65536)), 4.0)


def test_one_mask_counts_for_every_frame() -> None:
    mask = torch.zeros(8, 8)
    mask[:, 4:] = 1
    on_latents = mask_on_latents(mask, causal_groups(3, 8), 1, 2)
    assert on_latents.tolist() == [[[0, 1]]] * 3


def test_uneven_sizes_keep_the_total() -> None:
    mask = torch.rand(1, 45, 77, generator=torch.Generator().manual_seed(0))
    assert float(mask_on_latents(mask, (1,), 5, 7).mean()) == pytest.approx(
        float(mask.mean()), abs=0.02
    )


def test_feathering_is_a_gaussian_of_the_edge() -> None:
    mask = torch.zeros(1, 40, 80)
    mask[..., 40:] = 1
    soft = feathered(mask, 10.0)
    across = soft[0, 20]
    wanted = 0.5 * (1 + torch.erf((torch.arange(80) + 0.5 - 40) / (5.0 * 2**0.5)))
    assert torch.allclose(across, wanted, atol=5e-3)
    assert torch.allclose(soft[0, 0], across, atol=1e-6), "the border continues"
    assert torch.equal(feathered(mask, 0.0), mask)
    assert torch.allclose(feathered(torch.ones(2, 5, 6), 40.0), torch.ones(2, 5, 6), atol=1e-5)


def two_tracks() -> Tracks:
    """One point that moves right and is hidden in the last frame, one that stays."""
    xy = torch.tensor(
        [[[5.5, 6.5], [20.5, 10.5]], [[9.5, 6.5], [20.5, 10.5]], [[0, 0], [20.5, 10.5]]]
    )
    visible = torch.tensor([[True, True], [True, True], [False, True]])
    return make_tracks(xy, Size(24, 16), visible=visible)


@pytest.mark.parametrize(("which", "points"), [("moving", (0,)), ("still", (1,)), ("all", (0, 1))])
def test_discs_lie_around_the_chosen_visible_points(which: str, points: tuple[int, ...]) -> None:
    tracks = two_tracks()
    mask = track_mask(tracks, 2.5, which=which)
    rows, columns = torch.meshgrid(torch.arange(16) + 0.5, torch.arange(24) + 0.5, indexing="ij")
    for frame in range(3):
        wanted = torch.zeros(16, 24)
        for point in points:
            if bool(tracks.visible[frame, point]):
                x, y = tracks.xy[frame, point].tolist()
                wanted[(columns - x) ** 2 + (rows - y) ** 2 <= 2.5**2] = 1
        assert torch.equal(mask[frame], wanted)


def test_points_at_the_border_stay_inside() -> None:
    xy = torch.tensor([[[0.0, 0.0]], [[23.9, 15.9]]])
    mask = track_mask(make_tracks(xy, Size(24, 16)), 3.0)
    assert mask[0, 0, 0] == 1 and mask[1, 15, 23] == 1 and mask.sum() < 30


def test_bad_masks_are_refused() -> None:
    with pytest.raises(ValueError, match="has 3 frames, the reference 9"):
        mask_on_latents(torch.ones(3, 16, 16), causal_groups(3, 4), 2, 2)
    with pytest.raises(ShapeError, match="at least 2x2"):
        mask_on_latents(torch.ones(1, 1, 16), (1,), 2, 2)
    with pytest.raises(ShapeError, match="frames, height, width"):
        mask_on_latents(torch.ones(1, 1, 16, 16), (1,), 2, 2)
    with pytest.raises(ValueError, match="NaN"):
        mask_on_latents(torch.full((1, 4, 4), torch.nan), (1,), 2, 2)
    with pytest.raises(ValueError, match="at least one frame"):
        causal_groups(0, 4)
    with pytest.raises(ValueError, match="at least 0"):
        feathered(torch.ones(1, 4, 4), -1.0)
    with pytest.raises(ValueError, match=r"at least 0\.5"):
        track_mask(two_tracks(), 0.0)
    with pytest.raises(ValueError, match="moving, still or all"):
        track_mask(two_tracks(), 2.0, which="fast")
