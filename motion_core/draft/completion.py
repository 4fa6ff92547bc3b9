"""Completion: from scattered displacements to a displacement everywhere.

Points and their displacements go in, a coarse dense field comes out; pictures play no part.
"""

from __future__ import annotations

import numpy as np

from ..fields.arrays import FloatArray
from ..fields.pull_push import spread_sums
from ..fields.similarity import fit_similarity
from ..geometry import Size
from .backward_field import BackwardField, cell_centres, field_grid
from .splat import splat_frame

NEGLIGIBLE_PX = 0.01


def complete(
    points: FloatArray, values: FloatArray, weights: FloatArray, canvas: Size
) -> BackwardField:
    """The displacement everywhere on a canvas, from displacements at some points.

    The similarity that fits the points best is taken out first and put back last, so that a
    panned, turned or zoomed picture is completed exactly, also beyond the outermost point; what
    remains is spread by pull-push.

    Args:
        points: (N, 2) pixels, N >= 1.
        values: (N, 2) pixels.
        weights: (N,) above zero; 1 is full confidence.
        canvas: what the field covers.
    """
    grid, cell = field_grid(canvas)
    trend = fit_similarity(points, values[None], weights[None].astype(np.float64))
    centres = cell_centres(grid, cell)
    field = trend.at(centres.reshape(-1, 2))[0].reshape(centres.shape)
    rest = values - trend.at(points)[0]
    if np.abs(rest).max() > NEGLIGIBLE_PX:
        field = field + pull_push(points / cell + 1, rest, weights, grid)
    return BackwardField(field, cell)


def pull_push(
    points: FloatArray, values: FloatArray, weights: FloatArray, grid: Size
) -> FloatArray:
    """Scattered values spread over a grid, see `spread_sums`.

    Args:
        points: (N, 2) in cells.
        values: (N, C).
        weights: (N,) above zero.
        grid: columns and rows.

    Returns:
        (grid.height, grid.width, C) float32.
    """
    return spread_sums(splat_frame(points, values, weights, grid))
