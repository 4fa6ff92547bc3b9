"""The cell of a video latent that each track passes in each latent frame, as Wan-Move reads it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..geometry import Size, checked_size
from ..tracks.arguments import whole_number
from ..tracks.model import Tracks
from .cells import grid_cells
from .chunks import frame_chunks


def latent_cells(tracks: Tracks, grid: Size, *, frame_stride: int = 4) -> Tensor:
    """The latent cell of every track in frames 0, 4, 8, ... (Wan-Move, arXiv 2512.08765).

    A track that is invisible or outside the canvas in a frame has (-1, -1) there. Test for it
    before indexing, because Python reads -1 as the last cell. Wan-Move's own order (N, T', 2) with
    columns (y, x) is `latent_cells(...).transpose(0, 1).flip(-1)`.

    Args:
        tracks: on the video's canvas.
        grid: W and H of the latent, canvas / 8 for Wan's autoencoder.
        frame_stride: video frames per latent frame.

    Returns:
        (T', N, 2) int64, columns (x, y), with T' = ceil(T / frame_stride).

    Raises:
        TypeError, ValueError: a side of the grid or the stride is below 1.
    """
    grid = checked_size(*grid)
    stride = whole_number("frame_stride", frame_stride, least=1)
    sampled = replace(tracks, xy=tracks.xy[::stride], visible=tracks.visible[::stride])
    cells = []
    for frames in frame_chunks(sampled):
        columns, rows, counts = grid_cells(sampled, grid, frames)
        cells.append(torch.stack([torch.where(counts, axis, -1) for axis in (columns, rows)], -1))
    return torch.cat(cells)
