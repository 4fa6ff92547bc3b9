"""The definition of the inverse map: one triangle and one pixel at a time."""

from __future__ import annotations

import math

import numpy as np

from ..fields.arrays import FloatArray, IndexArray
from .inverse_map import inverse_affine
from .window import Window


def inverse_map_reference(
    positions: FloatArray, rest: FloatArray, triangles: IndexArray, window: Window
) -> tuple[FloatArray, IndexArray]:
    """What `inverse_map.inverse_map` returns, with the number of triangles on each pixel.

    A pixel centre (x, y) lies in a triangle if exactly two of its edges cross the row y, one at or
    left of x and one right of it. An edge crosses the rows from its upper end, included, to its
    lower end, excluded.
    """
    source = np.zeros((window.height, window.width, 2), np.float32)
    count = np.zeros((window.height, window.width), np.int64)
    matrix, corner, origin = inverse_affine(positions, rest, triangles)
    for number, triangle in enumerate(triangles):
        corners = positions[triangle] - [window.left, window.top]
        for row in range(window.height):
            crossings = sorted(_crossings(corners, row + 0.5))
            if not crossings:
                continue
            left, right = crossings
            for column in range(window.width):
                if left <= column + 0.5 < right:
                    place = np.array([column + window.left, row + window.top]) + 0.5
                    source[row, column] = origin[number] + matrix[number] @ (place - corner[number])
                    count[row, column] += 1
    return source, count


def _crossings(corners: FloatArray, y: float) -> list[float]:
    """Where the edges of a triangle cross a row: two places, or none."""
    found = []
    for first in range(3):
        above, below = sorted(
            (corners[first], corners[(first + 1) % 3]), key=lambda place: place[1]
        )
        if above[1] <= y < below[1]:
            slope = (below[0] - above[0]) / (below[1] - above[1])
            found.append(float(above[0] + (y - above[1]) * slope))
    assert len(found) in (0, 2) and all(map(math.isfinite, found))
    return found
