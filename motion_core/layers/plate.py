"""The background plate: the picture with its things removed."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray
from .patch_fill import fill_by_example

# The fill begins this far outside of what a thing covers, pixels of a 512-pixel picture: the
# outermost pixels of its soft edge are too faint for the alpha map.
RIM_PX = 2.5


def covered_pixels(alphas: list[FloatArray], least: float = 0.02) -> BoolArray:
    """(H, W) bool: where any of the alpha maps (H, W) covers the background, with a small rim."""
    import cv2

    covered = np.max(alphas, axis=0) > least
    radius = round(RIM_PX * max(covered.shape) / 512)
    if radius < 1 or not covered.any():
        return covered
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(covered.astype(np.uint8), disc) > 0


def background_plate(picture: FloatArray, removed: BoolArray) -> FloatArray:
    """The picture (H, W, 3) with the pixels of `removed` (H, W) filled by example."""
    return fill_by_example(picture, removed)
