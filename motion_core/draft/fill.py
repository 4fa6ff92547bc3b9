"""Filling: what may lie behind a thing that moves away, and past the edge of the picture."""

from __future__ import annotations

import numpy as np

from .motion import BoolArray, FloatArray

WORKING_SIDE = 192
INPAINT_RADIUS = 5
REFLECT_BLUR = 0.02


def fill_behind(picture: FloatArray, taken: BoolArray) -> FloatArray:
    """The picture (H, W, C) with the pixels of `taken` (H, W) made up from their surroundings.

    Their colours are inpainted (Telea, 2004) at a small size.
    """
    import cv2

    if not taken.any() or taken.all():
        return picture
    height, width = taken.shape
    factor = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    known = np.where(taken, np.float32(0), np.float32(1))
    heard = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA)
    small = small / np.maximum(heard, 1e-3)[..., None]
    levels = (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)
    hole = (heard < 0.5).astype(np.uint8)
    filled = cv2.inpaint(levels, hole, INPAINT_RADIUS, cv2.INPAINT_TELEA)
    filled = filled.astype(np.float32) / 255
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.where(taken[..., None], np.clip(large, 0, 1), picture)


def extend(picture: FloatArray, margin: int) -> FloatArray:
    """The picture (H, W, C) continued by `margin` pixels on every side: mirrored, then blurred."""
    import cv2

    if not margin:
        return picture
    return cv2.copyMakeBorder(picture, margin, margin, margin, margin, cv2.BORDER_REFLECT)
