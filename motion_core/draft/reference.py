"""The definition of the draft's first step, one point and one cell at a time."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..geometry import Size


def reference_splat(points: Tensor, values: Tensor, weights: Tensor, grid: Size) -> Tensor:
    """(T, grid.height, grid.width, C + 1) float64: weighted values and, last, their weight.

    A cell hears a point by how much their squares of one cell overlap, each kept inside the grid.
    points: (N, 2) in cells. values: (T, N, C). weights: (T, N). A point that says something that
    is not finite is not heard.
    """
    frames, count, channels = values.shape
    sums = torch.zeros(frames, grid.height, grid.width, channels + 1, dtype=torch.float64)
    for frame in range(frames):
        for point in range(count):
            said = [*values[frame, point].tolist(), 1.0]
            weight, (x, y) = float(weights[frame, point]), points[point].tolist()
            if not all(math.isfinite(one) for one in (*said, weight, x, y)):
                continue
            x = min(max(x, 0.5), grid.width - 0.5)
            y = min(max(y, 0.5), grid.height - 0.5)
            for row in range(grid.height):
                for column in range(grid.width):
                    across = max(0.0, 1.0 - abs(x - (column + 0.5)))
                    share = across * max(0.0, 1.0 - abs(y - (row + 0.5)))
                    for channel, one in enumerate(said):
                        sums[frame, row, column, channel] += one * weight * share
    return sums
