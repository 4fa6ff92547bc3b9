"""Masks: thresholds, proportions and fitting to a canvas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.masks import (
    binary_mask,
    check_mask_size,
    check_proportions,
    first_mask,
    mask_on_canvas,
    mask_size,
)


def test_a_mask_is_on_above_one_half() -> None:
    values = torch.tensor([[0.0, 0.5, 0.51, 1.0]])
    assert binary_mask(values).tolist() == [[False, False, True, True]]
    assert binary_mask(np.array([[0, 1]])).tolist() == [[False, True]]
    on = torch.tensor([[True, False]])
    assert torch.equal(binary_mask(on), on)


@pytest.mark.parametrize(
    ("mask", "error"),
    [
        (torch.zeros(2, 3, 4), ShapeError),
        (torch.zeros(0, 4), ShapeError),
        (torch.full((2, 2), torch.inf), ValueError),
    ],
)
def test_what_is_no_mask_is_refused_by_name(mask: torch.Tensor, error: type) -> None:
    with pytest.raises(error, match="^region "):
        binary_mask(mask, "region")


def test_sizes_and_proportions() -> None:
    mask = torch.zeros(48, 64)
    assert mask_size(mask) == Size(64, 48)
    check_mask_size(mask, Size(64, 48))
    with pytest.raises(CanvasError, match="64x48 but the canvas is 32x24"):
        check_mask_size(mask, Size(32, 24))
    check_proportions(Size(64, 48), Size(640, 480))
    with pytest.raises(CanvasError, match=r"the brush is 64x64 .* Paint it again\.$"):
        check_proportions(Size(64, 64), Size(640, 480), "the brush", "Paint it again.")


def test_a_mask_is_fitted_to_a_canvas_by_its_nearest_pixels() -> None:
    mask = torch.tensor([[0.0, 1.0], [0.2, 0.7]])
    large = mask_on_canvas(mask, Size(4, 4))
    assert large.dtype == torch.bool
    assert torch.equal(large, (mask > 0.5).repeat_interleave(2, 0).repeat_interleave(2, 1))
    assert torch.equal(mask_on_canvas(large, Size(2, 2)), mask > 0.5)
    with pytest.raises(CanvasError, match="other proportions"):
        mask_on_canvas(mask, Size(8, 4))


def test_masks_of_batches_and_pictures() -> None:
    batch = torch.arange(24.0).view(2, 3, 4)
    assert torch.equal(first_mask(batch), batch[0])
    assert torch.equal(first_mask(batch[1]), batch[1])
