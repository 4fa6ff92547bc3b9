"""Motion held to tracks: what misses the answer where they start is mended wherever they speak."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .evidence import Evidence, every_nth

# A miss is mended in so many rounds: what neighbours take from each other in one is left to the
# next.
ROUNDS = 4
# More tracks than this hold nothing that these do not.
MOST_HOLDING = 256
LEAST_HEARD = 1e-6


@dataclass(frozen=True, eq=False)
class Grip:
    """Where tracks hold latents, and which places follow.

    spot: (B, N, 2) starts of tracks, -1..1 across the canvas. trust: (B, F, N) 0..1, little where a
    track is not seen, F = 2 (T - 1) channels of motion. shares: (B, N, G*G) how much each place
    listens to each track. scale: (B, F, G*G), see `held`. amount: broadcasts over scale; the part
    of a miss that is mended, 0..1.
    """

    spot: Tensor
    trust: Tensor
    shares: Tensor
    scale: Tensor
    amount: Tensor

    def any_heard(self) -> Tensor:
        """(B, 1, 1, 1): 1 where some place listens to some track, else 0."""
        return (self.shares > 0).any(dim=2).any(dim=1).to(self.trust).view(-1, 1, 1, 1)

    def read(self, latents: Tensor) -> Tensor:
        """(B, F, N): the motion in latents (B, C, G, G) where tracks start."""
        found = functional.grid_sample(
            latents[:, : self.trust.shape[1]],
            self.spot[:, :, None],
            padding_mode="border",
            align_corners=False,
        )
        return found[..., 0]

    def held(self, clean: Tensor, answer: Tensor) -> Tensor:
        """Clean latents that agree with the answer at the tracks and are themselves apart from
        that. Both (B, C, G, G).

        A sample, and what regression makes of its misses, is a sample that does not miss:
        Matheron's rule (Journel and Huijbregts 1978; Wilson et al., 2002.09309). The regression is
        the control encoder's own: each place takes the mean miss of the tracks it listens to,
        weighted by trust (with m misses, t trust, s shares: sum(s) sum(s t m) / sum(s t)).
        """
        motion, rest = clean.tensor_split([self.trust.shape[1]], dim=1)
        wanted, firmly = self.read(answer), self.amount * self.scale
        for _ in range(ROUNDS):
            told = (self.trust * (wanted - self.read(motion))) @ self.shares
            motion = torch.addcmul(motion, firmly.view_as(motion), told.view_as(motion))
        return torch.cat([motion, rest], dim=1)


def grip_of(evidence: Evidence, shares: Tensor) -> Grip:
    """How tracks hold, in full. shares: (B, G*G, N), as Estimate has them; zero for padding."""
    some = every_nth(evidence.place.shape[1], MOST_HOLDING).to(shares.device)
    shares = shares[..., some].transpose(1, 2).contiguous()
    trust = evidence.trust[:, some, 1:].transpose(1, 2).repeat_interleave(2, dim=1)
    heard = (trust @ shares).clamp(min=LEAST_HEARD)
    scale = shares.sum(dim=1, keepdim=True) / heard
    return Grip(evidence.spot[:, some], trust, shares, scale, shares.new_ones(1))
