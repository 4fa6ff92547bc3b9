"""What perfect knowledge of the picture would bring: lite's fit, told what belongs together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..models.lite.similarity_fit import similarity_fit, track_moments
from ..models.lite.track_batch import make_track_batch, unit_px
from .baselines import Question, centres
from .errors import Truth

# Turning and zooming of a surface is believed from tracks that lie this far apart, in units.
RIDGE = 0.05


def oracle_segments(question: Question, truth: Truth) -> Tensor:
    """(T, G, G, 2) pixels: each true surface moves by the one similarity that fits its tracks.

    A thing without tracks goes with the background; where that has none either, with the nearest
    track. Nothing that reads the picture can tell its surfaces apart better, so what is left is
    bending, joints, and what no track says. No strict bound: a method may guess well.
    """
    frames, grid = question.tracks.num_frames, question.grid
    tracks, layers = question.tracks, truth.layers
    track_batch = make_track_batch([tracks])
    if not bool(track_batch.present.any()):
        return torch.zeros(frames, grid, grid, 2)
    cells = ((track_batch.spot[0] + 1) / 2 * grid).floor().long().clamp(0, grid - 1)
    owner = layers[cells[:, 1], cells[:, 0]]
    unit = unit_px(tracks.size)
    middle = torch.tensor(tracks.size) / 2
    at = (torch.from_numpy(centres(question)).float() - middle) / unit
    weights = _weights(layers.flatten(), owner, torch.cdist(at, track_batch.place[0]))
    moments = track_moments(track_batch.place, track_batch.moved, track_batch.trust)
    moved, _ = similarity_fit(weights[None, None], moments, at[None], torch.tensor([RIDGE]))
    return (moved[0, 0] * unit).view(grid, grid, frames, 2).permute(2, 0, 1, 3)


def _weights(layers: Tensor, owner: Tensor, apart: Tensor) -> Tensor:
    """(M, N) how much each track counts for each cell; every row adds up to one."""
    own = (layers[:, None] == owner).float()
    behind = (owner == 0).float().expand_as(own)
    nearest = functional.one_hot(apart.argmin(dim=1), apart.shape[1]).float()
    chosen = torch.where(own.any(dim=1, keepdim=True), own, behind)
    chosen = torch.where(chosen.any(dim=1, keepdim=True), chosen, nearest)
    return chosen / chosen.sum(dim=1, keepdim=True)
