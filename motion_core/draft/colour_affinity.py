"""Colour affinity: a map that changes at the border of an object, not inside it."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray

COLOUR_BINS = 16
# Distance around an object's points within which its colours are collected: this fraction of
# the gap between it and its surroundings, within these bounds (cells; fraction of the grid's short
# side).
AROUND_GAP, LEAST_AROUND, MOST_AROUND = 0.2, 0.7, 0.04


def colour_bins(picture: FloatArray) -> IndexArray:
    """(h, w) which of the 16 x 16 x 16 boxes of RGB the pixels of a picture (h, w, 3) are in."""
    box = np.clip(picture * COLOUR_BINS, 0, COLOUR_BINS - 1).astype(np.int32)
    return (box[..., 0] * COLOUR_BINS + box[..., 1]) * COLOUR_BINS + box[..., 2]


def affinity_table(
    bins: IndexArray, to_inside: FloatArray, to_outside: FloatArray, gap: float
) -> FloatArray:
    """For every colour box 0..1: 1 if it occurs around the one set of cells, 0 if around the other.

    After Bai and Sapiro, "A geodesic framework for fast interactive image and video segmentation"
    (2007). Colours found on both sides are drawn towards 0.5, beyond what their frequencies give.

    Args:
        bins: (gh, gw) colour boxes of the grid's cells.
        to_inside: (gh, gw) distance to the one set, in cells.
        to_outside: (gh, gw) distance to the other.
        gap: usual distance between the sets.
    """
    around = np.clip(AROUND_GAP * gap, LEAST_AROUND, MOST_AROUND * min(bins.shape))
    near = np.exp(-0.5 * (to_inside / around) ** 2)
    away = np.exp(-0.5 * (to_outside / around) ** 2) * (1 - near)
    inside, outside = _histogram(bins, near), _histogram(bins, away)
    balance = (inside - outside) / (inside + outside + 2e-5)
    return (0.5 + 0.5 * balance * np.abs(balance)).astype(np.float32)


def _histogram(bins: IndexArray, weights: FloatArray) -> FloatArray:
    """Fraction of the weight in each colour box, blurred over neighbouring boxes."""
    side = COLOUR_BINS
    count = np.bincount(bins.ravel(), weights.ravel(), side**3).reshape(side, side, side)
    for axis in range(3):
        ends = [(1, 1) if other == axis else (0, 0) for other in range(3)]
        wide = np.moveaxis(np.pad(count, ends, mode="edge"), axis, 0)
        count = np.moveaxis(0.25 * wide[:-2] + 0.5 * wide[1:-1] + 0.25 * wide[2:], 0, axis)
    return count.ravel() / max(float(count.sum()), 1e-9)


def flattened(affinity: FloatArray, size: tuple[int, int]) -> FloatArray:
    """An affinity map at a smaller (width, height), speckles removed, borders kept."""
    import cv2

    small = cv2.resize(affinity, size, interpolation=cv2.INTER_AREA)
    return cv2.bilateralFilter(small.reshape(size[::-1]), 5, 0.2, 2)


def nearest_distance(seeds: BoolArray) -> FloatArray:
    """(gh, gw) straight distance in cells to the nearest of `seeds`; huge if there are none."""
    import cv2

    if not seeds.any():
        return np.full(seeds.shape, 1e6, np.float32)
    return cv2.distanceTransform(np.where(seeds, 0, 1).astype(np.uint8), cv2.DIST_L2, 5)
