"""Depth between pixels, and depth on another canvas."""

from __future__ import annotations

import torch
from torch import Tensor

from ..geometry import Size, checked_size
from .depth_map import DepthMap

# Four neighbouring depths belong to one surface when they differ by less than this fraction.
SURFACE_SHARE = 0.05


def depth_at(depth: DepthMap, points: Tensor) -> tuple[Tensor, Tensor]:
    """Read depth at arbitrary pixels.

    Between the centres of four valid pixels of one surface, inverse depth is interpolated
    bilinearly (exact on planes). Across an edge or beside a hole, the pixel under the point is
    read.

    Args:
        depth: The depth map.
        points: (N, 2) pixels.

    Returns:
        (N,) float32 depth and (N,) bool whether it is known. It is unknown, and 1, off the canvas
        and on an invalid pixel.

    Raises:
        ValueError: A point is not finite.
    """
    if not bool(torch.isfinite(points).all()):
        raise ValueError("points must be finite pixels to read depth at.")
    height, width = depth.z.shape
    points = points.to(depth.z)
    own = points.floor().to(torch.int64)
    inside = (own >= 0).all(dim=1) & (own[:, 0] < width) & (own[:, 1] < height)
    column, row = own[:, 0].clamp(0, width - 1), own[:, 1].clamp(0, height - 1)
    known = inside & depth.valid[row, column]
    mixed, is_smooth = _bilinear(depth, points)
    z = torch.where(is_smooth, mixed, depth.z[row, column])
    return torch.where(known, z, torch.ones_like(z)), known


def resize_depth(depth: DepthMap, size: Size) -> DepthMap:
    """The same depth on another canvas, including its intrinsics.

    Every new pixel reads the old depth at its centre, as depth_at does; nothing is averaged across
    edges.
    """
    size = checked_size(*size)
    if size == depth.size:
        return depth
    scale = torch.tensor([depth.size.width / size.width, depth.size.height / size.height])
    x = (torch.arange(size.width) + 0.5) * scale[0]
    y = (torch.arange(size.height) + 0.5) * scale[1]
    points = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(-1, 2)
    z, known = depth_at(depth, points.to(depth.z.device))
    factor = torch.diag(torch.cat([1.0 / scale.double(), torch.ones(1, dtype=torch.float64)]))
    return DepthMap(
        z.view(size.height, size.width),
        known.view(size.height, size.width),
        factor.to(depth.K.device) @ depth.K,
        depth.kind,
        depth.is_K_known,
    )


def _bilinear(depth: DepthMap, points: Tensor) -> tuple[Tensor, Tensor]:
    """Depth (N,) mixed from the four pixels around, and where they are of one surface (N,)."""
    height, width = depth.z.shape
    corner = (points - 0.5).floor()
    fraction = points - 0.5 - corner
    left, top = corner.to(torch.int64).unbind(dim=1)
    weights = _weights(fraction)
    inverse = torch.zeros_like(weights)
    valid = torch.ones(points.shape[0], dtype=torch.bool, device=points.device)
    for place in range(4):
        column = (left + place % 2).clamp(0, width - 1)
        row = (top + place // 2).clamp(0, height - 1)
        inverse[place] = 1.0 / depth.z[row, column].clamp_min(torch.finfo(torch.float32).tiny)
        valid &= depth.valid[row, column]
    is_smooth = valid & (inverse.amax(dim=0) <= inverse.amin(dim=0) * (1.0 + SURFACE_SHARE))
    return 1.0 / (weights * inverse).sum(dim=0), is_smooth


def _weights(fraction: Tensor) -> Tensor:
    """(4, N) bilinear weights in the order top left, top right, bottom left, bottom right."""
    x, y = fraction.unbind(dim=1)
    return torch.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y])
