"""What base and control are told: squared errors by noise level and by what is seen."""

from __future__ import annotations

import pytest
import torch

from motion_core.training.base_stage import (
    HIDDEN_WEIGHT,
    LEAST_LEVEL,
    VISIBLE_WEIGHT,
    flow_loss,
)

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
