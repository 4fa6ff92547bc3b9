"""Filling: what may lie behind a thing that moves away, and past the edge of the picture."""

from __future__ import annotations

import numpy as np

from .completion import spread_sums
from .motion import BoolArray, FloatArray

WORKING_SIDE = 192
SMOOTHING_ROUNDS = 4


def fill_behind(picture: FloatArray, taken: BoolArray) -> FloatArray:
    """The picture (H, W, C) with the pixels of `taken` (H, W) made up from their surroundings.

    Smooth on purpose: colours are pulled and pushed in from the rim at a small size. Continued
    texture or structure invents things that were never there.
    """
    import cv2

    if not taken.any() or taken.all():
        return picture
    height, width = taken.shape
    factor = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    known = np.where(taken, np.float32(0), np.float32(1))
    heard = cv2.resize(known, size, interpolation=cv2.INTER_AREA)[..., None]
    sums = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA)
    sums = sums.reshape(*heard.shape[:2], -1)
    small = filled = spread_sums(np.concatenate([sums, heard], axis=-1))
    for _ in range(SMOOTHING_ROUNDS):
        filled = cv2.blur(filled, (5, 5), borderType=cv2.BORDER_REPLICATE)
        filled = filled.reshape(small.shape) * (1 - heard) + small * heard
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(taken[..., None], large.reshape(picture.shape), picture)


def extend(picture: FloatArray, margin: int) -> FloatArray:
    """The picture (H, W, C) continued by `margin` pixels on every side: mirrored, then blurred."""
    import cv2

    if not margin:
        return picture
    return cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_REFLECT)
