"""Motion corrected at tracks: residuals where tracks start are spread along the attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ...tracks.start import every_nth
from .track_batch import TrackBatch

# More tracks than this correct nothing that these do not.
MAX_TRACKS = 256
LEAST_COVERAGE = 1e-6
# A residual is corrected in two to the power of this many rounds: what neighbouring tracks take
# from each other in one round is left to the next.
DOUBLINGS = 4


@dataclass(frozen=True, eq=False)
class TrackAttention:
    """Attention of cells to tracks, normalised by the tracks' confidence.

    With values v of tracks, confidence c and weights w, a cell gathers the confidence-weighted mean
    sum(w) sum(w c v) / sum(w c), which is `scale` times sum(w c v).

    Attributes:
        start_ndc: (B, N, 2) starts of tracks, -1..1 across the canvas.
        confidence: (B, F, N) 0..1, little where a track is not visible; F = 2 (T - 1) channels of
            motion.
        weights: (B, N, G*G) attention of each cell to each track.
        scale: (B, F, G*G).
    """

    start_ndc: Tensor
    confidence: Tensor
    weights: Tensor
    scale: Tensor

    def is_active(self) -> Tensor:
        """(B, 1, 1, 1): 1 where some cell attends to some track, else 0."""
        attends = (self.weights > 0).any(dim=2).any(dim=1)
        return attends.to(self.confidence).view(-1, 1, 1, 1)

    def sample(self, maps: Tensor) -> Tensor:
        """(B, C, N) values of maps (B, C, G, G) where tracks start."""
        sampled = functional.grid_sample(
            maps, self.start_ndc[:, :, None], padding_mode="border", align_corners=False
        )
        return sampled[..., 0]

    def spread(self, values: Tensor) -> Tensor:
        """(B, F, G*G) what cells gather of values (B, F, N) of tracks."""
        return ((self.confidence * values) @ self.weights) * self.scale


@dataclass(frozen=True, eq=False)
class TrackCorrection:
    """A correction of latents where tracks start, spread to the cells that attend to them.

    Attributes:
        attention: Of cells to tracks.
        inverse: (B, F / 2, N, N) turns residuals (rows) into values of tracks (columns), frame by
            frame, so that what cells gather where tracks start is the residual there.
        amount: Broadcasts over (B, F, G*G): the part of a residual that is corrected, 0..1.
    """

    attention: TrackAttention
    inverse: Tensor
    amount: Tensor

    def apply(self, clean: Tensor, target: Tensor) -> Tensor:
        """Clean latents that agree with the target where tracks start.

        A sample plus the regression of its residuals is a sample without residuals: Matheron's
        rule (Journel and Huijbregts 1978; Wilson et al., 2002.09309). The regression is the
        attention of the control encoder.

        Args:
            clean: (B, C, G, G) latents to correct.
            target: (B, C, G, G) latents of the motion that the tracks ask for.
        """
        attention = self.attention
        motion, visibility = clean.tensor_split([attention.confidence.shape[1]], dim=1)
        residual = attention.sample(target[:, : motion.shape[1]] - motion).unflatten(1, (-1, 2))
        correction = attention.spread((residual @ self.inverse).flatten(1, 2))
        corrected = motion + (self.amount * correction).view_as(motion)
        return torch.cat([corrected, visibility], dim=1)


def make_attention(track_batch: TrackBatch, weights: Tensor) -> TrackAttention:
    """The attention of cells to at most MAX_TRACKS tracks.

    Args:
        track_batch: The tracks.
        weights: (B, G*G, N), as Estimate.attention; zero for padding.
    """
    some = every_nth(track_batch.start.shape[1], MAX_TRACKS).to(weights.device)
    weights = weights[..., some].transpose(1, 2).contiguous()
    confidence = track_batch.confidence[:, some, 1:].transpose(1, 2).repeat_interleave(2, dim=1)
    coverage = (confidence @ weights).clamp(min=LEAST_COVERAGE)
    scale = weights.sum(dim=1, keepdim=True) / coverage
    return TrackAttention(track_batch.start_ndc[:, some], confidence, weights, scale)


def make_correction(attention: TrackAttention, amount: Tensor) -> TrackCorrection:
    """A correction that removes this part of the residuals.

    With A the attention of the cells where tracks start to all tracks and r the residuals, tracks
    add r, then what is still missing, (1 - A) r, and so on: (1 + (1 - A) + (1 - A)^2 + ...) r.

    Args:
        attention: Of cells to tracks.
        amount: Broadcasts over (B, F, G*G), 0..1.
    """
    confidence = attention.confidence[:, ::2]
    grid = round(attention.weights.shape[-1] ** 0.5)
    identity = torch.eye(confidence.shape[-1]).to(confidence)
    inverses = []
    for frame in range(confidence.shape[1]):
        spread = attention.weights * attention.scale[:, 2 * frame, None]
        among_tracks = attention.sample(spread.unflatten(-1, (grid, grid)))
        inverse, left = identity, identity - among_tracks * confidence[:, frame, :, None]
        for _ in range(DOUBLINGS):
            inverse, left = inverse + left @ inverse, left @ left
        inverses.append(inverse)
    return TrackCorrection(attention, torch.stack(inverses, dim=1), amount)
