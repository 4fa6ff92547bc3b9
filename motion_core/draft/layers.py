"""What sheets are painted with, prepared once for a picture."""

from __future__ import annotations

import math

import numpy as np

from ..fields.arrays import BoolArray, FloatArray
from ..fields.fill import extend, fill_behind
from .render import Paint

# What takes more than this share of a motion is gone when it has moved away, and its soft rim,
# this fraction of the short side, with it.
TAKEN_SHARE, RIM = 0.5, 0.02
# A share that falls from one to zero within this fraction of the short side falls at a border.
BORDER_WIDTH = 0.01
# The picture is continued past its edge by no more than this fraction of its long side.
MARGIN = 0.25


def make_paints(
    picture: FloatArray, shares: list[FloatArray], soft: list[bool], travel: float
) -> list[Paint]:
    """The paint of every sheet, or of the base alone when there are no sheets.

    picture: (H, W, 3). shares: (H, W) of each sheet. soft: whether each sheet is. travel: the
    greatest displacement, pixels, of anything that may bring the picture's edge into sight.
    """
    import cv2

    behind = fill_behind(picture, _taken(shares, picture.shape[:2]))
    margin = math.ceil(min(2 * travel, MARGIN * max(picture.shape[:2])))
    colours = cv2.cvtColor(extend(picture, margin), cv2.COLOR_RGB2RGBA)
    width = max(4.0, BORDER_WIDTH * min(picture.shape[:2]))
    paints = []
    if not shares:
        shares, soft = [np.zeros(picture.shape[:2], np.float32)], [True]
    for share, is_soft in zip(shares, soft, strict=True):
        wide = np.pad(share, margin, mode="edge")
        border, extent = _border(wide, width), _extent(share)
        paints.append(Paint(colours, wide, border, behind, extent, margin, not is_soft))
    return paints


def touches_edge(share: FloatArray) -> bool:
    """Whether a pixel where the picture ends has a share (H, W)."""
    return any(edge.any() for edge in (share[0], share[-1], share[:, 0], share[:, -1]))


def _taken(shares: list[FloatArray], shape: tuple[int, int]) -> BoolArray:
    import cv2

    taken = np.zeros(shape, np.uint8)
    for share in shares:
        taken |= share > TAKEN_SHARE
    rim = 2 * math.ceil(RIM * min(shape)) + 1
    return cv2.dilate(taken, np.ones((rim, rim), np.uint8)) > 0


def _border(share: FloatArray, width: float) -> FloatArray:
    """(h, w) 0..1 around places where the share (h, w) falls within `width` pixels."""
    import cv2

    slope_x = cv2.Sobel(share, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    slope_y = cv2.Sobel(share, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    # Not cv2.magnitude, whose last bit depends on where its arrays lie in memory.
    slope = np.sqrt(slope_x**2 + slope_y**2)
    sharp = np.clip(slope * width - 0.5, 0, 1)
    return cv2.dilate(sharp, np.ones((5, 5), np.uint8))


def _extent(share: FloatArray) -> FloatArray:
    ys = np.flatnonzero(share.any(axis=1))
    xs = np.flatnonzero(share.any(axis=0))
    if not len(xs):
        return np.array([[np.inf, np.inf], [-np.inf, -np.inf]], np.float32)
    return np.array([[xs[0], ys[0]], [xs[-1] + 1, ys[-1] + 1]], np.float32)
