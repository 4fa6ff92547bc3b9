"""Gaussian smoothing in time."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from ..progress import Progress, silent
from .arguments import number_from_zero
from .model import Tracks

REACH_SIGMAS = 4.0
BLOCK_FRAMES = 256


def smooth_time(tracks: Tracks, sigma: float, *, progress: Progress = silent) -> Tracks:
    """Every track smoothed in time by a Gaussian.

    Only visible frames count (normalised convolution: their weights sum to one), so neither the
    ends of the clip nor gaps pull on a point. Invisible frames keep their placeholders and
    ``visible`` stays as it is.

    Args:
        tracks: Tracks of any length.
        sigma: Standard deviation in frames; the filter ends at 4 sigma on each side. 0 changes
            nothing.
        progress: Called with (frames done, T).

    Raises:
        TypeError, ValueError: `sigma` is not a finite number of 0 or more.
    """
    sigma = number_from_zero("sigma", sigma)
    frames = tracks.num_frames
    reach = min(math.ceil(REACH_SIGMAS * sigma), frames - 1)
    if reach <= 0 or tracks.num_points == 0:
        return tracks
    blocks = []
    for start in range(0, frames, BLOCK_FRAMES):
        stop = min(start + BLOCK_FRAMES, frames)
        blocks.append(_smoothed_block(tracks, start, stop, sigma, reach))
        progress(stop, frames)
    smoothed = torch.cat(blocks).to(torch.float32)
    return replace(tracks, xy=torch.where(tracks.visible[..., None], smoothed, tracks.xy))


def _smoothed_block(tracks: Tracks, start: int, stop: int, sigma: float, reach: int) -> Tensor:
    """(stop - start, N, 2) float64 weighted means over the frames within reach."""
    low, high = max(start - reach, 0), min(stop + reach, tracks.num_frames)
    target = torch.arange(start, stop, device=tracks.device)[:, None]
    source = torch.arange(low, high, device=tracks.device)[None, :]
    distance = (target - source).to(torch.float64)
    weights = torch.exp(-0.5 * (distance / sigma) ** 2) * (distance.abs() <= reach)
    visible = tracks.visible[low:high].to(torch.float64)
    total = weights @ visible
    moments = tracks.xy[low:high].to(torch.float64) * visible[..., None]
    sums = (weights @ moments.flatten(1)).view(stop - start, -1, 2)
    return sums / total.clamp(min=torch.finfo(torch.float64).tiny)[..., None]
