"""Launches draft_splat.cu: displacements at scattered points are splatted onto a grid."""

from __future__ import annotations

import torch
from torch import Tensor

from . import loader

FILE = "draft_splat.cu"


def splat_displacements(
    points: Tensor, values: Tensor, weights: Tensor, width: int, height: int
) -> Tensor | None:
    """Bilinear splat of weighted values onto the four nearest cells of each point.

    Points whose coordinates, values or weight are not all finite are skipped.

    Args:
        points: (N, 2) positions in cells.
        values: (T, N, C).
        weights: (T, N).
        width: columns of the grid.
        height: rows of the grid.

    Returns:
        (T, height, width, C + 1) float32, sums of weighted values and, last, of weights; None
        where the kernel cannot run.
    """
    frames, count, channels = values.shape
    if max(frames, count, channels, width * height) > loader.MAX_INT32:
        return None
    kernels = loader.launchers(FILE, ["splat_displacements"], values.device)
    if kernels is None:
        return None
    shape = (frames, height, width, channels + 1)
    sums = torch.zeros(shape, dtype=torch.float64, device=values.device)
    inputs = [tensor.double().contiguous() for tensor in (points, values, weights)]
    if frames * count:
        sizes = [frames, count, channels, width, height]
        blocks = (loader.num_blocks(frames * count), 1, 1)
        kernels[0](blocks, (loader.BLOCK_THREADS, 1, 1), [*inputs, *sizes, sums])
    return sums.float()
