"""The definition of `splat`, one point and one cell at a time."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..geometry import Size


def reference_splat(points: Tensor, values: Tensor, weights: Tensor, grid: Size) -> Tensor:
    """(T, grid.height, grid.width, C + 1) float64: weighted values and, last, their weight.

    The weight of a point in a cell is the overlap of their squares of one cell, each kept inside
    the grid. Points with a coordinate, value or weight that is not finite are left out.

    Args:
        points: (N, 2) in cells.
        values: (T, N, C).
        weights: (T, N).
        grid: columns and rows.
    """
    frames, count, channels = values.shape
    sums = torch.zeros(frames, grid.height, grid.width, channels + 1, dtype=torch.float64)
    for frame in range(frames):
        for point in range(count):
            components = [*values[frame, point].tolist(), 1.0]
            weight, (x, y) = float(weights[frame, point]), points[point].tolist()
            if not all(math.isfinite(number) for number in (*components, weight, x, y)):
                continue
            x = min(max(x, 0.5), grid.width - 0.5)
            y = min(max(y, 0.5), grid.height - 0.5)
            for row in range(grid.height):
                for column in range(grid.width):
                    across = max(0.0, 1.0 - abs(x - (column + 0.5)))
                    overlap = across * max(0.0, 1.0 - abs(y - (row + 0.5)))
                    for channel, component in enumerate(components):
                        sums[frame, row, column, channel] += component * weight * overlap
    return sums
