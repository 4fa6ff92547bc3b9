"""Tracks as maps on the grid, laid out as latents: the input of control's first layer."""

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
    """Tracks in the cells where they start, laid out as latents.

    Args:
        track_batch: B track sets.
        grid: G, cells a side.

    Returns:
        (B, 3 (T - 1), G, G). Displacements are means over the tracks of a cell, weighted by
        confidence. The last channels are the summed confidence, at most 1; they tell a pinned
        point from no point.
    """
    batch, _, frames = track_batch.confidence.shape
    cell = ((track_batch.start_ndc + 1) / 2 * grid).floor().long().clamp(0, grid - 1)
    index = cell[..., 1] * grid + cell[..., 0]
    weight = (track_batch.confidence * track_batch.valid[..., None])[..., None]
    terms = torch.cat([track_batch.displacement / SCALE_UNITS * weight, weight], dim=-1)
    terms = terms[:, :, 1:].flatten(2)
    summed = terms.new_zeros(batch, grid * grid, terms.shape[-1])
    summed.scatter_add_(1, index[..., None].expand_as(terms), terms)
    by_frame = summed.view(batch, grid, grid, frames - 1, 3).permute(0, 3, 4, 1, 2)
    displacement = by_frame[:, :, :2] / by_frame[:, :, 2:].clamp(min=1e-6)
    return torch.cat([displacement.flatten(1, 2), by_frame[:, :, 2].clamp(max=1)], dim=1)


def region_maps(tracks: Tracks, grid: int) -> Tensor:
    """MotionPro's region-wise displacement and mask, laid out as latents: (1, C, G, G)."""
    flow = region_flow(tracks, Size(grid, grid), block_px=REGION_PX)[1:]
    displacement = flow[..., :2].permute(0, 3, 1, 2).reshape(1, -1, grid, grid)
    scaled = displacement * (UNITS / grid / SCALE_UNITS)
    return torch.cat([scaled, flow[..., 2][None]], dim=1)
