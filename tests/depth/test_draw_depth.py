"""The picture of depth that people see."""

from __future__ import annotations

import pytest
import torch

from motion_core.depth.draw_depth import draw_depth
from motion_core.depth.sources import make_depth


def test_near_is_white_far_is_dark_and_nothing_is_black() -> None:
    z = torch.full((10, 10), 4.0)
    z[:, :5], z[0, 0] = 1.0, torch.inf
    drawn = draw_depth(make_depth(z))
    assert drawn.shape == (10, 10, 3)
    assert drawn[5, 2].tolist() == pytest.approx([1.0] * 3)
    assert drawn[5, 8].tolist() == pytest.approx([0.15] * 3)
    assert drawn[0, 0].tolist() == [0.0] * 3


def test_flat_depth_is_grey() -> None:
    drawn = draw_depth(make_depth(torch.full((4, 6), 3.0)))
    assert float(drawn.min()) == float(drawn.max()) == pytest.approx(0.6)
