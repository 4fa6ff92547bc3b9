"""Small spots in a filled background that nothing around them explains."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from .window import bounds, intersection, window_of

# A spot differs from the median around it by more than this, and by so many times what the pixels
# in its wider surroundings differ on average.
CONTRAST, TEXTURE_TIMES = 0.08, 3.0
# Sides of the windows of the median and of the surroundings, and the largest spot: pixels, and
# square pixels, of a 512-pixel picture. Larger ones are structure.
MEDIAN_PX, SURROUNDINGS_PX, MOST_PX = 9, 17, 40
# A spot that differs by less than this from so large a fraction of the pixels beside it is the
# corner of something larger.
ALIKE, MOST_ALIKE = 0.05, 0.25


def without_specks(picture: FloatArray, filled: BoolArray) -> FloatArray:
    """A picture whose filled part has no spots that stand out.

    A fill by example copies grains of sand, leaves and lights to where the texture around them is
    not as strong. There, a spot draws the eye; it takes the median of what is around it.

    Args:
        picture: (H, W, 3) float32 0..1.
        filled: (H, W) bool, the pixels that were filled; others do not change.
    """
    import cv2

    scale = max(filled.shape) / 512
    median, wide = _odd(MEDIAN_PX * scale), _odd(SURROUNDINGS_PX * scale)
    part = bounds(filled)
    height, width = filled.shape
    part = intersection(
        window_of(
            part.left - wide,
            part.top - wide,
            part.left + part.width + wide,
            part.top + part.height + wide,
        ),
        window_of(0, 0, width, height),
    )
    if not filled.any() or min(part.width, part.height) < median:
        return picture
    place = part.slices()
    colours, hole = picture[place], filled[place]
    levels = np.ascontiguousarray((colours * 255).round().clip(0, 255).astype(np.uint8))
    around = np.asarray(cv2.medianBlur(levels, median)).astype(np.float32) / 255
    off = np.abs(colours - around).max(axis=-1)
    typical = cv2.blur(off, (wide, wide), borderType=cv2.BORDER_REFLECT)
    out = ((off > np.maximum(CONTRAST, TEXTURE_TIMES * typical)) & hole).astype(np.uint8)
    _, label, facts, _ = cv2.connectedComponentsWithStats(out, connectivity=8)
    is_spot = np.asarray(facts)[:, cv2.CC_STAT_AREA] <= MOST_PX * scale**2
    is_spot &= _alike_beside(colours, np.asarray(label)) < MOST_ALIKE
    is_spot[0] = False
    spots = cv2.dilate(is_spot[label].astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    result = picture.copy()
    result[place] = np.where((spots & hole)[..., None], around, colours)
    return result


def _alike_beside(colours: FloatArray, label: IndexArray) -> FloatArray:
    """(K,) for each label, the fraction of the pixels beside it that have nearly its colours."""
    count = int(label.max()) + 1
    beside, alike = np.zeros(count), np.zeros(count)
    for axis in (0, 1):
        steps = np.abs(np.diff(colours, axis=axis)).max(axis=-1) <= ALIKE
        first = label[:-1] if axis == 0 else label[:, :-1]
        second = label[1:] if axis == 0 else label[:, 1:]
        leaves = first != second
        for side in (first[leaves], second[leaves]):
            beside += np.bincount(side, minlength=count)
            alike += np.bincount(side, steps[leaves], minlength=count)
    return alike / np.maximum(beside, 1)


def _odd(side: float) -> int:
    """The nearest odd number of pixels, at least 3."""
    return max(2 * round((side - 1) / 2) + 1, 3)
