"""Motion held to tracks: what misses the answer where they start is mended wherever they speak."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .track_batch import TrackBatch, every_nth

# More tracks than this hold nothing that these do not.
MOST_HOLDING = 256
LEAST_HEARD = 1e-6
# A miss is mended in two to the power of so many rounds: what neighbours take from each other in
# one is left to the next.
DOUBLINGS = 4


@dataclass(frozen=True, eq=False)
class TrackAttention:
    """Which places listen to which tracks.

    spot: (B, N, 2) starts of tracks, -1..1 across the canvas. trust: (B, F, N) 0..1, little where a
    track is not seen, F = 2 (T - 1) channels of motion. shares: (B, N, G*G) how much each place
    listens to each track. scale: (B, F, G*G): with m said by tracks, t trust, s shares, a place
    hears sum(s) sum(s t m) / sum(s t), the mean of what it listens to: scale times sum(s t m).
    """

    spot: Tensor
    trust: Tensor
    shares: Tensor
    scale: Tensor

    def any_heard(self) -> Tensor:
        """(B, 1, 1, 1): 1 where some place listens to some track, else 0."""
        return (self.shares > 0).any(dim=2).any(dim=1).to(self.trust).view(-1, 1, 1, 1)

    def read(self, maps: Tensor) -> Tensor:
        """(B, C, N) of maps (B, C, G, G) where tracks start."""
        found = functional.grid_sample(
            maps, self.spot[:, :, None], padding_mode="border", align_corners=False
        )
        return found[..., 0]

    def heard(self, said: Tensor) -> Tensor:
        """(B, F, G*G) what places hear when tracks say (B, F, N)."""
        return ((self.trust * said) @ self.shares) * self.scale


@dataclass(frozen=True, eq=False)
class TrackCorrection:
    """How firmly tracks hold latents.

    mend: (B, F / 2, N, N) what each track (columns) has to say to every miss (rows), frame by
    frame, so that what is heard where tracks start is what is missed there. amount: broadcasts
    over (B, F, G*G); the part of a miss that is mended, 0..1.
    """

    attention: TrackAttention
    mend: Tensor
    amount: Tensor

    def held(self, clean: Tensor, answer: Tensor) -> Tensor:
        """Clean latents that agree with the answer at the tracks and are themselves apart from
        that. Both (B, C, G, G).

        A sample, and what regression makes of its misses, is a sample that does not miss:
        Matheron's rule (Journel and Huijbregts 1978; Wilson et al., 2002.09309). The regression is
        the control encoder's own: each place takes what the tracks say that it listens to.
        """
        attention = self.attention
        motion, rest = clean.tensor_split([attention.trust.shape[1]], dim=1)
        missed = attention.read(answer[:, : motion.shape[1]] - motion).unflatten(1, (-1, 2))
        told = attention.heard((missed @ self.mend).flatten(1, 2))
        return torch.cat([motion + (self.amount * told).view_as(motion), rest], dim=1)


def make_attention(track_batch: TrackBatch, shares: Tensor) -> TrackAttention:
    """Who listens to whom. shares: (B, G*G, N), as Estimate has them; zero for padding."""
    some = every_nth(track_batch.place.shape[1], MOST_HOLDING).to(shares.device)
    shares = shares[..., some].transpose(1, 2).contiguous()
    trust = track_batch.trust[:, some, 1:].transpose(1, 2).repeat_interleave(2, dim=1)
    heard = (trust @ shares).clamp(min=LEAST_HEARD)
    return TrackAttention(
        track_batch.spot[:, some], trust, shares, shares.sum(dim=1, keepdim=True) / heard
    )


def make_correction(attention: TrackAttention, amount: Tensor) -> TrackCorrection:
    """A grip that mends this part of what is missed.

    With A what each place where a track starts hears of each track, tracks say the misses m, then
    what is still missed, (1 - A) m, and so on: (1 + (1 - A) + (1 - A)^2 + ...) m, in all.
    """
    trust = attention.trust[:, ::2]
    grid = round(attention.shares.shape[-1] ** 0.5)
    itself = torch.eye(trust.shape[-1]).to(trust)
    mends = []
    for frame in range(trust.shape[1]):
        spread = attention.shares * attention.scale[:, 2 * frame, None]
        heard = attention.read(spread.unflatten(-1, (grid, grid))) * trust[:, frame, :, None]
        mend, left = itself, itself - heard
        for _ in range(DOUBLINGS):
            mend, left = mend + left @ mend, left @ left
        mends.append(mend)
    return TrackCorrection(attention, torch.stack(mends, dim=1), amount)
