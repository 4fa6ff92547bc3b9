"""Tracks as maps on the grid, laid out as latents are: what control's first layer reads."""

from __future__ import annotations

import torch
from torch import Tensor

from ...geometry import Size
from ...raster.region import region_flow
from ...tracks.model import Tracks
from .latents import SCALE_UNITS
from .track_batch import UNITS, TrackBatch

REGION_PX = 2


def rasterize_tracks(track_batch: TrackBatch, grid: int) -> Tensor:
    """Tracks where they start, laid out as latents: (B, 3 (T - 1), G, G).

    Displacements are means over the tracks of a cell, weighted by trust; the last channels are
    the trust itself, at most 1, so that a pinned point differs from no point.
    """
    batch, _, frames = track_batch.trust.shape
    cell = ((track_batch.spot + 1) / 2 * grid).floor().long().clamp(0, grid - 1)
    index = cell[..., 1] * grid + cell[..., 0]
    trust = (track_batch.trust * track_batch.present[..., None])[..., None]
    told = torch.cat([track_batch.moved / SCALE_UNITS * trust, trust], dim=-1)
    told = told[:, :, 1:].flatten(2)
    summed = told.new_zeros(batch, grid * grid, told.shape[-1])
    summed.scatter_add_(1, index[..., None].expand_as(told), told)
    by_frame = summed.view(batch, grid, grid, frames - 1, 3).permute(0, 3, 4, 1, 2)
    across = by_frame[:, :, :2] / by_frame[:, :, 2:].clamp(min=1e-6)
    return torch.cat([across.flatten(1, 2), by_frame[:, :, 2].clamp(max=1)], dim=1)


def region_maps(tracks: Tracks, grid: int) -> Tensor:
    """MotionPro's displacement and mask, laid out as latents: (1, C, G, G)."""
    flow = region_flow(tracks, Size(grid, grid), block_px=REGION_PX)[1:]
    moved = flow[..., :2].permute(0, 3, 1, 2).reshape(1, -1, grid, grid)
    units = moved * (UNITS / grid / SCALE_UNITS)
    return torch.cat([units, flow[..., 2][None]], dim=1)
