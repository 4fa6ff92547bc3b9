"""Depth between pixels, on other canvases, and at edges."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.depth.depth_map import DepthMap
from motion_core.depth.edges import filter_flying_pixels, joined_neighbours
from motion_core.depth.sample import depth_at, resize_depth
from motion_core.depth.sources import make_depth
from motion_core.geometry import Size

SIZE = Size(40, 30)


def slanted(a: float, b: float, size: Size = SIZE) -> DepthMap:
    """A plane: inverse depth linear in the pixel."""
    x = torch.arange(size.width) + 0.5
    y = torch.arange(size.height) + 0.5
    return make_depth(1.0 / (0.5 + a * x + b * y[:, None]))


@given(st.floats(-0.003, 0.003), st.floats(-0.003, 0.003), st.integers(0, 99))
def test_planes_are_exact_between_pixels(a: float, b: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    points = 1 + torch.rand(50, 2, generator=generator) * (torch.tensor(SIZE) - 2)
    z, known = depth_at(slanted(a, b), points)
    assert known.all()
    wanted = 1.0 / (0.5 + a * points[:, 0].double() + b * points[:, 1].double())
    assert torch.allclose(z.double(), wanted, rtol=1e-4)


def test_pixel_centres_give_their_own_depth() -> None:
    depth = make_depth(torch.rand(30, 40, generator=torch.Generator().manual_seed(0)) + 0.5)
    rows, columns = torch.meshgrid(torch.arange(30), torch.arange(40), indexing="ij")
    points = torch.stack([columns, rows], -1).reshape(-1, 2) + 0.5
    assert torch.allclose(depth_at(depth, points)[0], depth.z.flatten(), rtol=1e-6)


def test_nothing_is_averaged_across_an_edge() -> None:
    z = torch.ones(4, 4)
    z[:, 2:] = 5.0
    got, known = depth_at(make_depth(z), torch.tensor([[1.9, 2.0], [2.1, 2.0]]))
    assert got.tolist() == [1.0, 5.0]
    assert known.all()


def test_depth_is_unknown_off_the_canvas_and_on_holes() -> None:
    valid = torch.ones(4, 4, dtype=torch.bool)
    valid[1, 1] = False
    depth = make_depth(torch.full((4, 4), 3.0), valid=valid)
    points = torch.tensor([[-0.1, 1.0], [4.0, 1.0], [1.5, 1.5], [2.4, 1.5]])
    z, known = depth_at(depth, points)
    assert known.tolist() == [False, False, False, True]
    assert z.tolist() == [1.0, 1.0, 1.0, 3.0]
    with pytest.raises(ValueError, match="finite"):
        depth_at(depth, torch.tensor([[math.nan, 0.0]]))


@pytest.mark.parametrize("size", [Size(80, 60), Size(20, 15), Size(52, 17)])
def test_resizing_keeps_planes_and_the_lens(size: Size) -> None:
    depth = slanted(0.003, -0.002)
    got = resize_depth(depth, size)
    assert got.size == size
    x = (torch.arange(size.width) + 0.5) * SIZE.width / size.width
    y = (torch.arange(size.height) + 0.5) * SIZE.height / size.height
    wanted = 1.0 / (0.5 + 0.003 * x - 0.002 * y[:, None])
    inside = got.z[2:-2, 2:-2]
    assert torch.allclose(inside, wanted[2:-2, 2:-2], rtol=1e-4)
    assert float(got.K[0, 0] / depth.K[0, 0]) == pytest.approx(size.width / SIZE.width)
    assert float(got.K[1, 2] / depth.K[1, 2]) == pytest.approx(size.height / SIZE.height)
    assert resize_depth(depth, SIZE) is depth


def two_walls(smear: int) -> torch.Tensor:
    """Depth 2 left of column 20, 6 right of it, `smear` pixels in between."""
    steps = torch.cat([torch.full((20,), 2.0), torch.full((20,), 6.0)])
    if smear:
        steps[20 : 20 + smear] = torch.linspace(2, 6, smear + 2)[1:-1]
    return steps.expand(30, 40).clone()


def test_neighbours_are_joined_on_a_slope_and_not_across_an_edge() -> None:
    across, down = joined_neighbours(make_depth(two_walls(0)))
    assert across[:, :19].all() and across[:, 20:].all() and down.all()
    assert not across[:, 19].any()
    # A floor seen at a grazing angle: up to a ninth of its depth from row to row.
    steep = make_depth((1.0 / (0.08 + 0.01 * torch.arange(30)))[:, None].expand(30, 40).clone())
    assert joined_neighbours(steep)[1].all()


def test_holes_are_joined_to_nothing() -> None:
    valid = torch.ones(30, 40, dtype=torch.bool)
    valid[:, 7] = False
    across, down = joined_neighbours(make_depth(two_walls(0), valid=valid))
    assert not across[:, 6].any() and not across[:, 7].any()
    assert not down[:, 7].any()


@pytest.mark.parametrize("smear", [1, 2])
@pytest.mark.parametrize("turned", [False, True])
def test_pixels_that_float_between_two_walls_are_removed(smear: int, turned: bool) -> None:
    z = two_walls(smear)
    depth = make_depth(z.T.contiguous() if turned else z)
    kept = filter_flying_pixels(depth).valid
    kept = kept.T if turned else kept
    assert not kept[:, 20 : 20 + smear].any()
    assert kept[:, :20].all() and kept[:, 20 + smear :].all()


def test_sharp_edges_slopes_and_thin_things_are_kept() -> None:
    thin = torch.full((30, 40), 6.0)
    thin[:, 11] = 2.0
    for z in (two_walls(0), thin, slanted(0.004, 0.004).z):
        assert filter_flying_pixels(make_depth(z)).valid.all()


def test_a_filter_never_leaves_nothing() -> None:
    lone = torch.zeros(30, 40, dtype=torch.bool)
    lone[:, 20] = True
    depth = make_depth(two_walls(1), valid=lone)
    assert filter_flying_pixels(depth).valid.any()
