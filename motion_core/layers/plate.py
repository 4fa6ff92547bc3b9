"""The background plate: the picture with its things removed."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray
from ..geometry import Size
from .patch_fill import fill_by_example
from .specks import without_specks

# The fill begins this far outside of what a thing covers, pixels of a 512-pixel picture: the
# outermost pixels of its soft edge are too faint for the alpha map.
RIM_PX = 2.5
FILLED_SIDE = 2048


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
    """The picture (H, W, 3) with the pixels of `removed` (H, W) filled by example.

    Of a picture larger than FILLED_SIDE the fill is made at that size.
    """
    import cv2

    full = Size(removed.shape[1], removed.shape[0])
    size = full.scaled(min(1.0, FILLED_SIDE / max(full)))
    if size == full:
        return without_specks(fill_by_example(picture, removed), removed)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    touched = cv2.resize(removed.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    touched = cv2.dilate(touched.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    small = without_specks(fill_by_example(small, touched), touched)
    filled = cv2.resize(small, full, interpolation=cv2.INTER_LINEAR)
    return np.where(removed[..., None], filled, picture)
