"""What stages are told: squared errors by level and visibility, and more cells where things end."""

from __future__ import annotations

import pytest
import torch

from motion_core.training.lite.base_stage import (
    HIDDEN_WEIGHT,
    LEAST_LEVEL,
    VISIBLE_WEIGHT,
    flow_loss,
)
from motion_core.training.lite.encoder_stage import MORE_AT_BORDERS, drawn_cells

FRAMES, GRID = 3, 8


def test_errors_count_by_level_and_by_what_is_seen() -> None:
    wanted = torch.zeros(1, 3 * (FRAMES - 1), GRID, GRID)
    visible = torch.ones(1, FRAMES, GRID, GRID, dtype=torch.bool)
    visible[:, 2] = False
    one_px = wanted + 1
    # Two channels of motion in a frame that is seen, two in one that is not, two of visibility.
    whole = (2 + 2 * HIDDEN_WEIGHT + 2 * VISIBLE_WEIGHT) / 6
    for tau, level in ((1.0, 1.0), (0.5, 0.5), (0.0, LEAST_LEVEL)):
        loss = flow_loss(one_px, wanted, torch.tensor([tau]), visible)
        assert float(loss) == pytest.approx(whole / level**2)


def test_cells_beside_borders_are_asked_more_often_and_the_same_ones_for_a_seed() -> None:
    layers = torch.zeros(2, GRID, GRID, dtype=torch.long)
    layers[1, :, 4:] = 3
    cells = drawn_cells(layers, 40_000, torch.Generator().manual_seed(0))
    assert torch.equal(cells, drawn_cells(layers, 40_000, torch.Generator().manual_seed(0)))
    same, more = torch.ones(GRID), torch.ones(GRID)
    more[3:5] = MORE_AT_BORDERS
    for row, chances in zip(cells, (same, more), strict=True):
        by_column = torch.bincount(row % GRID, minlength=GRID) / len(row)
        torch.testing.assert_close(by_column, chances / chances.sum(), atol=0.01, rtol=0)
        by_line = torch.bincount(row // GRID, minlength=GRID) / len(row)
        torch.testing.assert_close(by_line, torch.full((GRID,), 1 / GRID), atol=0.01, rtol=0)
