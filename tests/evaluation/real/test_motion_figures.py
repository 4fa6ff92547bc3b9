"""Figures of motion on maps whose values follow from their construction."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.errors import ShapeError
from motion_core.evaluation.real.motion_figures import (
    bending,
    folds,
    going,
    interior,
    motion_figures,
    surroundings,
    torn_px,
)
from motion_core.fields.arrays import BoolArray, FloatArray

DRAG = np.array([30.0, -10.0], np.float32)


def thing() -> BoolArray:
    """A square of 40 pixels in a picture of 100 x 120."""
    mask = np.zeros((100, 120), bool)
    mask[30:70, 40:80] = True
    return mask


def translated(mask: BoolArray) -> FloatArray:
    """The map that moves a mask by DRAG and nothing else."""
    return np.where(mask[..., None], DRAG, 0).astype(np.float32)


def test_a_rigid_translation_is_perfect() -> None:
    figures = motion_figures(translated(thing()), thing(), np.zeros((100, 120), bool), DRAG)
    assert figures == {
        "torn": 0,
        "torn per 1000": 0,
        "goes": 1,
        "bending": pytest.approx(0, abs=1e-6),
        "background": 0,
        "folds": 0,
    }


def test_a_picture_at_rest_leaves_the_thing_behind() -> None:
    still = np.zeros((100, 120, 2), np.float32)
    figures = motion_figures(still, thing(), np.zeros((100, 120), bool), DRAG)
    assert (figures["goes"], figures["bending"], figures["torn"]) == (0, 1, 0)


@pytest.mark.parametrize("apart, torn", [(2.9, 0), (3.1, 28)])
def test_a_cut_has_its_length(apart: float, torn: int) -> None:
    """Cut along a column, the two halves part by `apart` pixels."""
    moved = translated(thing())
    moved[:, 60:, 1] += apart
    inside = interior(thing())
    assert inside.sum() == 28**2, "a rim of six pixels is left out"
    assert torn_px(moved, inside) == torn


def test_a_displaced_pixel_tears_from_its_four_neighbours() -> None:
    moved = translated(thing())
    moved[50, 60] += 20
    moved[55, 65] += 20
    assert torn_px(moved, interior(thing())) == 8


def test_a_tear_at_the_outline_or_outside_does_not_count() -> None:
    moved = translated(thing())
    moved[:, 42:] += 9
    moved[10, 10] += 50
    assert torn_px(moved, interior(thing())) == 0


def test_shear_has_its_known_bending() -> None:
    """x += s y is half a rotation, which a similarity takes, and half a strain, which it leaves:
    residual s/2 (y, x) over the square, of root mean square s/2 sqrt(2) side / sqrt(12)."""
    mask = np.zeros((90, 90), bool)
    mask[20:70, 20:70] = True
    y = np.arange(90, dtype=np.float64)[:, None]
    moved = np.zeros((90, 90, 2))
    moved[..., 0] = 30 + 0.1 * y
    variance = (50**2 - 1) / 12
    expected = 0.05 * np.sqrt(2 * variance) / 30
    assert bending(moved, mask, np.array([30.0, 0.0])) == pytest.approx(expected, rel=1e-6)


def test_a_similarity_does_not_bend() -> None:
    y, x = np.mgrid[:90, :90].astype(np.float64)
    place = x + 1j * y
    shift = place * (1.1 * np.exp(0.3j) - 1) + 5
    moved = np.stack([shift.real, shift.imag], axis=-1)
    assert bending(moved, np.ones((90, 90), bool), np.array([20.0, 0.0])) < 1e-9


def test_half_of_a_thing_goes() -> None:
    moved = translated(thing())
    moved[:, 60:] *= 0.4
    inside = interior(thing())
    assert going(moved, inside, DRAG).sum() == inside[:, :60].sum()


def test_background_is_counted_beyond_the_rim_and_without_other_things() -> None:
    others = np.zeros((100, 120), bool)
    others[:20] = True
    still = surroundings(thing(), others)
    moved = translated(thing())
    moved[90:, :, 0] = 1.6
    moved[:15, :, 0] = 50
    moved[80:90, :, 0] = 1.4
    figures = motion_figures(moved, thing(), others, DRAG)
    assert figures["background"] == pytest.approx(10 * 120 / still.sum())
    assert not still[29, 50] and not still[22, 50] and still[20, 0] and not still[10, 10]


def test_a_mirrored_patch_is_folded() -> None:
    mask = np.ones((40, 40), bool)
    x = np.arange(40, dtype=np.float64)
    moved = np.zeros((40, 40, 2))
    moved[:, 10:20, 0] = -2.0 * (x[10:20] - 10)
    # The pairs of columns 10/11 to 18/19 run backwards; 19/20 jumps forwards.
    assert folds(moved, mask) == pytest.approx(9 / 39)
    assert folds(np.zeros((40, 40, 2)), mask) == 0


def test_nothing_is_left_out_at_the_edge_of_the_picture() -> None:
    mask = np.zeros((60, 60), bool)
    mask[20:, 10:50] = True
    inside = interior(mask)
    assert inside[-1, 30] and not inside[-1, 11] and not inside[21, 30]


def test_a_thin_thing_keeps_an_interior() -> None:
    mask = np.zeros((60, 60), bool)
    mask[30:33, 10:50] = True
    assert interior(mask).any()


def test_a_map_of_another_size_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(H, W, 2\)"):
        torn_px(np.zeros((10, 10, 2), np.float32), np.zeros((10, 12), bool))
