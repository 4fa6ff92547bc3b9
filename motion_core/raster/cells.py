"""From positions on a canvas to cells of a grid."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size
from ..tracks.arguments import whole_number
from ..tracks.model import Tracks


def grid_cells(tracks: Tracks, grid: Size, frames: slice) -> tuple[Tensor, Tensor, Tensor]:
    """The grid cell under every point in some frames.

    cell = floor(position * grid / canvas), in float64, which makes the floor exact: the product of
    a float32 and a side is exact, and rounding the quotient by another side cannot cross a whole
    number.

    Args:
        tracks: on any canvas.
        grid: width and height of the grid.
        frames: of the tracks, t of them.

    Returns:
        Columns and rows, (t, N) int64 each, and a mask (t, N) bool that is True where a point is
        visible and inside the canvas. Elsewhere column and row have no meaning.
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
    """The index at which each different key of (M,) occurs last, as when later entries overwrite.

    Found by sorting, because some devices write duplicate indices in no defined order.
    """
    ordered, order = torch.sort(keys, stable=True)
    is_last = torch.ones_like(ordered, dtype=torch.bool)
    torch.ne(ordered[1:], ordered[:-1], out=is_last[:-1])
    return order[is_last]


def check_frames(tracks: Tracks, frames: int | None) -> None:
    """Raises ShapeError unless the tracks have the expected number of frames (None: any)."""
    if frames is not None and tracks.num_frames != whole_number("frames", frames):
        raise ShapeError(
            f"the tracks last {tracks.num_frames} frames but {frames} are wanted. Resample them "
            f"first: resample(tracks, {frames}), or the node Retime Tracks."
        )
