"""From positions on a canvas to cells of a grid."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size
from ..tracks.arguments import whole_number
from ..tracks.model import Tracks


def grid_cells(tracks: Tracks, grid: Size, frames: slice) -> tuple[Tensor, Tensor, Tensor]:
    """The cell under every point in some frames: columns, rows (t, N) int64, and which count.

    cell = floor(position * grid / canvas). The third tensor (t, N) bool is True where a point is
    visible and inside the canvas; elsewhere column and row mean nothing.

    float64 makes the floor exact: the product of a float32 and a side is, and the quotient of
    that by another side cannot be rounded across a whole number.
    """
    x, y = tracks.xy[frames].unbind(dim=-1)
    width, height = tracks.size
    counts = (torch.minimum(x, y) >= 0) & (x < width) & (y < height) & tracks.visible[frames]
    columns = x.double().mul_(grid.width).div_(width).long()
    rows = y.double().mul_(grid.height).div_(height).long()
    return columns, rows, counts


def displacement_scale(tracks: Tracks, grid: Size) -> Tensor:
    """The factor (2,) float32 that turns canvas pixels into grid cells, x and y."""
    width, height = tracks.size
    return tracks.xy.new_tensor([grid.width / width, grid.height / height])


def last_occurrences(keys: Tensor) -> Tensor:
    """Where each different key of (M,) occurs last: what survives when later overwrites earlier.

    Found by sorting, because writing duplicates into a tensor leaves the winner to chance on
    some devices.
    """
    ordered, order = torch.sort(keys, stable=True)
    is_last = torch.ones_like(ordered, dtype=torch.bool)
    torch.ne(ordered[1:], ordered[:-1], out=is_last[:-1])
    return order[is_last]


def check_frames(tracks: Tracks, frames: int | None) -> None:
    """Raises ShapeError when tracks do not last the wanted number of frames (None: any)."""
    if frames is not None and tracks.num_frames != whole_number("frames", frames):
        raise ShapeError(
            f"the tracks last {tracks.num_frames} frames but {frames} are wanted. Resample them "
            f"first: resample(tracks, {frames}), or the node Retime Tracks."
        )
