"""Shared parts of the learned trackers: resized pictures, and queries in their pixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..geometry import Size
from .clip import Clip


def small_frames(clip: Clip, size: Size, first: int, last: int):
    """Yield resized frames.

    Args:
        clip: The video.
        size: Size of the frames in pixels.
        first: Index of the first frame.
        last: Index of the last frame, included.

    Yields:
        (h, w, 3) uint8 tensors.
    """
    import cv2

    shrinks = clip.size.width > size.width or clip.size.height > size.height
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    for rgb in clip.walk(first, last):
        same = rgb.shape[1::-1] == tuple(size)
        yield torch.from_numpy(
            np.array(rgb if same else cv2.resize(rgb, tuple(size), None, 0, 0, kind))
        )


def scale_of(clip: Clip, size: Size) -> Tensor:
    """(2,) float32 factors from the clip's pixels to those of `size`."""
    return torch.tensor([size.width / clip.size.width, size.height / clip.size.height])
