"""Inpainting behind a moving object, and beyond the edge of the picture."""

from __future__ import annotations

import numpy as np

from ..geometry import Size
from .arrays import BoolArray, FloatArray
from .pull_push import spread_sums

WORKING_SIDE = 192
SMOOTHING_ROUNDS = 4
# Past its edge the picture is blurred by SOFT_BLUR of the short side within SOFT_WITHIN of it.
SOFT_BLUR, SOFT_WITHIN = 0.03, 0.06


def fill_behind(picture: FloatArray, removed: BoolArray) -> FloatArray:
    """The picture with some pixels filled from their surroundings.

    The fill is smooth on purpose: pull-push spreads the colours of the rim at a small size.
    Continued texture or structure would add objects that were never there.

    Args:
        picture: (H, W, C).
        removed: (H, W), the pixels to fill.
    """
    import cv2

    if not removed.any() or removed.all():
        return picture
    height, width = removed.shape
    size = Size(width, height).scaled(min(1.0, WORKING_SIDE / max(height, width)))
    known = np.where(removed, np.float32(0), np.float32(1))
    coverage = cv2.resize(known, size, interpolation=cv2.INTER_AREA)[..., None]
    sums = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA)
    sums = sums.reshape(*coverage.shape[:2], -1)
    small = filled = spread_sums(np.concatenate([sums, coverage], axis=-1))
    for _ in range(SMOOTHING_ROUNDS):
        filled = cv2.blur(filled, (5, 5), borderType=cv2.BORDER_REPLICATE)
        filled = filled.reshape(small.shape) * (1 - coverage) + small * coverage
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(removed[..., None], large.reshape(picture.shape), picture)


def extend(picture: FloatArray, margin: int, soft_within: float = SOFT_WITHIN) -> FloatArray:
    """The picture continued by `margin` pixels on every side.

    The continuation is a mirror image that blurs within a short distance, so that it does not look
    like a second copy of an object.

    Args:
        picture: (H, W, C).
        margin: pixels.
        soft_within: the distance from the edge at which it is fully blurred, of the short side.
    """
    import cv2

    if not margin:
        return picture
    height, width = picture.shape[:2]
    short = min(height, width)
    sides = [margin] * 4
    wide = cv2.copyMakeBorder(picture, *sides, borderType=cv2.BORDER_REFLECT)
    soft = _blurred(wide, SOFT_BLUR * short)
    outside = np.maximum(_outside(height, margin)[:, None], _outside(width, margin)[None])
    part = np.minimum(outside / max(soft_within * short, 1), 1).astype(np.float32)
    mixed = cv2.blendLinear(soft, wide, part, 1 - part)
    mixed[margin : margin + height, margin : margin + width] = picture
    return mixed


def _outside(side: int, margin: int) -> FloatArray:
    """(side + 2 * margin,) how many pixels each lies outside of `side` pixels in the middle."""
    place = np.arange(-margin, side + margin)
    return np.maximum(np.maximum(-place, place - (side - 1)), 0)


def _blurred(picture: FloatArray, sigma: float) -> FloatArray:
    """Gaussian blur, done at a size at which it is cheap."""
    import cv2

    height, width = picture.shape[:2]
    shrink = max(1.0, sigma / 2)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(sigma / shrink, 0.5))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
