"""What a picture must be before anything is done with it."""

from __future__ import annotations

import math

from torch import Tensor, float32

from ..errors import CanvasError, ShapeError
from ..geometry import Size
from .arrays import FloatArray

# OpenCV addresses pixels with 16 bits; the continued picture must stay below.
MOST_SIDE = 16000
# Filters may overshoot a little; 0..255 may not pass for a picture.
LOWEST, HIGHEST = -0.1, 1.1


def checked_picture(image: Tensor, canvas: Size) -> FloatArray:
    """The picture as (H, W, 3) float32 on the CPU.

    Raises TypeError, ShapeError or ValueError for what is no RGB picture with values 0..1, and
    CanvasError when it is not as large as `canvas`, on which the tracks were measured.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"image must be a torch tensor; got {type(image).__name__}.")
    if image.ndim == 4:
        raise ShapeError(
            f"image must be one picture (H, W, 3); got a batch {tuple(image.shape)}. Pass image[0]."
        )
    if image.ndim != 3 or image.shape[-1] != 3:
        extra = " Drop the alpha channel: image[..., :3]." if image.shape[-1:] == (4,) else ""
        raise ShapeError(f"image must be (H, W, 3); got {tuple(image.shape)}.{extra}")
    if not image.is_floating_point():
        raise TypeError(
            f"image must be float, 0..1; got {image.dtype}. Divide 8-bit values by 255."
        )
    height, width = image.shape[:2]
    if Size(width, height) != canvas:
        raise CanvasError(
            f"the tracks were measured on {canvas} but the picture is {width}x{height}. Fit the "
            f"tracks to the picture first: fit(tracks, Size({width}, {height}))."
        )
    if max(height, width) > MOST_SIDE:
        raise ValueError(f"image sides must be at most {MOST_SIDE}; got {width}x{height}.")
    picture = image.detach().to("cpu", float32).contiguous().numpy()
    low, high = float(picture.min()), float(picture.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("image holds NaN or infinite values; a picture is finite, 0..1.")
    if low < LOWEST or high > HIGHEST:
        raise ValueError(
            f"image must lie in 0..1; got {low:.3g}..{high:.3g}. Divide by 255 or clamp it."
        )
    return picture
