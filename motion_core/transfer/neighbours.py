"""Smoothing over space: displacements of tracks averaged over their neighbours."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..progress import Progress, silent
from ..tracks.arguments import number_from_zero
from ..tracks.model import Tracks
from ..tracks.start import first_visible, start_and_displacement

REACH_SIGMAS = 4.0
# Number of weights in memory at once.
BLOCK_WEIGHTS = 4_000_000


def smooth_space(tracks: Tracks, sigma: float, *, progress: Progress = silent) -> Tracks:
    """Average displacements over neighbouring tracks (Motion Prompting, appendix E).

    The weight of a neighbour is a Gaussian in the distance between the two first visible positions,
    up to 4 sigma. In each frame only visible tracks count, and only those with the same first
    visible frame, since the displacements of others refer to another time. First positions, ids and
    ``visible`` stay.

    Args:
        tracks: (T, N).
        sigma: Standard deviation in pixels; 0 changes nothing.
        progress: Called as the work goes on.

    Raises:
        TypeError: `sigma` is not a number.
        ValueError: `sigma` is not finite or below 0.
    """
    sigma = number_from_zero("sigma", sigma)
    if not sigma or not tracks.num_frames or not tracks.num_points:
        return tracks
    start, moved = start_and_displacement(tracks)
    since, _ = first_visible(tracks.visible)
    is_visible = tracks.visible.double()
    signals = torch.cat([moved.permute(1, 0, 2).flatten(1), is_visible.T], dim=1)
    rows = max(1, BLOCK_WEIGHTS // tracks.num_points)
    parts = []
    for first in range(0, tracks.num_points, rows):
        block = slice(first, first + rows)
        weights = _weights(start[block], start, sigma)
        weights *= since[block, None] == since[None, :]
        parts.append(weights @ signals)
        progress(min(first + rows, tracks.num_points), tracks.num_points)
    sums = torch.cat(parts)
    frames = tracks.num_frames
    total = sums[:, 2 * frames :].T[..., None]
    mean = sums[:, : 2 * frames].view(-1, frames, 2).permute(1, 0, 2)
    calm = start + mean / total.clamp(min=torch.finfo(torch.float64).tiny)
    xy = torch.where(tracks.visible[..., None], calm.to(torch.float32), tracks.xy)
    return replace(tracks, xy=xy)


def _weights(here: Tensor, there: Tensor, sigma: float) -> Tensor:
    """(n, N) Gaussian weights between two sets of points."""
    distance = torch.cdist(here, there)
    weights = torch.exp(-0.5 * (distance / sigma) ** 2)
    return weights * (distance <= REACH_SIGMAS * sigma)
