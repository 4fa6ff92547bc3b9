"""Distances along a picture: a step costs its length, and more where it crosses an edge."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray

UNREACHED = np.float32(1e6)
SWEEPS = 2


def geodesic_distance(seeds: BoolArray, height_map: FloatArray, climb: float) -> FloatArray:
    """The cost of the cheapest 8-connected path from each set of seeds.

    A step costs its length in cells plus `climb` times the change of height. Distances are those of
    SWEEPS passes down and up over whole rows, so paths that turn back more often come out slightly
    too long.

    Args:
        seeds: (K, h, w) bool, one set each.
        height_map: (h, w).
        climb: cost of a unit of height, in cells.

    Returns:
        (K, h, w).
    """
    rows = seeds.shape[1]
    dist = np.where(seeds, np.float32(0), UNREACHED)
    down = 1 + climb * np.abs(np.diff(height_map, axis=0))
    down_right = np.float32(np.sqrt(2)) + climb * np.abs(height_map[1:, 1:] - height_map[:-1, :-1])
    down_left = np.float32(np.sqrt(2)) + climb * np.abs(height_map[1:, :-1] - height_map[:-1, 1:])
    walk = np.zeros_like(height_map)
    walk[:, 1:] = np.cumsum(1 + climb * np.abs(np.diff(height_map, axis=1)), axis=1)
    for _ in range(SWEEPS):
        _along(dist[:, 0], walk[0])
        for y in range(1, rows):
            _relax(dist[:, y], dist[:, y - 1], down[y - 1], down_right[y - 1], down_left[y - 1])
            _along(dist[:, y], walk[y])
        for y in range(rows - 2, -1, -1):
            _relax(dist[:, y], dist[:, y + 1], down[y], down_left[y], down_right[y])
            _along(dist[:, y], walk[y])
    return dist


def _relax(
    row: FloatArray, other: FloatArray, straight: FloatArray, left: FloatArray, right: FloatArray
) -> None:
    """Reaches `row` (K, w) from the row beside it: straight, from the left, from the right."""
    np.minimum(row, other + straight, out=row)
    np.minimum(row[:, 1:], other[:, :-1] + left, out=row[:, 1:])
    np.minimum(row[:, :-1], other[:, 1:] + right, out=row[:, :-1])


def _along(row: FloatArray, walk: FloatArray) -> None:
    """Reaches `row` (K, w) from its own cells; walk (w,) is the cost from the row's beginning."""
    row[:] = np.minimum.accumulate(row - walk, axis=1) + walk
    row[:] = np.minimum.accumulate((row + walk)[:, ::-1], axis=1)[:, ::-1] - walk
