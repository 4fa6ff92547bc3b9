"""Wan-Move and ATI as controls: tracks change what the transformer reads beside the noise."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from ...tracks.model import Tracks
from .ati import SoftCopy, soft_copied_latent
from .family import WanCondition
from .latents import FRAME_STRIDE
from .move import copied_latent


@dataclass(frozen=True, eq=False)
class EditedCondition:
    """WanResiduals: mask and picture (1, 4 + C, T', H, W) after the tracks have edited them.

    strength: 0 is the plain condition, 1 the edited one, more goes beyond.
    """

    edited: Tensor
    strength: float = 1.0

    def scaled(self, strength: float) -> EditedCondition:
        """The same with its influence multiplied."""
        return replace(self, strength=self.strength * strength)

    def given(self, plain: Tensor) -> Tensor:
        """Somewhere between plain and edited; at the ends exactly one of them."""
        if self.strength == 0.0:
            return plain
        return torch.lerp(plain, self.edited.to(plain), self.strength)

    def attached(self, transformer: Any) -> AbstractContextManager[None]:
        """The transformer as it is."""
        return nullcontext()


class WanMoveTracks:
    """A TrackControl for WanFamily with Wan-Move's weights: features are copied along tracks."""

    def prepare(self, tracks: Tracks, weights: Tensor, condition: WanCondition) -> EditedCondition:
        """The edited condition; see copied_latent, whose errors it raises."""
        moved = copied_latent(condition.latent, tracks, weights)
        return EditedCondition(torch.cat([condition.given[:, :FRAME_STRIDE], moved[None]], 1))

    def residuals(
        self, prepared: EditedCondition, latents: Tensor, timestep: Tensor, condition: WanCondition
    ) -> EditedCondition:
        """The same at every step."""
        return prepared


@dataclass(frozen=True)
class AtiTracks:
    """A TrackControl for WanFamily with ATI's weights: features reach around where tracks are."""

    reach: SoftCopy = field(default_factory=SoftCopy)

    def prepare(self, tracks: Tracks, weights: Tensor, condition: WanCondition) -> EditedCondition:
        """The edited condition; see soft_copied_latent, whose errors it raises."""
        told, soft = soft_copied_latent(
            condition.latent, tracks, weights, self.reach, condition.progress
        )
        mask = told.expand(FRAME_STRIDE, *told.shape)
        return EditedCondition(torch.cat([mask, soft])[None])

    def residuals(
        self, prepared: EditedCondition, latents: Tensor, timestep: Tensor, condition: WanCondition
    ) -> EditedCondition:
        """The same at every step."""
        return prepared
