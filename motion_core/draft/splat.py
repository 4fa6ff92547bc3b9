"""The first step of pull-push completion: scattered values distributed over the cells of a grid.

``reference.py`` defines it.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ..errors import ShapeError
from ..fields.arrays import FloatArray
from ..geometry import Size
from ..kernels.splat import splat_displacements

_CORNERS = torch.tensor([[0, 0], [1, 0], [0, 1], [1, 1]])


def splat_frame(
    points: FloatArray, values: FloatArray, weights: FloatArray, grid: Size
) -> FloatArray:
    """`splat` of one frame of arrays.

    Args:
        points: (N, 2) cells of the grid.
        values: (N, C).
        weights: (N,).
        grid: Cells across and down.

    Returns:
        (grid.height, grid.width, C + 1) float32.
    """
    at, moved, weight = (
        torch.from_numpy(np.ascontiguousarray(array))
        for array in (points, values[None], weights[None])
    )
    return splat(at, moved, weight, grid)[0].numpy()


def splat(points: Tensor, values: Tensor, weights: Tensor, grid: Size) -> Tensor:
    """(T, grid.height, grid.width, C + 1) float32: weighted values and, last, their weight.

    Every point is distributed bilinearly over the four cells whose centres are nearest; beyond
    the outermost centres it counts as on them. Sums are float64. Points with a coordinate, value
    or weight that is not finite are left out.

    Args:
        points: (N, 2) in cells, corner origin.
        values: (T, N, C) floating.
        weights: (T, N).
        grid: columns and rows.

    Raises:
        ShapeError: these do not belong together.
    """
    frames, count = values.shape[:2] if values.ndim == 3 else (-1, -1)
    if points.shape != (count, 2) or weights.shape != (frames, count):
        raise ShapeError(
            "splat takes points (N, 2), values (T, N, C) and weights (T, N); got "
            f"{tuple(points.shape)}, {tuple(values.shape)} and {tuple(weights.shape)}."
        )
    sums = splat_displacements(points, values, weights, grid.width, grid.height)
    return _splat_by_scatter(points, values, weights, grid) if sums is None else sums


def _splat_by_scatter(points: Tensor, values: Tensor, weights: Tensor, grid: Size) -> Tensor:
    frames, count, channels = values.shape
    weighted = torch.cat([values * weights[..., None], weights[..., None]], dim=-1).double()
    # What is not finite stays so in the sum.
    if not math.isfinite(float(weighted.sum() + points.sum(dtype=torch.float64))):
        sound = torch.isfinite(weighted).all(dim=-1) & torch.isfinite(points).all(dim=-1)
        weighted = weighted.masked_fill(~sound[..., None], 0.0)
        points = torch.nan_to_num(points)
    last = torch.tensor([grid.width - 1, grid.height - 1], device=points.device)
    at = (points.double() - 0.5).clamp_(min=0.0).minimum(last.double())
    corners = at.long() + _CORNERS.to(at.device)[:, None]  # (4, N, 2)
    overlap = (1.0 - (at - corners).abs()).prod(dim=-1)
    corners = corners.minimum(last)
    cells = grid.width * grid.height
    place = corners[..., 1] * grid.width + corners[..., 0]
    place = place[:, None] + torch.arange(frames, device=at.device)[:, None] * cells
    sums = weighted.new_zeros(frames * cells, channels + 1)
    spread = (weighted * overlap[:, None, :, None]).reshape(-1, channels + 1)
    sums.scatter_add_(0, place.reshape(-1, 1).expand_as(spread), spread)
    return sums.view(frames, grid.height, grid.width, channels + 1).float()
