"""The control encoder: learned-affinity moving least squares.

Which tracks speak for a place is learned from the picture; what they say is a closed-form fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...progress import Progress, silent
from .evidence import UNITS, Evidence
from .fit import similarity_fit, track_moments
from .layers import Attention, doubled, down, look, norm

# Attention logits are cosines times this times a learned scale.
SHARPNESS = 20.0
# At most so many attention weights are held at a time when nothing is learned.
MOST_WEIGHTS = 1 << 24


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes of the control encoder. The picture is read at `grid * 4` pixels a side."""

    grid: int = 64
    width: int = 32
    middle: int = 40
    deep: int = 56
    heads: int = 4
    head_dim: int = 16
    hidden: int = 48


class Estimate(NamedTuple):
    """What the encoder says of M places.

    moved: (B, M, T, 2) units. visible: (B, M, T) logits. error: (B, M) logarithm of the error
    it expects, units. cosine: (B, H, M, N) affinities, for the loss. shares: (B, M, N) how much
    each place listens to each track in all; what they lack of 1 says that nothing moves.
    """

    moved: Tensor
    visible: Tensor
    error: Tensor
    cosine: Tensor
    shares: Tensor


class PictureNet(nn.Module):
    """A picture (B, 3, 4G, 4G) to features (B, width, G, G)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width, middle, deep = config.width, config.middle, config.deep
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2, 1),
            norm(16),
            nn.SiLU(),
            nn.Conv2d(16, width, 4, 2, 1),
            norm(width),
            nn.SiLU(),
        )
        self.near = nn.Conv2d(width, width, 3, 1, 1)
        self.at_half = down(width, middle)
        self.at_quarter = down(middle, deep)
        self.at_eighth = down(deep, deep)
        self.around = nn.Sequential(Attention(deep), Attention(deep))
        self.to_quarter = look(deep, deep)
        self.to_half = look(deep, middle)
        self.to_full = nn.Sequential(look(middle + width, width), look(width, width))

    def forward(self, picture: Tensor) -> Tensor:
        """(B, 3, 4G, 4G) in -1..1 to (B, width, G, G)."""
        full = self.stem(picture)
        full = full + self.near(full)
        half = self.at_half(full)
        quarter = self.at_quarter(half)
        eighth = self.around(self.at_eighth(quarter))
        quarter = self.to_quarter(quarter + doubled(eighth))
        half = half + self.to_half(doubled(quarter))
        return self.to_full(torch.cat([doubled(half), full], dim=1))


class ControlEncoder(nn.Module):
    """Dense motion from a picture and tracks, in one step.

    `heads` heads weigh tracks by learned likeness and by distance, one more by distance alone
    (the smooth interpolant). Each fits a similarity per place and frame; a gate mixes them, with
    "nothing is known here, so nothing moves" as a further choice.
    """

    at: Tensor

    def __init__(self, config: EncoderConfig = EncoderConfig()) -> None:
        super().__init__()
        self.config = config
        heads, every = config.heads, config.heads + 1
        self.picture = PictureNet(config)
        self.affinity = nn.Conv2d(config.width, heads * config.head_dim, 1)
        self.sharpness = nn.Parameter(torch.full((heads,), 0.5))
        reach = torch.logspace(-2, 1.32, heads, base=2.0)
        self.reach = nn.Parameter(torch.cat([reach, torch.tensor([1.0])]).log())
        ridge = torch.linspace(0.1, 0.5, heads)
        self.ridge = nn.Parameter(torch.cat([ridge, torch.tensor([0.3])]).log())
        last = nn.Linear(config.hidden, every + 2)
        told = nn.Linear(config.width + 4 * every + 3, config.hidden)
        self.gate = nn.Sequential(told, nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        with torch.no_grad():
            last.bias.copy_(torch.tensor([0.0] * heads + [-1.0, -3.0, -1.0]))
        self.seeing = nn.Parameter(torch.tensor([4.0, 0.0, 4.0]))
        axis = (torch.arange(config.grid) + 0.5) / config.grid * 2 - 1
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).view(-1, 2)
        self.register_buffer("at", grid, persistent=False)

    def features(self, picture: Tensor) -> Tensor:
        """(B, 3, 4G, 4G) in -1..1 to (B, width, G, G): what depends on the picture alone."""
        return self.picture(picture)

    def forward(
        self, features: Tensor, evidence: Evidence, cells: Tensor, half: Tensor
    ) -> Estimate:
        """The motion of cells (B, M) of the grid, numbered row by row.

        half: (2,) units from the middle of the canvas to its right and to its bottom.
        """
        spot = self.at[cells]
        here = features.flatten(2).transpose(1, 2)
        own = here.gather(1, cells[..., None].expand(-1, -1, here.shape[-1]))
        at = spot * half
        logits, cosine = self._logits(features, own, at, evidence)
        weights = logits.softmax(dim=-1) * evidence.present.any(dim=1)[:, None, None, None]
        moments = track_moments(evidence.place, evidence.moved, evidence.trust)
        moved, heard = similarity_fit(weights, moments, at, self.ridge.exp())
        gates, error = self._gates(own, (logits, weights, moved, heard), evidence)
        by_head = gates[..., :-1].transpose(1, 2)[..., None]
        mixed = (by_head[..., None] * moved).sum(dim=1)
        seen = (by_head * heard).sum(dim=1) + gates[..., -1:]
        shares = (by_head * weights).sum(dim=1)
        return Estimate(mixed, self._visible(seen, mixed, at, half), error, cosine, shares)

    def _logits(
        self, features: Tensor, own: Tensor, at: Tensor, evidence: Evidence
    ) -> tuple[Tensor, Tensor]:
        heads, dim = self.config.heads, self.config.head_dim
        batch, places = own.shape[:2]
        matrix, bias = self.affinity.weight.flatten(1), self.affinity.bias
        theirs = functional.grid_sample(
            features, evidence.spot[:, :, None], padding_mode="border", align_corners=False
        )[..., 0].transpose(1, 2)
        query = functional.linear(own, matrix, bias).view(batch, places, heads, dim)
        key = functional.linear(theirs, matrix, bias).view(batch, -1, heads, dim)
        query, key = (functional.normalize(part, dim=-1).transpose(1, 2) for part in (query, key))
        cosine = query @ key.transpose(-1, -2)
        apart = torch.cdist(at, evidence.place, compute_mode="donot_use_mm_for_euclid_dist") ** 2
        near = -apart[:, None] * (0.5 * torch.exp(-2 * self.reach)).view(1, -1, 1, 1)
        alike = cosine * (self.sharpness * SHARPNESS).view(1, -1, 1, 1)
        logits = torch.cat([near[:, :heads] + alike, near[:, heads:]], dim=1)
        return logits.masked_fill(~evidence.present[:, None, None], -1e4), cosine

    def _gates(
        self, own: Tensor, heads: tuple[Tensor, Tensor, Tensor, Tensor], evidence: Evidence
    ) -> tuple[Tensor, Tensor]:
        """(B, M, heads + 2) shares, the last of "nothing moves", and the error (B, M)."""
        logits, weights, moved, heard = heads
        best = logits.amax(dim=-1).clamp(min=-30) / 10
        focus = (weights * weights).sum(dim=-1)
        dissent = (moved - moved[:, -1:]).abs().mean(dim=(-1, -2)).clamp(max=4)
        per_head = torch.cat([best, focus, heard.mean(dim=-1), dissent], dim=1).transpose(1, 2)
        told = torch.cat([own, per_head, self._overview(evidence, own.shape[1])], dim=-1)
        out = self.gate(told)
        return out[..., :-1].softmax(dim=-1), out[..., -1]

    @staticmethod
    def _overview(evidence: Evidence, places: int) -> Tensor:
        """(B, M, 3) what all tracks say together: how many, how scattered, how fast."""
        present = evidence.present.to(evidence.place.dtype)
        count = present.sum(dim=1, keepdim=True)
        share = present / count.clamp(min=1)
        mean = (share[..., None] * evidence.place).sum(dim=1, keepdim=True)
        scatter = (share * (evidence.place - mean).norm(dim=-1)).sum(dim=1, keepdim=True)
        speed = (share * evidence.moved.norm(dim=-1).mean(dim=-1)).sum(dim=1, keepdim=True)
        told = torch.cat([torch.log1p(count) / 3, scatter / 2, speed.clamp(max=4)], dim=1)
        return told[:, None].expand(-1, places, -1)

    def _visible(self, seen: Tensor, moved: Tensor, at: Tensor, half: Tensor) -> Tensor:
        """(B, M, T) logits: as visible as the tracks that speak, and not outside the canvas."""
        outside = ((at[:, :, None] + moved).abs() - half).clamp(min=0).sum(dim=-1)
        slope, bias, leaving = self.seeing
        return (seen * 2 - 1) * slope + bias - outside * leaving * UNITS


def same_layer_logits(cosine: Tensor) -> Tensor:
    """Log odds that two places belong to one layer, from their likeness -1..1, the mean over heads;
    the encoder is trained for it."""
    return 8 * cosine - 3


def whole_field(
    encoder: ControlEncoder,
    features: Tensor,
    evidence: Evidence,
    half: Tensor,
    progress: Progress = silent,
) -> Estimate:
    """The estimate at every cell of the grid, in pieces that bound memory; without gradients.

    Its `cosine` is empty. progress is called per piece. Returns moved (B, G*G, T, 2) and so on.
    """
    total = encoder.config.grid**2
    batch, tracks = evidence.present.shape
    frames = evidence.trust.shape[-1]
    row = batch * (encoder.config.heads + 1) * max(tracks, 10 * frames)
    step = max(1, min(total, MOST_WEIGHTS // max(row, 1)))
    parts = []
    with torch.no_grad():
        for start in range(0, total, step):
            cells = torch.arange(start, min(start + step, total), device=features.device)
            part = encoder(features, evidence, cells.expand(batch, -1), half)
            parts.append((part.moved, part.visible, part.error, part.shares))
            progress(min(start + step, total), total)
    whole = (torch.cat(column, dim=1) for column in zip(*parts, strict=True))
    moved, visible, error, shares = whole
    return Estimate(moved, visible, error, moved.new_zeros(batch, 0, total, tracks), shares)
