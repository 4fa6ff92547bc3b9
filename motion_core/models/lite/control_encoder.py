"""The control encoder: moving least squares whose weights are learned from the picture.

Attention decides which tracks count for a cell; a closed-form fit turns them into motion.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...progress import Progress, silent
from ...tracks.start import every_nth
from .image_encoder import EncoderConfig, ImageEncoder, same_layer_logits
from .similarity_fit import similarity_fit, track_moments
from .track_batch import UNITS, TrackBatch
from .track_transformer import HEAD_DIM, MAX_KEY_TRACKS, TrackTransformer, TrackUncertainty

# Attention logits are cosines times this times a learned scale.
COSINE_SCALE = 20.0
# Without gradients, at most this many attention weights are held at a time.
MAX_WEIGHTS = 1 << 22


class Estimate(NamedTuple):
    """Motion of M cells.

    Attributes:
        displacement: (B, M, T, 2) units.
        visible: (B, M, T) logits.
        error: (B, M) logarithm of the expected error in units.
        affinity: (B, M, N) log odds that cell and track are on one layer, for the loss.
        attention: (B, M, N) total attention of each cell to each track. The remainder of a row to 1
            is the weight of "nothing moves".
    """

    displacement: Tensor
    visible: Tensor
    error: Tensor
    affinity: Tensor
    attention: Tensor


class EncodedTracks(NamedTuple):
    """Encodings of tracks, the same for every cell.

    Attributes:
        key: (B, H, N, D) codes of the picture where tracks start.
        moments: (B, N, 8, T), see similarity_fit.track_moments.
        codes: (B, N, C), see TrackTransformer.codes.
    """

    key: Tensor
    moments: Tensor
    codes: Tensor


class ControlEncoder(ImageEncoder):
    """Dense motion from a picture and tracks, in one step.

    `heads` heads weigh tracks by learned affinity and by distance, one more by distance alone (the
    smooth interpolant). A second pass repeats this with codes of tracks that have attended to each
    other. Each head fits a similarity per cell and frame. A gate mixes them with a further choice,
    "nothing moves".
    """

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__(config)
        config = self.config
        heads, all_heads = config.heads, config.heads + 1
        self.logit_scale = nn.Parameter(torch.full((heads,), 0.5))
        sigma = torch.logspace(-2, 1.32, heads, base=2.0)
        self.log_sigma = nn.Parameter(torch.cat([sigma, torch.tensor([1.0])]).log())
        ridge = torch.linspace(0.1, 0.5, heads)
        self.log_ridge = nn.Parameter(torch.cat([ridge, torch.tensor([0.3])]).log())
        last = nn.Linear(config.hidden, all_heads + 2)
        first = nn.Linear(config.width + 4 * all_heads + 3, config.hidden)
        self.gate = nn.Sequential(first, nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        with torch.no_grad():
            last.bias.copy_(torch.tensor([0.0] * heads + [-1.0, -3.0, -1.0]))
        self.track_transformer = TrackTransformer(config.width, all_heads)
        self.context_proj = nn.Linear(all_heads * HEAD_DIM, config.hidden, bias=False)
        nn.init.zeros_(self.context_proj.weight)
        # Slope and bias of visibility, and its loss per unit beyond the canvas.
        self.visibility_coefficients = nn.Parameter(torch.tensor([4.0, 0.0, 4.0]))

    def encode_tracks(self, features: Tensor, track_batch: TrackBatch) -> EncodedTracks:
        """What does not depend on the cells; computed once per picture and tracks.

        Args:
            features: (B, width, G, G) of the pictures.
            track_batch: B track sets.
        """
        sampled = functional.grid_sample(
            features, track_batch.start_ndc[:, :, None], padding_mode="border", align_corners=False
        )
        track_features = sampled[..., 0].transpose(1, 2)
        key = self.codes(track_features)
        moments = track_moments(track_batch.start, track_batch.displacement, track_batch.confidence)
        keys = every_nth(track_features.shape[1], MAX_KEY_TRACKS).to(track_features.device)
        uncertainty = self._track_uncertainty(key, moments, track_batch, keys)
        codes = self.track_transformer.codes(track_features, track_batch, uncertainty, keys)
        return EncodedTracks(key, moments, codes)

    def forward(
        self,
        features: Tensor,
        track_batch: TrackBatch,
        cells: Tensor,
        half: Tensor,
        encoded_tracks: EncodedTracks | None = None,
    ) -> Estimate:
        """The motion of cells.

        Args:
            features: (B, width, G, G) of the pictures.
            track_batch: B track sets.
            cells: (B, M) cells of the grid, numbered row by row.
            half: (2,) units from the middle of the canvas to its right and to its bottom.
            encoded_tracks: Of these features and tracks, if they are known already.
        """
        tracks = encoded_tracks
        if tracks is None:
            tracks = self.encode_tracks(features, track_batch)
        flat = features.flatten(2).transpose(1, 2)
        own = flat.gather(1, cells[..., None].expand(-1, -1, flat.shape[-1]))
        centres = self.cell_centres[cells] * half
        by_distance = self._distance_logits(centres, track_batch.start)
        cosine = self.codes(own) @ tracks.key.transpose(-1, -2)
        valid = track_batch.valid[:, None, None]
        first = self._logits(by_distance, cosine)
        second = self.track_transformer.second_pass(
            own, _masked_softmax(first, valid), by_distance, tracks.codes
        )
        logits = first + second.logits
        weights = _masked_softmax(logits, valid)
        moved, coverage = similarity_fit(weights, tracks.moments, centres, self.log_ridge.exp())
        best = logits.masked_fill(~valid, -torch.inf).amax(dim=-1)
        heads = (best, weights, moved, coverage)
        gates, error = self._gates(own, second.context, heads, track_batch)
        by_head = gates[..., :-1].transpose(1, 2)[..., None]
        mixed = (by_head[..., None] * moved).sum(dim=1)
        visible = (by_head * coverage).sum(dim=1) + gates[..., -1:]
        attention = (by_head * weights).sum(dim=1)
        affinity = same_layer_logits(cosine.mean(dim=1)) + second.affinity.mean(dim=1)
        logits = self._visibility_logits(visible, mixed, centres, half)
        return Estimate(mixed, logits, error, affinity, attention)

    def _distance_logits(self, centres: Tensor, start: Tensor) -> Tensor:
        """(B, H + 1, M, N) Gaussian logits of the distance between cells and starts of tracks."""
        exact = "donot_use_mm_for_euclid_dist"
        squared = torch.cdist(centres, start, compute_mode=exact) ** 2
        return -squared[:, None] * (0.5 * torch.exp(-2 * self.log_sigma)).view(1, -1, 1, 1)

    def _logits(self, by_distance: Tensor, cosine: Tensor) -> Tensor:
        """By distance and affinity; those of the last head by distance alone."""
        by_affinity = cosine * (self.logit_scale * COSINE_SCALE).view(1, -1, 1, 1)
        heads = self.config.heads
        return torch.cat([by_distance[:, :heads] + by_affinity, by_distance[:, heads:]], dim=1)

    def _track_uncertainty(
        self, key: Tensor, moments: Tensor, track_batch: TrackBatch, keys: Tensor
    ) -> TrackUncertainty:
        """How well the other tracks predict each track, head by head. keys: (K,) the others."""
        start = track_batch.start
        itself = keys == torch.arange(start.shape[1], device=keys.device)[:, None]
        counts = (track_batch.valid[:, None, keys] & ~itself)[:, None]
        cosine = key @ key[:, :, keys].transpose(-1, -2)
        logits = self._logits(self._distance_logits(start, start[:, keys]), cosine)
        weights = _masked_softmax(logits, counts)
        moved, coverage = similarity_fit(weights, moments[:, keys], start, self.log_ridge.exp())
        confidence = track_batch.confidence[:, None]
        distance = (moved - track_batch.displacement[:, None]).norm(dim=-1)
        residual = (distance * confidence).sum(dim=-1)
        residual = residual / confidence.sum(dim=-1).clamp(min=1e-3)
        return TrackUncertainty(residual, coverage.mean(dim=-1))

    def _gates(
        self,
        own: Tensor,
        context: Tensor,
        heads: tuple[Tensor, Tensor, Tensor, Tensor],
        track_batch: TrackBatch,
    ) -> tuple[Tensor, Tensor]:
        """(B, M, heads + 2) shares, the last of "nothing moves", and the error (B, M)."""
        best, weights, moved, coverage = heads
        focus = (weights * weights).sum(dim=-1)
        dissent = (moved - moved[:, -1:]).abs().mean(dim=(-1, -2)).clamp(max=4)
        best = best.clamp(min=-30) / 10
        per_head = torch.cat([best, focus, coverage.mean(dim=-1), dissent], dim=1).transpose(1, 2)
        summary = self._summary(track_batch, own.shape[1])
        hidden = self.gate[0](torch.cat([own, per_head, summary], dim=-1))
        out = self.gate[1:](hidden + self.context_proj(context))
        return out[..., :-1].softmax(dim=-1), out[..., -1]

    @staticmethod
    def _summary(track_batch: TrackBatch, cells: int) -> Tensor:
        """(B, M, 3): number, spread and speed of all tracks, the same for every cell."""
        valid = track_batch.valid.to(track_batch.start.dtype)
        count = valid.sum(dim=1, keepdim=True)
        share = valid / count.clamp(min=1)
        mean = (share[..., None] * track_batch.start).sum(dim=1, keepdim=True)
        spread = (share * (track_batch.start - mean).norm(dim=-1)).sum(dim=1, keepdim=True)
        speeds = track_batch.displacement.norm(dim=-1).mean(dim=-1)
        speed = (share * speeds).sum(dim=1, keepdim=True)
        summary = torch.cat([torch.log1p(count) / 3, spread / 2, speed.clamp(max=4)], dim=1)
        return summary[:, None].expand(-1, cells, -1)

    def _visibility_logits(
        self, visible: Tensor, moved: Tensor, centres: Tensor, half: Tensor
    ) -> Tensor:
        """(B, M, T): as visible as the tracks that count, less so outside the canvas."""
        outside = ((centres[:, :, None] + moved).abs() - half).clamp(min=0).sum(dim=-1)
        slope, bias, leaving = self.visibility_coefficients
        return (visible * 2 - 1) * slope + bias - outside * leaving * UNITS


def _masked_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the tracks where the mask is True; zeros where it is True for none."""
    weights = logits.masked_fill(~mask, torch.finfo(logits.dtype).min).softmax(dim=-1)
    return weights * mask.any(dim=-1, keepdim=True)


