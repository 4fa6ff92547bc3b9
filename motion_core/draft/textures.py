"""Textures of the layers, prepared once for a picture."""

from __future__ import annotations

import math

import numpy as np

from ..fields.arrays import BoolArray, FloatArray
from ..fields.fill import extend, fill_behind
from .render import Texture

# Pixels with a larger alpha are removed from the background, with a soft rim of this fraction of
# the short side.
TAKEN_ALPHA, RIM = 0.5, 0.02
# An alpha that falls from one to zero within this fraction of the short side falls at a border.
BORDER_WIDTH = 0.01
# The picture is continued past its edge by no more than this fraction of its long side.
MARGIN = 0.25


def make_textures(
    picture: FloatArray, alphas: list[FloatArray], soft: list[bool], travel: float
) -> list[Texture]:
    """The texture of every layer, or of the background alone when there are no layers.

    Args:
        picture: (H, W, 3).
        alphas: (H, W) of each layer.
        soft: whether each layer is soft.
        travel: the greatest displacement, pixels, of anything that may make the picture's edge
            visible.
    """
    import cv2

    behind = fill_behind(picture, _taken(alphas, picture.shape[:2]))
    margin = math.ceil(min(2 * travel, MARGIN * max(picture.shape[:2])))
    colours = cv2.cvtColor(extend(picture, margin), cv2.COLOR_RGB2RGBA)
    width = max(4.0, BORDER_WIDTH * min(picture.shape[:2]))
    textures = []
    if not alphas:
        alphas, soft = [np.zeros(picture.shape[:2], np.float32)], [True]
    for alpha, is_soft in zip(alphas, soft, strict=True):
        wide = np.pad(alpha, margin, mode="edge")
        border, extent = _border(wide, width), _extent(alpha)
        textures.append(Texture(colours, wide, border, behind, extent, margin, not is_soft))
    return textures


def touches_edge(alpha: FloatArray) -> bool:
    """Whether a pixel where the picture ends has an alpha (H, W) above zero."""
    return any(edge.any() for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))


def _taken(alphas: list[FloatArray], shape: tuple[int, int]) -> BoolArray:
    import cv2

    taken = np.zeros(shape, np.uint8)
    for alpha in alphas:
        taken |= alpha > TAKEN_ALPHA
    rim = 2 * math.ceil(RIM * min(shape)) + 1
    return cv2.dilate(taken, np.ones((rim, rim), np.uint8)) > 0


def _border(alpha: FloatArray, width: float) -> FloatArray:
    """(h, w) 0..1 around places where alpha (h, w) falls within `width` pixels."""
    import cv2

    slope_x = cv2.Sobel(alpha, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    slope_y = cv2.Sobel(alpha, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    # Not cv2.magnitude, whose last bit depends on where its arrays lie in memory.
    slope = np.sqrt(slope_x**2 + slope_y**2)
    sharp = np.clip(slope * width - 0.5, 0, 1)
    return cv2.dilate(sharp, np.ones((5, 5), np.uint8))


def _extent(alpha: FloatArray) -> FloatArray:
    ys = np.flatnonzero(alpha.any(axis=1))
    xs = np.flatnonzero(alpha.any(axis=0))
    if not len(xs):
        return np.array([[np.inf, np.inf], [-np.inf, -np.inf]], np.float32)
    return np.array([[xs[0], ys[0]], [xs[-1] + 1, ys[-1] + 1]], np.float32)
