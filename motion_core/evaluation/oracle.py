"""The effect of a perfect segmentation: lite's similarity fit per true segment."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..fields.motion_field import MotionField, field_on_canvas, grid_centres, resting_field
from ..geometry import Size
from ..models.lite.similarity_fit import similarity_fit, track_moments
from ..models.lite.track_batch import make_track_batch, unit_px
from ..tracks.model import Tracks
from .field_errors import Truth

# Rotation and zoom of a segment are fitted to tracks that lie this far apart, in units.
RIDGE = 0.05


def oracle_segments(tracks: Tracks, truth: Truth) -> MotionField:
    """A field in which each true segment moves by the one similarity that fits its tracks.

    A segment without tracks goes with the background; where that has none either, with the nearest
    track. No method that reads the picture can segment it better, so what is left is bending,
    joints, and motion that no track shows. It is no strict bound: a method may guess well.

    Args:
        tracks: on the canvas of the truth.
        truth: whose `layers` are the segments, (G, G).
    """
    frames, layers = tracks.num_frames, truth.layers
    grid = layers.shape[0]
    track_batch = make_track_batch([tracks])
    if not bool(track_batch.valid.any()):
        return resting_field(frames, Size(grid, grid), tracks.size)
    cells = ((track_batch.start_ndc[0] + 1) / 2 * grid).floor().long().clamp(0, grid - 1)
    owner = layers[cells[:, 1], cells[:, 0]]
    unit = unit_px(tracks.size)
    middle = torch.tensor(tracks.size) / 2
    centres = grid_centres(Size(grid, grid), tracks.size).reshape(-1, 2)
    at = (centres - middle) / unit
    weights = _weights(layers.flatten(), owner, torch.cdist(at, track_batch.start[0]))
    moments = track_moments(track_batch.start, track_batch.displacement, track_batch.confidence)
    moved, _ = similarity_fit(weights[None, None], moments, at[None], torch.tensor([RIDGE]))
    displacement = (moved[0, 0] * unit).view(grid, grid, frames, 2).permute(2, 0, 1, 3)
    return field_on_canvas(displacement, tracks.size)


def _weights(layers: Tensor, owner: Tensor, apart: Tensor) -> Tensor:
    """(M, N) how much each track counts for each cell; every row adds up to one."""
    own = (layers[:, None] == owner).float()
    behind = (owner == 0).float().expand_as(own)
    nearest = functional.one_hot(apart.argmin(dim=1), apart.shape[1]).float()
    chosen = torch.where(own.any(dim=1, keepdim=True), own, behind)
    chosen = torch.where(chosen.any(dim=1, keepdim=True), chosen, nearest)
    return chosen / chosen.sum(dim=1, keepdim=True)
