from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from skimage.measure import points_in_poly

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.tracks import (
    disc_points,
    grid_points,
    hide_outside,
    inside_canvas,
    mask_points,
    points_inside_polygon,
    polygon_points,
    static_tracks,
)

from .clips import seeds, sizes

CANVAS = Size(64, 48)
SQUARE = [[10, 10], [30, 10], [30, 30], [10, 30]]
spacings = st.floats(1, 300)


@given(size=sizes, spacing=spacings)
@example(size=Size(1, 55), spacing=1.1)
def test_a_grid_lies_on_the_canvas_evenly_and_in_its_middle(size: Size, spacing: float) -> None:
    points = grid_points(size, spacing)
    assert bool(inside_canvas(static_tracks(points, 1, size)).all())
    # 55 / 1.1 is 50 spacings, though 1.1 in binary lies a hair above 1.1 and `//` says 49.
    across, down = (max(1, math.floor(side / spacing + 1e-6)) for side in (size.width, size.height))
    assert len(points) == across * down
    middle = points.double().mean(dim=0).tolist()
    assert middle == pytest.approx([size.width / 2, size.height / 2], abs=1e-3)
    for axis in (0, 1):
        gaps = points[:, axis].double().unique().diff()
        torch.testing.assert_close(gaps, torch.full_like(gaps, spacing), rtol=0, atol=1e-3)


def test_spacing_one_hits_every_pixel_once_and_a_wide_one_the_middle() -> None:
    points = grid_points(Size(5, 3), 1)
    cells = {tuple(cell) for cell in points.tolist()}
    assert cells == {(x + 0.5, y + 0.5) for x in range(5) for y in range(3)}
    assert points[:2].tolist() == [[0.5, 0.5], [1.5, 0.5]]
    assert grid_points(Size(5, 3), 100).tolist() == [[2.5, 1.5]]


@given(size=sizes, spacing=spacings)
def test_a_full_mask_and_a_canvas_wide_polygon_are_the_canvas(size: Size, spacing: float) -> None:
    wanted = grid_points(size, spacing)
    full = torch.ones(size.height, size.width, dtype=torch.bool)
    assert torch.equal(mask_points(full, size, spacing), wanted)
    w, h = size
    polygon = [[0, 0], [w, 0], [w, h], [0, h]]
    assert torch.equal(polygon_points(polygon, spacing), wanted)
    beyond = [[-w, -h], [2 * w, -h], [2 * w, 2 * h], [-w, 2 * h]]
    assert torch.equal(polygon_points(beyond, spacing, size), wanted)


