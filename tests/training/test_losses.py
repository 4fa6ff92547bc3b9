"""Losses of the stages by hand: weights of noise level and visibility, cells at boundaries."""

from __future__ import annotations

import pytest
import torch

from motion_core.training.lite.encoder_stage import BOUNDARY_FACTOR, sample_cells
from motion_core.training.lite.flow_matching import (
    HIDDEN_WEIGHT,
    LEAST_LEVEL,
    VISIBLE_WEIGHT,
    flow_matching_loss,
)

FRAMES, GRID = 3, 8


def test_errors_are_weighted_by_noise_level_and_visibility() -> None:
    target = torch.zeros(1, 3 * (FRAMES - 1), GRID, GRID)
    visible = torch.ones(1, FRAMES, GRID, GRID, dtype=torch.bool)
    visible[:, 2] = False
    prediction = target + 1
    # Two channels of motion in a visible frame, two in a hidden one, two of visibility.
    expected = (2 + 2 * HIDDEN_WEIGHT + 2 * VISIBLE_WEIGHT) / 6
    for tau, level in ((1.0, 1.0), (0.5, 0.5), (0.0, LEAST_LEVEL)):
        loss = flow_matching_loss(prediction, target, torch.tensor([tau]), visible)
        assert float(loss) == pytest.approx(expected / level**2)


def test_boundary_cells_are_sampled_more_often_and_a_seed_gives_the_same_cells() -> None:
    layers = torch.zeros(2, GRID, GRID, dtype=torch.long)
    layers[1, :, 4:] = 3
    cells = sample_cells(layers, 40_000, torch.Generator().manual_seed(0))
    assert torch.equal(cells, sample_cells(layers, 40_000, torch.Generator().manual_seed(0)))
    without, with_boundary = torch.ones(GRID), torch.ones(GRID)
    with_boundary[3:5] = BOUNDARY_FACTOR
    for row, weights in zip(cells, (without, with_boundary), strict=True):
        by_column = torch.bincount(row % GRID, minlength=GRID) / len(row)
        torch.testing.assert_close(by_column, weights / weights.sum(), atol=0.01, rtol=0)
        by_row = torch.bincount(row // GRID, minlength=GRID) / len(row)
        torch.testing.assert_close(by_row, torch.full((GRID,), 1 / GRID), atol=0.01, rtol=0)