def estimate_field(
    encoder: ControlEncoder,
    features: Tensor,
    track_batch: TrackBatch,
    half: Tensor,
    progress: Progress = silent,
) -> Estimate:
    """The estimate at every cell of the grid, without gradients, in pieces that bound memory.

    Args:
        encoder: Makes the estimates.
        features: (B, width, G, G) of the pictures.
        track_batch: B track sets.
        half: (2,) units from the middle of the canvas to its right and to its bottom.
        progress: Called per piece.

    Returns:
        Displacements (B, G*G, T, 2) and so on; `affinity` is empty.
    """
    total = encoder.config.grid**2
    batch, tracks = track_batch.valid.shape
    frames = track_batch.confidence.shape[-1]
    row = batch * (encoder.config.heads + 1) * max(tracks, 10 * frames)
    step = max(1, min(total, MAX_WEIGHTS // max(row, 1)))
    parts = []
    with torch.no_grad():
        encoded = encoder.encode_tracks(features, track_batch)
        for start in range(0, total, step):
            cells = torch.arange(start, min(start + step, total), device=features.device)
            part = encoder(features, track_batch, cells.expand(batch, -1), half, encoded)
            parts.append((part.displacement, part.visible, part.error, part.attention))
            progress(min(start + step, total), total)
    whole = (torch.cat(column, dim=1) for column in zip(*parts, strict=True))
    displacement, visible, error, attention = whole
    affinity = displacement.new_zeros(batch, total, 0)
    return Estimate(displacement, visible, error, affinity, attention)
