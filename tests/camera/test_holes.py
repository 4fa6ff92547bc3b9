"""Holes closed, grown, coloured and feathered, against plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from motion_core.camera.holes import HOLE_COLORS, HoleFinish, finish_holes, hole_color
from motion_core.camera.render import WarpedRender
from motion_core.errors import ShapeError

H, W = 24, 32


def render_of(*holes: Tensor, depth: bool = False) -> WarpedRender:
    generator = torch.Generator().manual_seed(1)
    stacked = torch.stack(holes)
    video = torch.rand(len(holes), H, W, 3, generator=generator)
    z = torch.rand(len(holes), H, W, generator=generator) + 1.0
    video = torch.where(stacked[..., None], 0.0, video)
    return WarpedRender(video, stacked, z.masked_fill(stacked, torch.inf) if depth else None)


def hole_at(*boxes: tuple[int, int, int, int]) -> Tensor:
    """Holes at (left, top, right, bottom)."""
    hole = torch.zeros(H, W, dtype=torch.bool)
    for left, top, right, bottom in boxes:
        hole[top:bottom, left:right] = True
    return hole


def areas(hole: Tensor) -> list[tuple[set[tuple[int, int]], int]]:
    """The connected regions of a mask and their areas, by flood fill over eight neighbours."""
    left = {(y, x) for y, x in hole.nonzero().tolist()}
    found = []
    while left:
        region, front = set(), [left.pop()]
        while front:
            y, x = front.pop()
            region.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            front += near
        found.append((region, len(region)))
    return found


def closed_by_rings(values: Tensor, hole: Tensor, small: set[tuple[int, int]]) -> Tensor:
    """Ring by ring, the mean of the known neighbours."""
    values, known = values.clone(), ~hole
    while small:
        ring = {}
        for y, x in small:
            near = [
                values[j, i]
                for j in range(max(y - 1, 0), min(y + 2, H))
                for i in range(max(x - 1, 0), min(x + 2, W))
                if known[j, i]
            ]
            if near:
                ring[y, x] = torch.stack(near).mean(dim=0)
        for (y, x), value in ring.items():
            values[y, x], known[y, x] = value, True
        small = small - set(ring)
    return values


@pytest.mark.parametrize("seed", range(4))
def test_small_holes_are_closed_and_large_ones_stay(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    hole = torch.rand(H, W, generator=generator) > 0.85
    hole |= hole_at((5, 6, 14, 12))
    render = render_of(hole)
    found = finish_holes(render, HoleFinish(min_area_px=12, color=HOLE_COLORS["magenta"]))
    small = {place for region, area in areas(hole) if area < 12 for place in region}
    wanted = closed_by_rings(render.video[0], hole, small)
    stays = hole.clone()
    for y, x in small:
        stays[y, x] = False
    assert small and stays.any()
    torch.testing.assert_close(found.video[0][~stays], wanted[~stays], atol=1e-5, rtol=0)
    assert torch.equal(found.valid[0], ~stays) and torch.equal(found.mask[0], stays.float())
    assert (found.video[0][stays] == torch.tensor([1.0, 0.0, 1.0])).all()


@pytest.mark.parametrize(("grow", "feather"), [(0.0, 0.0), (2.5, 0.0), (0.0, 4.0), (3.0, 5.0)])
def test_holes_grow_by_distance_and_fade_along_a_cosine(grow: float, feather: float) -> None:
    hole = hole_at((10, 8, 14, 12), (25, 3, 26, 4))
    places = hole.nonzero().tolist()
    found = finish_holes(render_of(hole), HoleFinish(grow_px=grow, feather_px=feather))
    for y in range(H):
        for x in range(W):
            far = min(math.hypot(y - j, x - i) for j, i in places)
            assert bool(found.valid[0, y, x]) == (far > grow + 1e-6)
            ramp = 0.0 if far <= grow else 1.0
            if feather:
                ramp = min(max((far - grow) / feather, 0.0), 1.0)
            wanted = 0.5 + 0.5 * math.cos(math.pi * ramp)
            assert float(found.mask[0, y, x]) == pytest.approx(wanted, abs=1e-5)


def test_nothing_changes_without_a_finish_or_without_holes() -> None:
    render = render_of(hole_at((3, 3, 6, 6)), hole_at(), depth=True)
    before = render.video.clone()
    found = finish_holes(render, HoleFinish())
    assert torch.equal(found.video, render.video) and torch.equal(found.valid, ~render.holes)
    assert torch.equal(found.mask, render.holes.float())
    torch.testing.assert_close(found.depth, render.depth)
    strong = HoleFinish(50, 4.0, HOLE_COLORS["green"], 3.0)
    assert torch.equal(finish_holes(render, strong).video[1], render.video[1])
    assert torch.equal(render.video, before), "the render itself is left alone"


def test_depth_is_closed_as_inverse_depth_and_infinite_in_holes() -> None:
    hole = hole_at((8, 8, 9, 9), (18, 4, 26, 14))
    render = render_of(hole, depth=True)
    assert render.depth is not None
    found = finish_holes(render, HoleFinish(min_area_px=4, grow_px=1.0))
    assert found.depth is not None
    around = [render.depth[0, y, x] for y in (7, 8, 9) for x in (7, 8, 9) if (y, x) != (8, 8)]
    wanted = 1.0 / torch.stack([1.0 / z for z in around]).mean()
    assert float(found.depth[0, 8, 8]) == pytest.approx(float(wanted), rel=1e-5)
    assert torch.equal(torch.isinf(found.depth[0]), ~found.valid[0])


def test_holes_can_take_the_nearest_colours() -> None:
    hole = hole_at((10, 8, 20, 14), (0, 0, 2, 24))
    render = render_of(hole)
    found = finish_holes(render, HoleFinish(color=None, grow_px=1.0))
    known = found.valid[0].nonzero().double()
    assert torch.equal(found.video[0][found.valid[0]], render.video[0][found.valid[0]])
    for y, x in (~found.valid[0]).nonzero().tolist():
        far = (known - torch.tensor([y, x])).norm(dim=1)
        near = known[far <= far.min() * 1.05 + 1e-9].long()
        colours = render.video[0][near[:, 0], near[:, 1]]
        assert (colours == found.video[0][y, x]).all(dim=1).any()


def test_a_frame_that_is_all_hole_keeps_it() -> None:
    everywhere = torch.ones(H, W, dtype=torch.bool)
    found = finish_holes(render_of(everywhere), HoleFinish(10_000, color=(0.0, 0.5, 1.0)))
    assert not found.valid.any()
    assert (found.video == torch.tensor([0.0, 0.5, 1.0])).all()


def test_colours_have_names_and_numbers() -> None:
    assert hole_color(" Magenta ") == (1.0, 0.0, 1.0)
    assert hole_color("#00ff80") == pytest.approx((0.0, 1.0, 128 / 255))
    assert hole_color("336699") == pytest.approx((0.2, 0.4, 0.6))
    for bad in ("", "#fff", "pink", "#ggffaa"):
        with pytest.raises(ValueError, match="magenta.*#rrggbb"):
            hole_color(bad)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"min_area_px": -1}, "min_area_px must be 0 or more"),
        ({"grow_px": math.nan}, "grow_px"),
        ({"feather_px": math.inf}, "feather_px"),
        ({"color": (0.0, 2.0, 0.0)}, "color must be"),
        ({"color": (0.0, 1.0)}, "color must be"),
    ],
)
def test_a_bad_finish_is_refused(bad: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HoleFinish(**bad)


def test_parts_of_other_sizes_are_refused_and_progress_can_stop() -> None:
    render = render_of(hole_at((1, 1, 3, 3)), hole_at())
    with pytest.raises(ShapeError, match="one size"):
        finish_holes(WarpedRender(render.video, render.holes[:1]), HoleFinish())
    reports = []
    finish_holes(render, HoleFinish(), progress=lambda done, total: reports.append((done, total)))
    assert reports == [(1, 2), (2, 2)]
