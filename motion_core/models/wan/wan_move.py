"""Wan-Move (2512.08765): latent features of where a track starts are copied along the track."""

from __future__ import annotations

import torch
from torch import Tensor

from ...geometry import Size
from ...raster.cells import last_occurrences
from ...raster.latent import latent_cells
from ...tracks.model import Tracks
from .latents import FRAME_STRIDE, check_latent


def copied_latent(latent: Tensor, tracks: Tracks, weights: Tensor | None = None) -> Tensor:
    """The latent of the first frame with its features carried along the tracks.

    A track that is invisible or off the canvas in frame 0 copies nothing; the released code wraps
    it to the bottom right cell. Where tracks meet, the last one is taken; the released code draws
    one at random without a seed.

    Args:
        latent: (C, T', H, W), of the image followed by empty frames.
        tracks: 4 (T' - 1) + 1 frames, of which 0, 4, 8, ... are read.
        weights: (N,) 0..1, of the copy against the cell's value; None is 1.

    Returns:
        A new tensor (C, T', H, W).

    Raises:
        TypeError, ShapeError: When latent, tracks and weights do not fit.
    """
    weight = check_latent(latent, tracks, weights).to(latent.device)
    _, _, height, width = latent.shape
    cells = latent_cells(tracks, Size(width, height), frame_stride=FRAME_STRIDE).to(latent.device)
    follows = (cells[1:, :, 0] >= 0) & (cells[0, :, 0] >= 0)
    frame, track = follows.nonzero().unbind(1)
    frame = frame + 1
    column, row = cells[frame, track].unbind(1)
    stays = last_occurrences((frame * height + row) * width + column)
    frame, track, column, row = frame[stays], track[stays], column[stays], row[stays]
    start = cells[0, track]
    source = latent[:, 0, start[:, 1], start[:, 0]]
    moved = latent.clone()
    was = latent[:, frame, row, column]
    moved[:, frame, row, column] = torch.lerp(was, source, weight[track].to(latent.dtype))
    return moved
