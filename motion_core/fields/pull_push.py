"""Pull-push interpolation: values of some cells of a grid, spread over all of them."""

from __future__ import annotations

import numpy as np

from .arrays import FloatArray


def spread_sums(sums: FloatArray) -> FloatArray:
    """A value for every cell of a grid on which only some cells have one, by an image pyramid.

    Gortler et al., "The Lumigraph" (1996), section 3.4: a cell of full weight keeps its own
    average; the lower its weight, the more it takes from the coarser level.

    Args:
        sums: (h, w, C + 1) float32, weighted values and, last, their weight; a weight of one is
            full.

    Returns:
        (h, w, C) float32.
    """
    import cv2

    levels = [sums]
    while max(levels[-1].shape[:2]) > 1:
        levels.append(_halved(levels[-1]))
    field = _mean(levels[-1])
    for level in reversed(levels[:-1]):
        height, width = level.shape[:2]
        field = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
        field = field.reshape(height, width, -1)
        field = field + np.minimum(level[..., -1:], 1) * (_mean(level) - field)
    return field


def _halved(sums: FloatArray) -> FloatArray:
    height, width = sums.shape[:2]
    even = np.pad(sums, ((0, height % 2), (0, width % 2), (0, 0)))
    return even[0::2, 0::2] + even[1::2, 0::2] + even[0::2, 1::2] + even[1::2, 1::2]


def _mean(sums: FloatArray) -> FloatArray:
    return np.ascontiguousarray(sums[..., :-1] / np.maximum(sums[..., -1:], 1e-12))