@given(seed=seeds, spacing=st.floats(1, 40), share=st.floats(0, 1))
def test_mask_points_lie_on_the_mask_and_miss_no_mask(
    seed: int, spacing: float, share: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(CANVAS.height, CANVAS.width, generator=generator) < share**4
    points = mask_points(mask, CANVAS, spacing)
    assert bool(len(points)) == bool(mask.any())
    x, y = points.floor().long().unbind(dim=-1)
    assert bool(mask[y, x].all())


def test_a_mask_may_hold_numbers() -> None:
    mask = torch.zeros(48, 64)
    mask[10:20, 30:50] = 0.6
    points = mask_points(mask, CANVAS, 2)
    assert len(points) == 50
    assert points.min(dim=0).values.tolist() == [31, 11]
    assert points.max(dim=0).values.tolist() == [49, 19]
    assert torch.equal(mask_points((mask > 0.5).to(torch.uint8), CANVAS, 2), points)
    assert len(mask_points(mask * 0.5, CANVAS, 2)) == 0


def test_a_mask_between_the_grid_points_gives_its_middle_pixel() -> None:
    mask = torch.zeros(48, 64, dtype=torch.bool)
    mask[10:30, 20:40] = True
    mask[12:28, 22:38] = False
    point = mask_points(mask, CANVAS, 50)
    assert len(point) == 1
    x, y = point[0].floor().long().tolist()
    assert mask[y, x]


@pytest.mark.parametrize(
    ("mask", "error", "says"),
    [
        (torch.ones(64, 48), CanvasError, "mask is 48x64 but the canvas is 64x48"),
        (torch.ones(1, 48, 64), ShapeError, r"\(H, W\)"),
        (torch.full((48, 64), math.nan), ValueError, "NaN"),
    ],
)
def test_bad_masks_are_refused(mask: torch.Tensor, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        mask_points(mask, CANVAS, 4)


@given(seed=seeds, corners=st.integers(3, 12))
def test_inside_a_polygon_agrees_with_skimage(seed: int, corners: int) -> None:
    random = np.random.default_rng(seed)
    polygon, points = random.random((corners, 2)) * 50, random.random((300, 2)) * 60 - 5
    wanted = points_in_poly(points, polygon)
    assert np.array_equal(points_inside_polygon(points, polygon).numpy(), wanted)
    turned = points_inside_polygon(points, np.roll(polygon[::-1], 1, axis=0)).numpy()
    assert np.array_equal(turned, wanted)


@given(seed=seeds)
def test_polygons_that_share_an_edge_share_no_point_and_leave_none(seed: int) -> None:
    # Whole numbers put many points exactly on edges and corners.
    random = np.random.default_rng(seed)
    middle = random.integers(1, 15, 2)
    corners = [[0, 0], [16, 0], [16, 16], [0, 16]]
    points = np.stack(np.meshgrid(np.arange(17), np.arange(17)), axis=-1).reshape(-1, 2)
    hits = sum(
        points_inside_polygon(points, [corners[k], corners[(k + 1) % 4], middle]).int()
        for k in range(4)
    )
    assert torch.equal(hits == 1, points_inside_polygon(points, corners))
    assert int(torch.as_tensor(hits).max()) == 1


def test_polygon_points_fill_the_polygon_alone() -> None:
    assert len(polygon_points(SQUARE, 2)) == 100
    star = [[32, 0], [20, 45], [60, 15], [4, 15], [44, 45]]
    points = polygon_points(star, 1.5)
    assert bool(points_inside_polygon(points, star).all())
    # Even-odd: the middle of a star drawn in one line is outside.
    assert not bool(points_inside_polygon([[32, 22]], star)[0])


def test_polygon_points_stay_on_the_canvas() -> None:
    points = polygon_points([[-20, -20], [20, -20], [20, 20], [-20, 20]], 2, CANVAS)
    assert len(points) == 100
    assert float(points.min()) == 1
    assert len(polygon_points([[-20, 0], [-5, 0], [-5, 20]], 2, CANVAS)) == 0
    far = [[-1e9, -1e9], [1e9, -1e9], [1e9, 1e9], [-1e9, 1e9]]
    assert torch.equal(polygon_points(far, 8, CANVAS), grid_points(CANVAS, 8))


@given(seed=seeds, spacing=st.floats(1, 200))
def test_a_thin_polygon_still_gets_a_point(seed: int, spacing: float) -> None:
    random = np.random.default_rng(seed)
    start, end = random.random((2, 2)) * 40
    across = np.array([0.05, 0.08])
    polygon = np.stack([start, end, end + across, start + across])
    points = polygon_points(polygon, spacing)
    assert len(points) >= 1
    assert bool(points_inside_polygon(points.double(), polygon).all())


def test_a_polygon_that_encloses_nothing_has_no_points() -> None:
    assert len(polygon_points([[3, 3], [3, 3], [3, 3]], 1)) == 0
    assert len(polygon_points([[0, 0], [10, 0], [20, 0]], 1)) == 0
    assert len(polygon_points([[0, 0], [10, 10], [20, 20]], 100)) == 0


def test_a_lasso_of_ten_thousand_corners_is_quick() -> None:
    angle = np.linspace(0, 2 * math.pi, 10_000, endpoint=False)
    lasso = np.stack([400 + 300 * np.cos(angle), 240 + 200 * np.sin(angle)], axis=1)
    start = time.perf_counter()
    points = polygon_points(lasso, 0.8)
    assert time.perf_counter() - start < 3
    assert len(points) == pytest.approx(math.pi * 300 * 200 / 0.8**2, rel=0.01)


@given(
    x=st.floats(-100, 100),
    y=st.floats(-100, 100),
    radius=st.floats(0, 60),
    spacing=st.floats(1, 60),
)
def test_disc_points_reach_the_radius_around_the_centre(
    x: float, y: float, radius: float, spacing: float
) -> None:
    for shape in ("round", "square"):
        points = disc_points((x, y), radius, spacing, shape).double()
        assert len(points) % 2 == 1
        assert points[len(points) // 2].tolist() == pytest.approx([x, y], abs=1e-4)
        offset = points - torch.tensor([x, y], dtype=torch.float64)
        torch.testing.assert_close(offset, -offset.flip(0), rtol=0, atol=1e-3)
        reach = offset.norm(dim=1) if shape == "round" else offset.abs().amax(dim=1)
        assert float(reach.max()) <= radius + 1e-3


def test_disc_points_count() -> None:
    assert disc_points((5, 7), 0, 3).tolist() == [[5, 7]]
    assert len(disc_points((0, 0), 2, 1)) == 13
    assert len(disc_points((0, 0), 2, 1, "square")) == 25
    # 0.3 / 0.1 is just below 3 in floating point.
    assert len(disc_points((0, 0), 0.3, 0.1, "square")) == 49


@pytest.mark.parametrize(
    "seed_points",
    [
        lambda spacing: grid_points(Size(832, 480), spacing),
        lambda spacing: mask_points(torch.ones(480, 832), Size(832, 480), spacing),
        lambda spacing: polygon_points([[0, 0], [832, 0], [832, 480]], spacing),
        lambda spacing: disc_points((400, 200), 300, spacing),
    ],
    ids=["grid", "mask", "polygon", "disc"],
)
def test_absurd_spacings_are_refused_at_once(seed_points) -> None:
    start = time.perf_counter()
    for spacing in (0.1, 1e-9, 5e-324):
        with pytest.raises(ValueError, match="more than 1,000,000"):
            seed_points(spacing)
    for spacing in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match="spacing must be"):
            seed_points(spacing)
    with pytest.raises(TypeError, match="spacing must be a number"):
        seed_points("3")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: polygon_points([[0, 0], [1, 1]], 1), "at least 3 corners"),
        (lambda: polygon_points([[0, 0], [1, 1], [math.nan, 2]], 1), "finite; row 2"),
        (lambda: polygon_points([[0, 0, 0]] * 3, 1), r"\(N, 2\)"),
        (lambda: polygon_points([[0, 0], [1e300, 0], [0, 1e300]], 1e299), "float32"),
        (lambda: points_inside_polygon([[0, math.inf]], SQUARE), "points must be finite"),
        (lambda: disc_points((0, math.nan), 1, 1), "center must be finite"),
        (lambda: disc_points((0, 0, 0), 1, 1), "center must be"),
        (lambda: disc_points((0, 0), -1, 1), "radius must be 0 or more"),
        (lambda: disc_points((0, 0), 1, 1, "oval"), "'round' or 'square'"),  # pyright: ignore[reportArgumentType]
        (lambda: static_tracks([1, 2], 3, CANVAS), r"\(N, 2\)"),
        (lambda: static_tracks([[1, math.nan]], 3, CANVAS), "finite"),
        (lambda: static_tracks([[1, 1]], -3, CANVAS), "frames must be 0 or more"),
        (lambda: static_tracks([[1, 1]], 10**9, CANVAS), "frames must be 100000 or less"),
        (lambda: grid_points(Size(0, 5), 1), "canvas width"),
    ],
)
def test_bad_shapes_are_refused(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_static_tracks_stay_and_are_all_visible() -> None:
    points = torch.tensor([[1.5, 2.5], [-30, 4]])
    still = static_tracks(points, 5, CANVAS, fps=12)
    assert (still.num_frames, still.num_points, still.fps) == (5, 2, 12)
    assert bool((still.xy == points).all())
    assert bool(still.visible.all())
    assert still.ids.tolist() == [0, 1]
    assert hide_outside(still).visible[0].tolist() == [True, False]
    assert static_tracks(torch.zeros(0, 2), 5, CANVAS).num_points == 0
    assert static_tracks(points, 0, CANVAS).num_frames == 0
