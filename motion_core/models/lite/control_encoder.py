"""The control encoder: learned-affinity moving least squares.

Which tracks speak for a place is learned from the picture; what they say is a closed-form fit.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...progress import Progress, silent
from .image_encoder import EncoderConfig, ImageEncoder, same_layer_logits
from .similarity_fit import similarity_fit, track_moments
from .track_batch import UNITS, TrackBatch, every_nth
from .track_transformer import MOST_ASKED, WORD, TrackTransformer, TrackUncertainty

# Attention logits are cosines times this times a learned scale.
SHARPNESS = 20.0
# At most so many attention weights are held at a time when nothing is learned.
MOST_WEIGHTS = 1 << 24


class Estimate(NamedTuple):
    """What the encoder says of M places.

    moved: (B, M, T, 2) units. visible: (B, M, T) logits. error: (B, M) logarithm of the error
    it expects, units. alike: (B, M, N) log odds that place and track are on one layer, for the
    loss. shares: (B, M, N) how much each place listens to each track in all; what they lack of 1
    says that nothing moves.
    """

    moved: Tensor
    visible: Tensor
    error: Tensor
    alike: Tensor
    shares: Tensor


class EncodedTracks(NamedTuple):
    """What tracks bring along, whatever place asks.

    key: (B, H, N, D) what the picture is where they start. moments: (B, N, 8, T), see fit.py.
    codes: (B, N, C), see accord.py.
    """

    key: Tensor
    moments: Tensor
    codes: Tensor


class ControlEncoder(ImageEncoder):
    """Dense motion from a picture and tracks, in one step.

    `heads` heads weigh tracks by learned likeness and by distance, one more by distance alone
    (the smooth interpolant); then once more, knowing what tracks make of each other. Each fits a
    similarity per place and frame; a gate mixes them, with "nothing is known here, so nothing
    moves" as a further choice.
    """

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__(config)
        config = self.config
        heads, every = config.heads, config.heads + 1
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
        self.accord = TrackTransformer(config.width, every)
        self.rumour = nn.Linear(every * WORD, config.hidden, bias=False)
        nn.init.zeros_(self.rumour.weight)
        self.seeing = nn.Parameter(torch.tensor([4.0, 0.0, 4.0]))

    def encoded_tracks(self, features: Tensor, track_batch: TrackBatch) -> EncodedTracks:
        """What does not depend on the places that ask, once per picture and tracks."""
        theirs = functional.grid_sample(
            features, track_batch.spot[:, :, None], padding_mode="border", align_corners=False
        )[..., 0].transpose(1, 2)
        key = self.codes(theirs)
        moments = track_moments(track_batch.place, track_batch.moved, track_batch.trust)
        asked = every_nth(theirs.shape[1], MOST_ASKED).to(theirs.device)
        doubt = self._doubt(key, moments, track_batch, asked)
        return EncodedTracks(key, moments, self.accord.codes(theirs, track_batch, doubt, asked))

    def forward(
        self,
        features: Tensor,
        track_batch: TrackBatch,
        cells: Tensor,
        half: Tensor,
        encoded_tracks: EncodedTracks | None = None,
    ) -> Estimate:
        """The motion of cells (B, M) of the grid, numbered row by row.

        half: (2,) units from the middle of the canvas to its right and to its bottom. witnesses:
        of these features and this evidence, if they are known already.
        """
        told = (
            self.encoded_tracks(features, track_batch) if encoded_tracks is None else encoded_tracks
        )
        spot = self.at[cells]
        here = features.flatten(2).transpose(1, 2)
        own = here.gather(1, cells[..., None].expand(-1, -1, here.shape[-1]))
        at = spot * half
        near, cosine = (
            self._near(at, track_batch.place),
            self.codes(own) @ told.key.transpose(-1, -2),
        )
        present = track_batch.present[:, None, None]
        first = self._logits(near, cosine)
        second = self.accord.second(own, _shares(first, present), near, told.codes)
        logits = first + second.added
        weights = _shares(logits, present)
        moved, heard = similarity_fit(weights, told.moments, at, self.ridge.exp())
        best = logits.masked_fill(~present, -torch.inf).amax(dim=-1)
        gates, error = self._gates(own, second.said, (best, weights, moved, heard), track_batch)
        by_head = gates[..., :-1].transpose(1, 2)[..., None]
        mixed = (by_head[..., None] * moved).sum(dim=1)
        seen = (by_head * heard).sum(dim=1) + gates[..., -1:]
        shares = (by_head * weights).sum(dim=1)
        odds = same_layer_logits(cosine.mean(dim=1)) + second.alike.mean(dim=1)
        return Estimate(mixed, self._visible(seen, mixed, at, half), error, odds, shares)

    def _near(self, at: Tensor, place: Tensor) -> Tensor:
        """(B, H + 1, M, N) logits by distance."""
        apart = torch.cdist(at, place, compute_mode="donot_use_mm_for_euclid_dist") ** 2
        return -apart[:, None] * (0.5 * torch.exp(-2 * self.reach)).view(1, -1, 1, 1)

    def _logits(self, near: Tensor, cosine: Tensor) -> Tensor:
        """By distance and likeness; of the last head by distance alone."""
        alike = cosine * (self.sharpness * SHARPNESS).view(1, -1, 1, 1)
        heads = self.config.heads
        return torch.cat([near[:, :heads] + alike, near[:, heads:]], dim=1)

    def _doubt(
        self, key: Tensor, moments: Tensor, track_batch: TrackBatch, asked: Tensor
    ) -> TrackUncertainty:
        """How far the other tracks miss each of them, head by head."""
        place = track_batch.place
        itself = asked == torch.arange(place.shape[1], device=asked.device)[:, None]
        counts = (track_batch.present[:, None, asked] & ~itself)[:, None]
        cosine = key @ key[:, :, asked].transpose(-1, -2)
        logits = self._logits(self._near(place, place[:, asked]), cosine)
        weights = _shares(logits, counts)
        moved, heard = similarity_fit(weights, moments[:, asked], place, self.ridge.exp())
        trust = track_batch.trust[:, None]
        miss = ((moved - track_batch.moved[:, None]).norm(dim=-1) * trust).sum(dim=-1)
        return TrackUncertainty(miss / trust.sum(dim=-1).clamp(min=1e-3), heard.mean(dim=-1))

    def _gates(
        self,
        own: Tensor,
        said: Tensor,
        heads: tuple[Tensor, Tensor, Tensor, Tensor],
        track_batch: TrackBatch,
    ) -> tuple[Tensor, Tensor]:
        """(B, M, heads + 2) shares, the last of "nothing moves", and the error (B, M)."""
        best, weights, moved, heard = heads
        focus = (weights * weights).sum(dim=-1)
        dissent = (moved - moved[:, -1:]).abs().mean(dim=(-1, -2)).clamp(max=4)
        best = best.clamp(min=-30) / 10
        per_head = torch.cat([best, focus, heard.mean(dim=-1), dissent], dim=1).transpose(1, 2)
        told = torch.cat([own, per_head, self._overview(track_batch, own.shape[1])], dim=-1)
        out = self.gate[1:](self.gate[0](told) + self.rumour(said))
        return out[..., :-1].softmax(dim=-1), out[..., -1]

    @staticmethod
    def _overview(track_batch: TrackBatch, places: int) -> Tensor:
        """(B, M, 3) what all tracks say together: how many, how scattered, how fast."""
        present = track_batch.present.to(track_batch.place.dtype)
        count = present.sum(dim=1, keepdim=True)
        share = present / count.clamp(min=1)
        mean = (share[..., None] * track_batch.place).sum(dim=1, keepdim=True)
        scatter = (share * (track_batch.place - mean).norm(dim=-1)).sum(dim=1, keepdim=True)
        speed = (share * track_batch.moved.norm(dim=-1).mean(dim=-1)).sum(dim=1, keepdim=True)
        told = torch.cat([torch.log1p(count) / 3, scatter / 2, speed.clamp(max=4)], dim=1)
        return told[:, None].expand(-1, places, -1)

    def _visible(self, seen: Tensor, moved: Tensor, at: Tensor, half: Tensor) -> Tensor:
        """(B, M, T) logits: as visible as the tracks that speak, and not outside the canvas."""
        outside = ((at[:, :, None] + moved).abs() - half).clamp(min=0).sum(dim=-1)
        slope, bias, leaving = self.seeing
        return (seen * 2 - 1) * slope + bias - outside * leaving * UNITS


def _shares(logits: Tensor, counts: Tensor) -> Tensor:
    """Softmax over the tracks that count; zeros where none does."""
    shares = logits.masked_fill(~counts, torch.finfo(logits.dtype).min).softmax(dim=-1)
    return shares * counts.any(dim=-1, keepdim=True)


def estimate_field(
    encoder: ControlEncoder,
    features: Tensor,
    track_batch: TrackBatch,
    half: Tensor,
    progress: Progress = silent,
) -> Estimate:
    """The estimate at every cell of the grid, in pieces that bound memory; without gradients.

    Its `alike` is empty. progress is called per piece. Returns moved (B, G*G, T, 2) and so on.
    """
    total = encoder.config.grid**2
    batch, tracks = track_batch.present.shape
    frames = track_batch.trust.shape[-1]
    row = batch * (encoder.config.heads + 1) * max(tracks, 10 * frames)
    step = max(1, min(total, MOST_WEIGHTS // max(row, 1)))
    parts = []
    with torch.no_grad():
        told = encoder.encoded_tracks(features, track_batch)
        for start in range(0, total, step):
            cells = torch.arange(start, min(start + step, total), device=features.device)
            part = encoder(features, track_batch, cells.expand(batch, -1), half, told)
            parts.append((part.moved, part.visible, part.error, part.shares))
            progress(min(start + step, total), total)
    whole = (torch.cat(column, dim=1) for column in zip(*parts, strict=True))
    moved, visible, error, shares = whole
    return Estimate(moved, visible, error, moved.new_zeros(batch, total, 0), shares)
