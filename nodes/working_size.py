"""The size at which a preview is made: bounded, with even sides, and said where it is not the
image's own."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..motion_core.geometry import MAX_SIDE, Size
from ..motion_core.images import resize_images
from ..motion_core.memory import check_video_memory
from ..motion_core.tracks import Tracks, crop, hide_outside, scale_to
from .schema import EVEN_SIDES

# 49 frames of a photograph of 12 megapixels take 7 GB as an IMAGE; at this side they take 1.6 GB.
DEFAULT_SIDE = 1920


def max_side_input() -> Any:
    """The widget of nodes whose video is a preview."""
    return io.Int.Input(
        "max_side",
        default=DEFAULT_SIDE,
        min=0,
        max=MAX_SIDE,
        step=16,
        optional=True,
        tooltip="Longest side of the video in pixels: larger images are made smaller first, and "
        f"the tracks with them. 0 keeps the size. {EVEN_SIDES}",
    )


def working_size(size: Size, max_side: int) -> Size:
    """The size of a video of an image: its longest side at most `max_side` (0: no bound), both
    sides even."""
    longest = max(size)
    return (size.scaled(max_side / longest) if 0 < max_side < longest else size).even()


def at_working_size(
    image: Tensor | None, tracks: Tracks, max_side: int
) -> tuple[Tensor, Tracks, str]:
    """An image and tracks at the working size.

    Args:
        image: (..., H, W, 3) on the canvas of the tracks; None for one black image (1, H, W, 3).
        tracks: The tracks.
        max_side: The longest side in pixels; 0 for no bound.

    Returns:
        The image, the tracks, and a sentence about the size; an empty one where nothing changed.

    Raises:
        OutOfMemoryError: The video does not fit into the free memory.
    """
    size = tracks.size
    smaller = working_size(size, max_side)
    is_cut = smaller == size.even()
    check_video_memory(tracks.num_frames, smaller)
    if image is None:
        image = torch.zeros(1, smaller.height, smaller.width, 3)
    elif is_cut:
        image = image[..., : smaller.height, : smaller.width, :]
    else:
        image = resize_images(image, smaller)
    if smaller == size:
        return image, tracks, ""
    note = f"The canvas is {size}; the video is {smaller}. "
    if is_cut:
        return image, hide_outside(crop(tracks, 0, 0, smaller)), note + EVEN_SIDES
    return image, scale_to(tracks, smaller), note + "Set max_side to 0 for the full size."


def large_canvas_note(size: Size) -> str | None:
    """What to do with a canvas that is larger than previews and than videos of models."""
    if max(size) <= DEFAULT_SIDE:
        return None
    model = size.scaled((832 * 480 / (size.width * size.height)) ** 0.5)
    return (
        f"The image is {size}. Draft Motion makes its video at {working_size(size, DEFAULT_SIDE)}. "
        f"Video models take smaller images, about {model}: scale the image before this node; the "
        "drawing fits every size."
    )
