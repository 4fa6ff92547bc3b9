"""Launches draft_splat.cu: displacements at scattered points become sums on a grid."""

from __future__ import annotations

import torch
from torch import Tensor

from . import loader

FILE = "draft_splat.cu"


def splat_displacements(
    points: Tensor, values: Tensor, weights: Tensor, width: int, height: int
) -> Tensor | None:
    """(T, height, width, C + 1) float32: weighted values and weights among the four nearest cells.

    points: (N, 2) in cells. values: (T, N, C). weights: (T, N). Points that say something that is
    not finite are left out. None where the kernel cannot run.
    """
    frames, count, channels = values.shape
    if max(frames, count, channels, width * height) > loader.MOST:
        return None
    ready = loader.launchers(FILE, ["splat_displacements"], values.device)
    if ready is None:
        return None
    shape = (frames, height, width, channels + 1)
    sums = torch.zeros(shape, dtype=torch.float64, device=values.device)
    heard = [one.double().contiguous() for one in (points, values, weights)]
    if frames * count:
        sizes = [frames, count, channels, width, height]
        blocks = (loader.over(frames * count), 1, 1)
        ready[0](blocks, (loader.BLOCK, 1, 1), [*heard, *sizes, sums])
    return sums.float()
