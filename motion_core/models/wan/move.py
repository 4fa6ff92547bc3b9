"""Wan-Move (2512.08765): what a track starts on is copied to wherever it goes, in the latent."""

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

    latent: (C, T', H, W), of the picture followed by empty frames. tracks: 4 (T' - 1) + 1 frames;
    they are read in frames 0, 4, 8, ... weights: (N,) 0..1, how far a cell goes from what it was
    to the copy; None is all the way.
    A track that is invisible or off the canvas in frame 0 starts on nothing and copies nothing:
    the released code wraps it to the bottom right cell. Where tracks meet, the last one stays:
    there, one drawn by an unseeded lot. Returns a new tensor.
    Raises TypeError or ShapeError when latent, tracks and weights do not fit.
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
    found = latent[:, 0, start[:, 1], start[:, 0]]
    moved = latent.clone()
    was = latent[:, frame, row, column]
    moved[:, frame, row, column] = torch.lerp(was, found, weight[track].to(latent.dtype))
    return moved
