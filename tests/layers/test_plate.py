"""The filled background: by example, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.fields.fill import fill_behind
from motion_core.layers.patch_fill import _cost, _patches, _whole_patches, fill_by_example
from motion_core.layers.plate import background_plate, covered_pixels

from .pictures import disc_alpha


def stripes() -> np.ndarray:
    """(160, 160, 3): vertical stripes 16 pixels wide over a gentle gradient."""
    x, y = np.meshgrid(np.arange(160), np.arange(160))
    light = 0.35 + 0.3 * ((x // 16) % 2) + 0.001 * y
    return np.stack([light, light * 0.8, light * 0.6], -1).astype(np.float32)


HOLE = np.zeros((160, 160), bool)
HOLE[60:100, 55:110] = True


def test_stripes_go_on_behind_a_hole() -> None:
    picture = stripes()
    broken = np.where(HOLE[..., None], np.float32(1), picture)
    error = np.abs(fill_by_example(broken, HOLE) - picture)[HOLE].mean()
    smooth = np.abs(fill_behind(broken, HOLE) - picture)[HOLE].mean()
    assert error < 0.02 < 0.3 * smooth


def test_what_is_not_removed_stays_and_what_is_does_not_show() -> None:
    picture = np.random.default_rng(0).random((60, 90, 3), np.float32) * 0.5
    hole = np.zeros((60, 90), bool)
    hole[20:40, 30:50] = True
    picture[hole] = (1.0, 0.0, 1.0)
    filled = fill_by_example(picture, hole)
    np.testing.assert_array_equal(filled[~hole], picture[~hole])
    assert filled[hole].max() < 0.75
    np.testing.assert_array_equal(filled, fill_by_example(picture, hole))


@pytest.mark.parametrize("removed", [np.zeros((9, 9), bool), np.ones((9, 9), bool)])
def test_nothing_or_everything_removed(removed: np.ndarray) -> None:
    picture = np.random.default_rng(0).random((9, 9, 3), np.float32)
    np.testing.assert_array_equal(fill_by_example(picture, removed), picture)


@pytest.mark.parametrize("shape", [(16, 16), (3, 40), (8, 200)])
def test_too_little_is_known_for_a_patch(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 0.4, np.float32)
    hole = np.zeros(shape, bool)
    hole[1:-1, 2:-2] = True
    np.testing.assert_allclose(fill_by_example(picture, hole), picture, atol=1e-5)


def test_patches_are_the_squares_around_pixels() -> None:
    picture = np.random.default_rng(0).random((12, 15, 3), np.float32)
    patches = _patches(picture)
    square = picture[2:9, 4:11]
    np.testing.assert_array_equal(patches[5, 7], square.transpose(2, 0, 1).ravel())
    cost = _cost(patches[5, 7][None], patches, np.array([[6, 8]]))
    assert cost[0] == pytest.approx(((picture[3:10, 5:12] - square) ** 2).sum(), rel=1e-5)


def test_known_patches_touch_neither_the_hole_nor_the_edge() -> None:
    hole = np.zeros((20, 20), bool)
    hole[10, 10] = True
    known = _whole_patches(hole)
    wanted = np.zeros((20, 20), bool)
    wanted[3:17, 3:17] = True
    wanted[7:14, 7:14] = False
    np.testing.assert_array_equal(known, wanted)


def test_a_soft_edge_and_a_rim_around_it_are_removed() -> None:
    alpha = disc_alpha()
    covered = covered_pixels([alpha])
    assert covered[alpha > 0.02].all()
    assert covered.sum() < 1.25 * (alpha > 0).sum()
    assert not covered_pixels([np.zeros((9, 9), np.float32)]).any()


def test_a_plate_is_the_filled_picture() -> None:
    picture = stripes()
    assert np.abs(background_plate(picture, HOLE) - picture).mean() < 0.01
