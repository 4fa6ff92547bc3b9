"""Which cell of a video latent each track is in: what Wan-Move copies features by."""

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
    """The latent cell of every track in frames 0, 4, 8, ...: (T', N, 2) int64, columns (x, y).

    grid: W and H of the latent, canvas / 8 for Wan's autoencoder. A track that is invisible or
    outside the canvas in that frame has (-1, -1): test for it before indexing, because -1 is the
    last cell to Python. T' = ceil(T / frame_stride). (Wan-Move, 2512.08765; its own order
    (N, T', 2) with columns (y, x) is `latent_cells(...).transpose(0, 1).flip(-1)`.)
    Raises TypeError or ValueError for a grid or stride below 1.
    """
    grid = checked_size(*grid)
    stride = whole_number("frame_stride", frame_stride, least=1)
    sampled = replace(tracks, xy=tracks.xy[::stride], visible=tracks.visible[::stride])
    cells = []
    for frames in frame_chunks(sampled):
        columns, rows, counts = grid_cells(sampled, grid, frames)
        cells.append(torch.stack([torch.where(counts, axis, -1) for axis in (columns, rows)], -1))
    return torch.cat(cells)
