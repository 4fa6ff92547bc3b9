"""Alignments against OpenCV, SciPy and shapes moved by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.transfer import (
    Box,
    box_of_mask,
    fit_boxes,
    keep_place,
    match_masks,
    match_points,
)


def some_points(count: int, seed: int = 0, spread: float = 200.0) -> torch.Tensor:
    return torch.rand(count, 2, generator=torch.Generator().manual_seed(seed)) * spread


def turned(points: torch.Tensor, degrees: float, zoom: float, shift: tuple) -> torch.Tensor:
    angle = math.radians(degrees)
    x, y = points.double().unbind(-1)
    cosine, sine = zoom * math.cos(angle), zoom * math.sin(angle)
    return torch.stack([cosine * x - sine * y + shift[0], sine * x + cosine * y + shift[1]], -1)


def ellipse(size: Size, middle: tuple, axes: tuple, degrees: float) -> torch.Tensor:
    import cv2

    mask = np.zeros((size.height, size.width), np.uint8)
    cv2.ellipse(mask, middle, axes, degrees, 0, 360, 1, -1)
    return torch.from_numpy(mask).bool()


def test_a_similarity_is_found_again() -> None:
    source = some_points(6)
    target = turned(source, 35.0, 1.7, (12.0, -40.0))
    found = match_points(source, target, "similarity")
    torch.testing.assert_close(found.place(source), target, atol=1e-4, rtol=0)


def test_a_least_squares_affine_is_that_of_numpy_and_a_similarity_has_least_error() -> None:
    source, target = some_points(9), some_points(9, seed=1)
    padded = np.c_[source.double().numpy(), np.ones(9)]
    wanted = np.linalg.lstsq(padded, target.double().numpy(), rcond=None)[0].T
    found = match_points(source, target, "affine")
    np.testing.assert_allclose(found.matrix.numpy(), wanted, atol=1e-8)  # type: ignore[attr-defined]
    best = match_points(source, target, "similarity")

    def error(place: torch.Tensor) -> float:
        return float((place - target.double()).square().sum())

    least = error(best.place(source))
    for degrees, zoom in ((1.0, 1.0), (-1.0, 1.0), (0.0, 1.01), (0.0, 0.99)):
        middle = best.place(source).mean(dim=0)
        off = turned(best.place(source) - middle, degrees, zoom, (0, 0)) + middle
        assert error(off) > least


def umeyama(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, 3) least-squares similarity by singular values (Umeyama 1991, eq. 40-42)."""
    here, there = source - source.mean(0), target - target.mean(0)
    u, values, vt = np.linalg.svd(there.T @ here / len(here))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    zoom = (values * sign).sum() / here.var(0).sum()
    linear = zoom * u @ np.diag(sign) @ vt
    return np.c_[linear, target.mean(0) - linear @ source.mean(0)]


@pytest.mark.parametrize("seed", range(4))
def test_a_similarity_is_that_of_umeyama(seed: int) -> None:
    """Also where a mirror would fit better: pairs without any likeness."""
    source, target = some_points(7, seed), some_points(7, seed + 50)
    found = match_points(source, target, "similarity")
    wanted = umeyama(source.double().numpy(), target.double().numpy())
    np.testing.assert_allclose(found.matrix.numpy(), wanted, atol=1e-8)  # type: ignore[attr-defined]


