"""Pictures (H, W, 3) and videos (T, H, W, 3): checks, conversion and resizing.

A picture is floating point RGB in 0..1. Reading and writing files is the work of `video.py`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from .errors import CanvasError, ShapeError
from .geometry import Size

# Filters overshoot a little; the bounds only keep 0..255 from passing for a picture.
LOWEST, HIGHEST = -0.1, 1.1
# OpenCV addresses pixels with 16 bits, and some operations pad the picture.
MAX_ARRAY_SIDE = 16000


def image_size(images: Tensor) -> Size:
    """The canvas of a picture or video (..., H, W, C)."""
    return Size(images.shape[-2], images.shape[-3])


def with_even_sides(video: Tensor) -> Tensor:
    """A video (T, H, W, C), or masks (T, H, W), less the last column and row of odd sides.

    Encoders of video take even sides only. The pixels that stay keep their coordinates; without
    an odd side the result is the video itself.
    """
    size = Size(video.shape[2], video.shape[1])
    width, height = size.even()
    return video if size == (width, height) else video[:, :height, :width].contiguous()


def check_image(image: Any, name: str = "image", *, canvas: Size | None = None) -> None:
    """Check that a value is one picture: (H, W, 3), floating point, finite, 0..1.

    Args:
        image: The value to check.
        name: What errors call it.
        canvas: The size it must have, on which tracks were measured; None allows any.

    Raises:
        TypeError: It is not a tensor of floating point numbers.
        ShapeError: It is not (H, W, 3) with at least one pixel.
        CanvasError: It has another size than `canvas`.
        ValueError: It holds values that are not finite or not in 0..1.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"{name} must be a torch tensor; got {type(image).__name__}.")
    if image.ndim == 4:
        raise ShapeError(
            f"{name} must be one image (H, W, 3); got a batch {tuple(image.shape)}. Pass image[0]."
        )
    if image.ndim != 3 or image.shape[-1] != 3 or 0 in image.shape:
        alpha = " Drop the alpha channel: image[..., :3]." if image.shape[-1:] == (4,) else ""
        raise ShapeError(f"{name} must be (H, W, 3); got {tuple(image.shape)}.{alpha}")
    if not image.is_floating_point():
        raise TypeError(
            f"{name} must be float, 0..1; got {image.dtype}. Divide 8-bit values by 255."
        )
    size = image_size(image)
    if canvas is not None and size != canvas:
        raise CanvasError(
            f"the tracks were measured on {canvas} but the image is {size}. Fit the tracks to "
            f"the image first: fit(tracks, Size({size.width}, {size.height}))."
        )
    low, high = (float(bound) for bound in torch.aminmax(image.detach()))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} holds NaN or infinite values; an image is finite, 0..1.")
    if low < LOWEST or high > HIGHEST:
        raise ValueError(
            f"{name} must lie in 0..1; got {low:.3g}..{high:.3g}. Divide by 255 or clamp it."
        )


def image_array(image: Tensor, canvas: Size) -> NDArray[Any]:
    """A picture as a contiguous (H, W, 3) float32 array for OpenCV and numpy.

    Raises what check_image raises, and ValueError for sides above 16,000 pixels.
    """
    check_image(image, canvas=canvas)
    size = image_size(image)
    if max(size) > MAX_ARRAY_SIDE:
        raise ValueError(f"image sides must be at most {MAX_ARRAY_SIDE}; got {size}.")
    return image.detach().to("cpu", torch.float32).contiguous().numpy()


def check_video(video: Any, name: str = "video", *, least_frames: int = 1) -> None:
    """Check that a value is a video: (T, H, W, 3) with pixels, uint8 or floating point.

    Values are not looked at. Raises TypeError or ShapeError; errors call the value `name`.
    """
    if not isinstance(video, Tensor):
        raise TypeError(f"{name} must be a torch tensor; got {type(video).__name__}.")
    if video.ndim != 4 or video.shape[-1] != 3 or 0 in video.shape[1:]:
        raise ShapeError(f"{name} must be (T, H, W, 3) RGB; got {tuple(video.shape)}.")
    if len(video) < least_frames:
        raise ShapeError(f"{name} must have at least {least_frames} frames; got {len(video)}.")
    if video.dtype != torch.uint8 and not video.is_floating_point():
        raise TypeError(f"{name} must be uint8, or floating 0..1; got {video.dtype}.")


def resize_images(images: Tensor, size: Size, mode: str = "bilinear") -> Tensor:
    """Pictures (..., H, W, C) at another size, in the same dtype.

    Args:
        images: uint8 or floating point.
        size: The new width and height; see `Size.scaled` for one that keeps proportions.
        mode: "bilinear" (with antialiasing) or "area", the mean of all pixels that are covered.
    """
    planes = images.reshape(-1, *images.shape[-3:]).movedim(-1, 1)
    shape = (size.height, size.width)
    if mode == "area":
        is_whole = not planes.is_floating_point()
        small = functional.interpolate(planes.float(), shape, mode="area")
        small = (small.round() if is_whole else small).to(images.dtype)
    else:
        small = functional.interpolate(planes, shape, mode=mode, antialias=True)
    return small.movedim(1, -1).reshape(*images.shape[:-3], *shape, images.shape[-1])
