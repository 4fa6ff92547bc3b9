"""A depth map as a surface: which neighbouring pixels are connected, and filling between them."""

from __future__ import annotations

import torch
from torch import Tensor

from ..depth.depth_map import DepthMap
from ..depth.edges import joined_neighbours
from .cloud import PointCloud
from .zbuffer import ZBuffer

# Largest number of samples per side of a quad; a larger quad has gaps.
FINEST = 16


def joined_quads(depth: DepthMap) -> Tensor:
    """(H - 1, W - 1) bool, True where four pixels around a corner belong to one surface."""
    across, down = joined_neighbours(depth)
    return across[:-1] & across[1:] & down[:, :-1] & down[:, 1:]


def splat_surface(zbuffer: ZBuffer, cloud: PointCloud, quads: Tensor, matrix: Tensor) -> None:
    """Splat a picture's points into the z-buffer and fill its connected quads where stretched.

    A quad whose sides are up to n pixels long, n the next power of two, adds its bilinear points at
    all multiples of 1/n.

    Args:
        zbuffer: Receives the depths.
        cloud: All pixels of the picture, (3, H * W).
        quads: joined_quads of its depth.
        matrix: (3, 4) projection.
    """
    cloud.splat(zbuffer, matrix)
    height, width = quads.shape[0] + 1, quads.shape[1] + 1
    scaled = torch.addmm(matrix[:, 3:], matrix[:, :3], cloud.points).view(3, height, width)
    ahead = scaled[2] > cloud.near
    pixels = scaled[:2] / torch.where(ahead, scaled[2], torch.ones_like(scaled[2]))
    longest = _longest_side(pixels)
    usable = quads & ahead[:-1, :-1] & ahead[1:, :-1] & ahead[:-1, 1:] & ahead[1:, 1:]
    usable &= _touches_canvas(pixels, zbuffer)
    parts = 2
    while parts <= FINEST:
        stretched = (longest > parts / 2) & (longest <= parts) & usable
        if parts == FINEST:
            stretched = (longest > parts / 2) & usable
        _fill_quads(zbuffer, scaled, torch.nonzero(stretched, as_tuple=True), parts)
        parts *= 2


def _longest_side(pixels: Tensor) -> Tensor:
    """(H - 1, W - 1) the longest side of each quad, in pixels, along x or y."""
    across = (pixels[:, :, 1:] - pixels[:, :, :-1]).abs().amax(dim=0)
    down = (pixels[:, 1:] - pixels[:, :-1]).abs().amax(dim=0)
    return torch.maximum(
        torch.maximum(across[:-1], across[1:]), torch.maximum(down[:, :-1], down[:, 1:])
    )


def _touches_canvas(pixels: Tensor, zbuffer: ZBuffer) -> Tensor:
    corners = torch.stack(
        [pixels[:, :-1, :-1], pixels[:, :-1, 1:], pixels[:, 1:, :-1], pixels[:, 1:, 1:]]
    )
    least, most = corners.amin(dim=0), corners.amax(dim=0)
    size = pixels.new_tensor(zbuffer.size)[:, None, None]
    return ((most >= 0) & (least < size)).all(dim=0)


def _fill_quads(zbuffer: ZBuffer, scaled: Tensor, where: tuple[Tensor, ...], parts: int) -> None:
    """Splat the inner samples of quads with top left corners `where` (two (M,) index tensors)."""
    row, column = where
    if not len(row):
        return
    top, bottom = scaled[:, row, column], scaled[:, row + 1, column]
    top_step = (scaled[:, row, column + 1] - top) / parts
    bottom_step = (scaled[:, row + 1, column + 1] - bottom) / parts
    for right in range(parts):
        upper, lower = top + right * top_step, bottom + right * bottom_step
        fractions = torch.arange(parts, device=top.device).to(top) / parts
        points = upper[..., None] + (lower - upper)[..., None] * fractions  # (3, M, parts)
        flat = points.reshape(3, -1)
        zbuffer.splat(zbuffer.cells(flat[:2] / flat[2]), flat[2])