def bookstein(source: np.ndarray, target: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Thin plates as first written down (Bookstein 1989): r^2 log r^2 and a plane."""

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        square = ((a[:, None] - b[None]) ** 2).sum(-1)
        return np.where(square > 0, square * np.log(np.where(square > 0, square, 1.0)), 0.0)

    plane = np.c_[np.ones(len(source)), source]
    whole = np.block([[kernel(source, source), plane], [plane.T, np.zeros((3, 3))]])
    weights = np.linalg.solve(whole, np.r_[target, np.zeros((3, 2))])
    return np.c_[kernel(asked, source), np.ones(len(asked)), asked] @ weights


def test_a_thin_plate_is_that_of_bookstein() -> None:
    source = some_points(9).double()
    target = source + some_points(9, seed=3, spread=40.0)
    asked = some_points(40, seed=8, spread=260.0).double()
    found = match_points(source, target, "thin_plate").place(asked)
    wanted = bookstein(source.numpy(), target.numpy(), asked.numpy())
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-6)


def spread_of(mask: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Centroid with pixels' corners, and covariance of pixel centres, by OpenCV's moments."""
    import cv2

    found = cv2.moments(mask.numpy().astype(np.uint8), binaryImage=True)
    area = found["m00"]
    cross = found["mu11"] / area
    middle = np.array([found["m10"], found["m01"]]) / area + 0.5
    return middle, np.array([[found["mu20"] / area, cross], [cross, found["mu02"] / area]])


def test_an_affine_match_makes_moments_agree_and_distorts_least() -> None:
    source = ellipse(Size(200, 160), (100, 80), (60, 25), 10.0)
    target = ellipse(Size(400, 400), (220, 190), (150, 50), 70.0)
    found = match_masks(source, target, "affine").matrix.numpy()
    (middle, here), (there_middle, there) = spread_of(source), spread_of(target)
    linear = found[:, :2]
    pixel = np.eye(2) / 12
    np.testing.assert_allclose(linear @ middle + found[:, 2], there_middle, atol=1e-6)
    np.testing.assert_allclose(linear @ (here + pixel) @ linear.T, there + pixel, atol=1e-6)
    np.testing.assert_allclose(linear, linear.T, atol=1e-9)
    assert np.linalg.eigvalsh(linear).min() > 0, "it turns nothing over"


def test_a_similarity_of_masks_has_their_middles_areas_and_long_axes() -> None:
    source = ellipse(Size(200, 160), (100, 80), (60, 25), 10.0)
    target = ellipse(Size(400, 400), (220, 190), (120, 50), 60.0)
    found = match_masks(source, target, "similarity").matrix.numpy()
    middle, _ = spread_of(source)
    np.testing.assert_allclose(found[:, :2] @ middle + found[:, 2], spread_of(target)[0], atol=1e-6)
    areas = float(target.sum()) / float(source.sum())
    assert np.linalg.det(found[:, :2]) == pytest.approx(areas, rel=1e-6)
    turn = math.degrees(math.atan2(found[1, 0], found[0, 0]))
    assert turn == pytest.approx(50.0, abs=0.5)


def test_a_thin_plate_meets_its_points_and_knows_its_slope() -> None:
    source = some_points(8)
    target = source + some_points(8, seed=3, spread=30.0)
    found = match_points(source, target, "thin_plate")
    torch.testing.assert_close(found.place(source), target.double(), atol=1e-3, rtol=0)
    asked = some_points(20, seed=5)
    slope, step = found.slope(asked), torch.tensor([0.3, -0.2], dtype=torch.float64)
    ahead = found.place(asked + step) - found.place(asked)
    torch.testing.assert_close(slope @ step, ahead, atol=5e-3, rtol=0)


def test_a_thin_plate_through_an_affine_map_is_that_map() -> None:
    source = some_points(7)
    target = turned(source, -20.0, 0.6, (5.0, 5.0)) * torch.tensor([1.0, 1.4])
    asked = some_points(30, seed=2, spread=500.0)
    plate, affine = (match_points(source, target, kind) for kind in ("thin_plate", "affine"))
    torch.testing.assert_close(plate.place(asked), affine.place(asked), atol=1e-4, rtol=0)


def test_boxes() -> None:
    source, target = Box(10, 10, 30, 20), Box(100, 100, 160, 180)
    corners = torch.tensor([[10.0, 10.0], [30.0, 20.0]])
    filled = fit_boxes(source, target, keep_aspect=False)
    assert filled.place(corners).tolist() == [[100, 100], [160, 180]]
    kept = fit_boxes(source, target)
    assert kept.place(corners).tolist() == [[100, 125], [160, 155]]
    with pytest.raises(ValueError, match="source box needs width"):
        fit_boxes(Box(5, 5, 5, 9), target)


def test_the_box_of_a_mask_has_pixel_corners() -> None:
    mask = torch.zeros(20, 30)
    mask[4:7, 10:15] = 1
    assert box_of_mask(mask, Size(30, 20)) == (10, 4, 15, 7)
    with pytest.raises(CanvasError, match="mask is 30x20 but the canvas is 64x64"):
        box_of_mask(mask, Size(64, 64))


@pytest.mark.parametrize("kind", ["similarity", "affine"])
def test_masks_of_a_turned_ellipse(kind: str) -> None:
    source = ellipse(Size(200, 160), (100, 80), (60, 25), 10.0)
    target = ellipse(Size(400, 400), (220, 190), (120, 50), 40.0)
    found = match_masks(source, target, kind)  # type: ignore[arg-type]
    middle = torch.tensor([[100.5, 80.5]])
    torch.testing.assert_close(
        found.place(middle), torch.tensor([[220.5, 190.5]]).double(), atol=0.6, rtol=0
    )
    pixels = torch.nonzero(source).flip(-1) + 0.5
    x, y = found.place(pixels).floor().long().unbind(-1)
    covered = torch.zeros_like(target)
    covered[y, x] = True
    assert float(target[y, x].double().mean()) > 0.97, "the moved ellipse lies in the target"
    assert float(found.slope(middle)[0].det()) == pytest.approx(4.0, rel=0.03)


def test_round_shapes_are_not_turned() -> None:
    source = ellipse(Size(100, 100), (50, 50), (30, 30), 0.0)
    target = ellipse(Size(100, 100), (40, 60), (40, 18), 33.0)
    slope = match_masks(source, target).slope(torch.zeros(1, 2))[0]
    assert float(slope[0, 1]) == 0.0
    assert float(slope[0, 0]) == pytest.approx(math.sqrt(40 * 18) / 30, rel=0.03)


def test_other_canvases_do_not_correspond_pixel_by_pixel() -> None:
    with pytest.raises(CanvasError, match='choose the alignment "fit"|Choose the alignment "fit"'):
        keep_place(Size(10, 10), Size(20, 10))
    points = some_points(3)
    torch.testing.assert_close(keep_place(Size(9, 9), Size(9, 9)).place(points), points.double())


ON_A_LINE = torch.stack([torch.arange(5.0), 2 * torch.arange(5.0)], -1)


@pytest.mark.parametrize(
    ("source", "target", "kind", "message"),
    [
        (some_points(1), some_points(1), "similarity", "at least 2 pairs of points; got 1"),
        (some_points(2), some_points(2), "affine", "at least 3 pairs"),
        (some_points(2), some_points(2), "thin_plate", "at least 3 pairs"),
        (some_points(3), some_points(4), "affine", "3 source points but 4 target points"),
        (ON_A_LINE, some_points(5), "affine", "on one line"),
        (ON_A_LINE, some_points(5), "thin_plate", "on one line"),
        (torch.ones(4, 2), some_points(4), "similarity", "on one place"),
        (some_points(4), torch.ones(4, 2), "similarity", "target points lie on one place"),
        (some_points(3) * torch.nan, some_points(3), "affine", "finite"),
        (torch.zeros(3, 3), some_points(3), "affine", r"\(K, 2\)"),
        (some_points(3), some_points(3), "bend", "kind must be one of"),
    ],
)
def test_pairs_that_say_too_little_are_refused(source, target, kind, message) -> None:
    with pytest.raises(ValueError, match=message):
        match_points(source, target, kind)


def test_a_source_point_given_twice_is_refused() -> None:
    source = some_points(4)
    source[3] = source[0]
    with pytest.raises(ValueError, match="two source points lie on one place"):
        match_points(source, some_points(4, seed=9), "thin_plate")


def test_masks_that_say_nothing_are_refused() -> None:
    full = torch.ones(4, 4)
    with pytest.raises(ValueError, match="mask is empty"):
        match_masks(torch.zeros(4, 4), full)
    with pytest.raises(ShapeError, match=r"\(H, W\)"):
        match_masks(full[None], full)
    with pytest.raises(ValueError, match="finite"):
        match_masks(full * torch.nan, full)
    with pytest.raises(ValueError, match="similarity' or 'affine"):
        match_masks(full, full, "thin")  # type: ignore[arg-type]
