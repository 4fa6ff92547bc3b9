"""Attention among tracks, and the second pass in which cells attend to tracks.

The picture alone does not decide whether a cell moves with a track. A track that all others
contradict is likely to lie on something small, one that many confirm on something large.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .latents import resample_frames
from .track_batch import TrackBatch

# Tracks attend to at most this many tracks, chosen evenly.
MAX_KEY_TRACKS = 512
# Motion is sampled at this many times, whatever the number of frames.
TIMES = 6
# Channels of values and keys per head.
HEAD_DIM = 16
# Compression of lengths that networks read: displacements are linear up to about SOFT_UNITS,
# differences of motion up to FINE_UNITS, and residuals below LEAST_RESIDUAL look the same.
SOFT_UNITS, FINE_UNITS, LEAST_RESIDUAL = 0.25, 1 / 32, 0.02
# The reach of a track changes by at most this factor, as a logarithm.
MAX_LOG_REACH = 1.5


class TrackUncertainty(NamedTuple):
    """How well the other tracks predict each track.

    Attributes:
        residual: (B, H, N) mean distance between prediction and track, units.
        coverage: (B, H, N) 0..1, confidence-weighted fraction of the tracks that the prediction
            rests on.
    """

    residual: Tensor
    coverage: Tensor


class SecondPass(NamedTuple):
    """What the second attention of cells to tracks adds to the first.

    Attributes:
        logits: (B, H, M, N) added to the logits of the first pass.
        affinity: (B, H, M, N) the part of `logits` that compares cells and tracks.
        context: (B, M, H * HEAD_DIM) values that cells gathered in the first pass.
    """

    logits: Tensor
    affinity: Tensor
    context: Tensor


class TrackTransformer(nn.Module):
    """Codes of tracks that attend to each other, and a second pass in which cells attend to them.

    At initialisation the second pass changes nothing.
    """

    def __init__(self, width: int, heads: int, code: int = 32) -> None:
        """
        Args:
            width: Channels of the picture's features.
            heads: Attention heads of the cells.
            code: Channels of a track's code.
        """
        super().__init__()
        channels = width + 4 * TIMES + 2 * heads + 3
        self.heads = heads
        self.embed = nn.Sequential(nn.Linear(channels, 64), nn.SiLU(), nn.Linear(64, code))
        self.layers = nn.ModuleList([TrackSelfAttention(code), TrackSelfAttention(code)])
        self.norm = nn.LayerNorm(code)
        self.value = nn.Linear(code, HEAD_DIM)
        self.key = nn.Linear(code, heads * HEAD_DIM)
        self.query = nn.Sequential(
            nn.Linear(width + heads * HEAD_DIM, 64), nn.SiLU(), _zero_linear(64, heads * HEAD_DIM)
        )
        self.modulation = _zero_linear(code, 2 * heads)

    def codes(
        self,
        track_features: Tensor,
        track_batch: TrackBatch,
        uncertainty: TrackUncertainty,
        keys: Tensor,
    ) -> Tensor:
        """(B, N, code) codes of all tracks.

        Args:
            track_features: (B, N, width) features of the picture where tracks start.
            track_batch: The tracks.
            uncertainty: How well the other tracks predict each of them.
            keys: (K,) indices of the tracks that are attended to.
        """
        motion = _sampled_motion(track_batch.displacement)
        compressed = _compressed_motion(motion, track_batch.valid)
        count = torch.log1p(track_batch.valid.sum(dim=1, keepdim=True).float()) / 3
        count = count[:, None].expand(-1, track_features.shape[1], -1)
        residual = torch.log(uncertainty.residual + LEAST_RESIDUAL) / 2
        predicted = torch.cat([residual, uncertainty.coverage], dim=1).transpose(1, 2)
        inputs = [track_features, compressed, predicted, track_batch.start_ndc, count]
        code = self.embed(torch.cat(inputs, dim=-1))
        distances = _distances(motion, track_batch.start, keys)
        for layer in self.layers:
            code = layer(code, distances, keys, track_batch.valid[:, keys])
        return self.norm(code)

    def second_pass(
        self, cell_features: Tensor, weights: Tensor, distance_logits: Tensor, codes: Tensor
    ) -> SecondPass:
        """The second attention of cells to tracks.

        Args:
            cell_features: (B, M, width).
            weights: (B, H, M, N) attention of the first pass.
            distance_logits: (B, H, M, N) its logits by distance, not positive.
            codes: (B, N, code) of the tracks.
        """
        context = (weights @ self.value(codes)[:, None]).transpose(1, 2).flatten(2)
        query = self.query(torch.cat([cell_features, context], dim=-1))
        query = query.unflatten(-1, (self.heads, -1))
        key = self.key(codes).unflatten(-1, (self.heads, -1))
        affinity = query.transpose(1, 2) @ key.permute(0, 2, 3, 1)
        bias, reach = self.modulation(codes).transpose(1, 2)[:, :, None].chunk(2, dim=1)
        wider = torch.exp(-2 * MAX_LOG_REACH * torch.tanh(reach)) - 1
        return SecondPass(affinity + bias + distance_logits * wider, affinity, context)


class TrackSelfAttention(nn.Module):
    """Tracks attend to tracks by their codes, by similar motion and by nearness."""

    def __init__(self, code: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(code), nn.LayerNorm(code)
        self.query, self.key_value = nn.Linear(code, code), nn.Linear(code, 2 * code)
        self.out = nn.Linear(code, code)
        # (2, heads): how much a difference of motion and a distance of starts count.
        self.distance_scale = nn.Parameter(
            torch.tensor([[0.5, 2.0, 0.0, 1.0], [0.0, 0.3, 1.0, 0.3]])
        )
        self.mlp = nn.Sequential(nn.Linear(code, 2 * code), nn.SiLU(), nn.Linear(2 * code, code))

    def forward(self, code: Tensor, distances: Tensor, keys: Tensor, valid: Tensor) -> Tensor:
        """(B, N, code) to the same.

        Args:
            code: (B, N, code).
            distances: (2, B, N, K), see `_distances`.
            keys: (K,) indices of the tracks that are attended to.
            valid: (B, K) bool, False for padding among them.
        """
        normed = self.norm1(code)
        query = self.query(normed).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.key_value(normed[:, keys]).chunk(2, dim=-1)
        )
        bias = -torch.einsum("kh,kbnm->bhnm", self.distance_scale, distances)
        bias = bias.masked_fill(~valid[:, None, None], -1e4)
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        code = code + self.out(attended.transpose(1, 2).flatten(2))
        return code + self.mlp(self.norm2(code))


def _sampled_motion(displacement: Tensor) -> Tensor:
    """(B, N, T, 2) to (B, N, 2 * TIMES): displacements at even times after frame 0."""
    return (
        resample_frames(displacement.permute(2, 0, 1, 3), TIMES + 1)[1:]
        .permute(1, 2, 3, 0)
        .flatten(2)
    )


def _compressed_motion(motion: Tensor, valid: Tensor) -> Tensor:
    """(B, N, 4 * TIMES): motion of tracks, and its difference from the mean of all, compressed.

    motion: (B, N, 2 * TIMES). valid: (B, N) bool.
    """
    share = valid.float()
    share = share / share.sum(dim=1, keepdim=True).clamp(min=1)
    mean = (share[..., None] * motion).sum(dim=1, keepdim=True)
    return torch.asinh(torch.cat([motion, motion - mean], dim=-1) / SOFT_UNITS)


def _distances(motion: Tensor, start: Tensor, keys: Tensor) -> Tensor:
    """(2, B, N, K): difference of motion, compressed, and distance between starts, units.

    motion: (B, N, 2 * TIMES). start: (B, N, 2). keys: (K,).
    """
    exact = "donot_use_mm_for_euclid_dist"
    steps = motion / TIMES**0.5
    apart = torch.cdist(steps, steps[:, keys], compute_mode=exact)
    between_starts = torch.cdist(start, start[:, keys], compute_mode=exact)
    return torch.stack([torch.log1p(apart / FINE_UNITS), between_starts])


def _zero_linear(width: int, out: int) -> nn.Linear:
    layer = nn.Linear(width, out)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
