"""Sets of cells: which gaps and holes are closed, and where outlines lie."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.layers.cells import (
    connected,
    outer_outline,
    smooth_outline,
    without_gaps,
    without_pinholes,
)

NONE = np.zeros((100, 100), bool)


def block(*boxes: tuple[int, int, int, int], value: bool = True) -> np.ndarray:
    """(100, 100) bool, boxes (top, bottom, left, right) set, or all but the boxes."""
    cells = np.full((100, 100), not value)
    for top, bottom, left, right in boxes:
        cells[top:bottom, left:right] = value
    return cells


def test_only_components_with_a_seed_are_kept_and_seeds_always() -> None:
    cells = block((10, 20, 10, 20), (40, 50, 40, 50))
    seeds = block((15, 16, 15, 16), (80, 81, 80, 81))
    np.testing.assert_array_equal(connected(cells, seeds), block((10, 20, 10, 20)) | seeds)


def test_a_crack_is_closed_and_a_wide_gap_is_not() -> None:
    halves = block((20, 80, 20, 48), (20, 80, 51, 80))
    assert without_gaps(halves, NONE)[21:79, 48:51].all()
    apart = block((20, 80, 20, 45), (20, 80, 55, 80))
    np.testing.assert_array_equal(without_gaps(apart, NONE), apart)


def test_small_holes_are_filled_unless_a_pin_lies_in_them() -> None:
    ring = block((10, 90, 10, 90)) & block((40, 60, 40, 60), value=False)
    assert without_gaps(ring, NONE)[40:60, 40:60].all()
    pin = block((50, 51, 50, 51))
    assert not without_gaps(ring, pin)[43:57, 43:57].any()


def test_a_hole_that_is_large_for_its_thing_stays() -> None:
    ring = block((10, 90, 10, 90)) & block((25, 75, 25, 75), value=False)
    assert not without_gaps(ring, NONE)[30:70, 30:70].any()


def test_what_the_edge_of_the_picture_reaches_is_no_hole() -> None:
    bay = block((0, 100, 0, 100)) & block((40, 60, 85, 100), value=False)
    assert not without_gaps(bay, NONE)[44:56, 92:].any()


def test_seeds_of_the_outside_stay_out_of_a_closed_gap() -> None:
    halves = block((20, 80, 20, 48), (20, 80, 51, 80))
    pin = block((50, 51, 49, 50))
    closed = without_gaps(halves, pin)
    assert not closed[50, 49] and closed[50, 48]


def test_only_the_marks_of_pins_are_filled() -> None:
    cells = np.ones((30, 30), bool)
    outside = np.zeros((30, 30), bool)
    cells[5:7, 5:7] = outside[5:7, 5:7] = False
    outside[5, 5] = True
    cells[15:24, 15:24] = False
    outside[20, 20] = True
    cells[28:, 28:] = False
    outside[29, 29] = True
    filled = without_pinholes(cells, outside)
    assert filled[5:7, 5:7].all()
    assert not filled[15:24, 15:24].any() and not filled[28:, 28:].any()


@pytest.mark.parametrize(("outline", "further"), [(smooth_outline, 0), (outer_outline, 1)])
def test_outlines_lie_where_cells_end_or_a_cell_further_out(outline, further) -> None:
    smooth = outline(block((30, 70, 30, 70)))
    row = np.flatnonzero(smooth[50] >= 0.5)
    assert (row[0], row[-1]) == (30 - further, 69 + further)
    assert smooth.dtype == np.float32 and smooth[50, 50] == 1 and smooth[0, 0] == 0
