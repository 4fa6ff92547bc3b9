"""Wan-Move (2512.08765): latent features of where a track starts are copied along the track."""

from __future__ import annotations

import torch
from torch import Tensor

from ...geometry import Size
from ...raster.cells import last_occurrences
from ...raster.latent import latent_cells
from ...tracks.model import Tracks
from .latents import FRAME_STRIDE, START_IMAGE, KnownFrames, anchor_frames, check_latent


def copied_latent(
    latent: Tensor,
    tracks: Tracks,
    weights: Tensor | None = None,
    known: KnownFrames = START_IMAGE,
) -> Tensor:
    """The latent of the known frames with its features carried along the tracks.

    A track takes its features from the first known frame in which it is visible and on the canvas,
    and carries them to the frames that are not known. Without such a frame it copies nothing; the
    released code, which looks at frame 0 alone, wraps it to the bottom right cell. Where tracks
    meet, the last one is taken; the released code draws one at random without a seed.

    Args:
        latent: (C, T', H, W), of the known frames and of empty ones.
        tracks: 4 (T' - 1) + 1 frames, of which 0, 4, 8, ... are read.
        weights: (N,) 0..1, of the copy against the cell's value; None is 1.
        known: The frames that hold pictures, one for a start image.

    Returns:
        A new tensor (C, T', H, W).

    Raises:
        TypeError, ShapeError, ValueError: When latent, tracks, weights and known frames do not fit.
    """
    weight = check_latent(latent, tracks, weights).to(latent.device)
    _, frames, height, width = latent.shape
    free = known.free(frames) if frames > 1 else range(0)
    cells = latent_cells(tracks, Size(width, height), frame_stride=FRAME_STRIDE).to(latent.device)
    anchor = anchor_frames(cells[: known.start, :, 0] >= 0)
    follows = (cells[free.start : free.stop, :, 0] >= 0) & (anchor >= 0)
    frame, track = follows.nonzero().unbind(1)
    frame = frame + free.start
    column, row = cells[frame, track].unbind(1)
    stays = last_occurrences((frame * height + row) * width + column)
    frame, track, column, row = frame[stays], track[stays], column[stays], row[stays]
    start = cells[anchor[track], track]
    source = latent[:, anchor[track], start[:, 1], start[:, 0]]
    moved = latent.clone()
    was = latent[:, frame, row, column]
    moved[:, frame, row, column] = torch.lerp(was, source, weight[track].to(latent.dtype))
    return moved
