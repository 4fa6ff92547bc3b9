"""Masks (H, W): checks, thresholding and fitting to a canvas.

A mask is boolean, or holds numbers that are on above one half.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .errors import CanvasError, ShapeError
from .geometry import Size, same_proportions

THRESHOLD = 0.5
SAME_PICTURE = "Draw it on the same image."


def mask_size(mask: Tensor) -> Size:
    """The canvas of a mask (..., H, W)."""
    return Size(mask.shape[-1], mask.shape[-2])


def first_mask(masks: Tensor) -> Tensor:
    """(H, W), the first of a batch (B, H, W) or of anything with leading axes."""
    return masks.reshape(-1, *masks.shape[-2:])[0]


def binary_mask(mask: Any, name: str = "mask") -> Tensor:
    """(H, W) bool, on the device of the mask.

    Args:
        mask: (H, W) tensor or array: bool, or numbers that are on above one half.
        name: What errors call it.

    Raises:
        ShapeError: It is not (H, W) with at least one pixel.
        ValueError: It holds values that are not finite.
    """
    value = torch.as_tensor(mask).detach()
    if value.ndim != 2 or 0 in value.shape:
        raise ShapeError(f"{name} must be (H, W); got {tuple(value.shape)}. Choose one of a batch.")
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise ValueError(f"{name} holds NaN or infinite values; expected numbers from 0 to 1.")
    return value if value.dtype == torch.bool else value > THRESHOLD


def check_mask_size(mask: Tensor, canvas: Size, name: str = "mask") -> None:
    """Raises CanvasError unless a mask (H, W) has exactly the size of the canvas."""
    size = mask_size(mask)
    if size != canvas:
        raise CanvasError(
            f"{name} is {size} but the canvas is {canvas}. Resize the mask to the canvas first."
        )


def check_proportions(
    size: Size, canvas: Size, name: str = "mask", advice: str = SAME_PICTURE
) -> None:
    """Raises CanvasError unless a size has the proportions of the canvas.

    Args:
        size: The size of what errors call `name`.
        canvas: The size it is compared with.
        advice: What to do, the last sentence of the error.
    """
    if not same_proportions(size, canvas):
        raise CanvasError(
            f"{name} is {size} but the canvas is {canvas}, which has other proportions. {advice}"
        )


def mask_on_canvas(
    mask: Any, canvas: Size, name: str = "mask", advice: str = SAME_PICTURE
) -> Tensor:
    """(H, W) bool of the canvas' size: the mask, resized by its nearest pixels.

    Args:
        mask: (h, w) in the proportions of the canvas: bool, or numbers that are on above one half.
        canvas: The size of the result.
        name: What errors call the mask.
        advice: What errors recommend for a mask of other proportions.

    Raises:
        CanvasError: The mask has other proportions than the canvas.
        ShapeError, ValueError: As binary_mask.
    """
    on = binary_mask(mask, name)
    check_proportions(mask_size(on), canvas, name, advice)
    shape = (canvas.height, canvas.width)
    return functional.interpolate(on[None, None].float(), shape, mode="nearest-exact")[0, 0] > 0.5
