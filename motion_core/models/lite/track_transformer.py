"""What tracks make of each other, before places listen to them.

Whether a place moves with a track is not told by the picture alone: a track that all others
contradict is likely to stand on something small, one that many confirm on something large.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .latents import retimed
from .track_batch import TrackBatch

# Tracks hear at most so many others, evenly chosen.
MOST_ASKED = 512
# Motion is told at so many times, whatever the number of frames.
TIMES = 6
# Channels of what is said and compared, per head.
WORD = 16
# How lengths are compressed for networks to read: displacements are linear up to about so many
# units, differences of motion up to so many, and no miss is told to be smaller than this.
SOFT_UNITS, FINE_UNITS, LEAST_MISS = 0.25, 1 / 32, 0.02
# The reach of a track is changed by at most this factor, as a logarithm.
MOST_REACH = 1.5


class TrackUncertainty(NamedTuple):
    """What the other tracks foretell of each: miss (B, H, N), the mean distance from what it does,
    units, and heard (B, H, N), how much there was to hear, 0..1."""

    miss: Tensor
    heard: Tensor


class Second(NamedTuple):
    """What places make of tracks when they listen again.

    added: (B, H, M, N) to the logits of the first round. alike: the part of it that is likeness.
    said: (B, M, H * WORD) what they heard in the first round.
    """

    added: Tensor
    alike: Tensor
    said: Tensor


class TrackTransformer(nn.Module):
    """Codes of tracks that know each other, and a second round in which places listen to them.

    At its initialisation the second round changes nothing.
    """

    def __init__(self, width: int, heads: int, code: int = 32) -> None:
        """width: of the picture's features. heads: that weigh tracks."""
        super().__init__()
        told = width + 4 * TIMES + 2 * heads + 3
        self.heads = heads
        self.tell = nn.Sequential(nn.Linear(told, 64), nn.SiLU(), nn.Linear(64, code))
        self.rounds = nn.ModuleList([TrackSelfAttention(code), TrackSelfAttention(code)])
        self.norm = nn.LayerNorm(code)
        self.say = nn.Linear(code, WORD)
        self.key = nn.Linear(code, heads * WORD)
        self.ask = nn.Sequential(
            nn.Linear(width + heads * WORD, 64), nn.SiLU(), _zero_linear(64, heads * WORD)
        )
        self.voice = _zero_linear(code, 2 * heads)

    def codes(
        self, theirs: Tensor, track_batch: TrackBatch, doubt: TrackUncertainty, asked: Tensor
    ) -> Tensor:
        """(B, N, code) of every track. theirs: (B, N, width), the picture where they start.
        asked: (K,) those that are heard."""
        moved = _sampled(track_batch.moved)
        motion = _told_motion(moved, track_batch.present)
        count = torch.log1p(track_batch.present.sum(dim=1, keepdim=True).float()) / 3
        count = count[:, None].expand(-1, theirs.shape[1], -1)
        miss = torch.log(doubt.miss + LEAST_MISS) / 2
        doubts = torch.cat([miss, doubt.heard], dim=1).transpose(1, 2)
        code = self.tell(torch.cat([theirs, motion, doubts, track_batch.spot, count], dim=-1))
        apart = _apart(moved, track_batch.place, asked)
        for one in self.rounds:
            code = one(code, apart, asked, track_batch.present[:, asked])
        return self.norm(code)

    def second(self, own: Tensor, weights: Tensor, near: Tensor, codes: Tensor) -> Second:
        """The second round of places with features own (B, M, width).

        weights: (B, H, M, N) of the first round. near: (B, H, M, N), its logits by distance, not
        positive. codes: (B, N, code).
        """
        said = (weights @ self.say(codes)[:, None]).transpose(1, 2).flatten(2)
        query = self.ask(torch.cat([own, said], dim=-1)).unflatten(-1, (self.heads, -1))
        key = self.key(codes).unflatten(-1, (self.heads, -1))
        alike = query.transpose(1, 2) @ key.permute(0, 2, 3, 1)
        bias, reach = self.voice(codes).transpose(1, 2)[:, :, None].chunk(2, dim=1)
        wider = torch.exp(-2 * MOST_REACH * torch.tanh(reach)) - 1
        return Second(alike + bias + near * wider, alike, said)


class TrackSelfAttention(nn.Module):
    """Tracks listen to tracks: by their codes, by how alike they move and how near they start."""

    def __init__(self, code: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(code), nn.LayerNorm(code)
        self.query, self.keys = nn.Linear(code, code), nn.Linear(code, 2 * code)
        self.write = nn.Linear(code, code)
        # Alike motion, nearness: (2, heads), how much a distance of each kind counts.
        self.strictness = nn.Parameter(torch.tensor([[0.5, 2.0, 0.0, 1.0], [0.0, 0.3, 1.0, 0.3]]))
        self.think = nn.Sequential(nn.Linear(code, 2 * code), nn.SiLU(), nn.Linear(2 * code, code))

    def forward(self, code: Tensor, apart: Tensor, asked: Tensor, present: Tensor) -> Tensor:
        """(B, N, code) to the same. apart: (2, B, N, K). present: (B, K) of those asked."""
        read = self.before(code)
        query = self.query(read).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = (
            one.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for one in self.keys(read[:, asked]).chunk(2, dim=-1)
        )
        bias = -torch.einsum("kh,kbnm->bhnm", self.strictness, apart)
        bias = bias.masked_fill(~present[:, None, None], -1e4)
        heard = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        code = code + self.write(heard.transpose(1, 2).flatten(2))
        return code + self.think(self.between(code))


def _sampled(moved: Tensor) -> Tensor:
    """(B, N, T, 2) to (B, N, 2 * TIMES): displacements at even times after frame 0."""
    return retimed(moved.permute(2, 0, 1, 3), TIMES + 1)[1:].permute(1, 2, 3, 0).flatten(2)


def _told_motion(moved: Tensor, present: Tensor) -> Tensor:
    """(B, N, 4 * TIMES): where tracks go, and how that differs from what all do on average.

    moved: (B, N, 2 * TIMES). present: (B, N) bool.
    """
    share = present.float()
    share = share / share.sum(dim=1, keepdim=True).clamp(min=1)
    mean = (share[..., None] * moved).sum(dim=1, keepdim=True)
    return torch.asinh(torch.cat([moved, moved - mean], dim=-1) / SOFT_UNITS)


def _apart(moved: Tensor, place: Tensor, asked: Tensor) -> Tensor:
    """(2, B, N, K): how differently tracks move, compressed, and how far apart they start.

    moved: (B, N, 2 * TIMES). place: (B, N, 2).
    """
    exact = "donot_use_mm_for_euclid_dist"
    steps = moved / TIMES**0.5
    motion = torch.cdist(steps, steps[:, asked], compute_mode=exact)
    start = torch.cdist(place, place[:, asked], compute_mode=exact)
    return torch.stack([torch.log1p(motion / FINE_UNITS), start])


def _zero_linear(width: int, out: int) -> nn.Linear:
    layer = nn.Linear(width, out)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
