"""The controls of Wan: Wan-Move, ATI, and a Track-ControlNet."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...tracks.model import Tracks
from .ati import SoftCopy, soft_copied_latent
from .control_output import EditedCondition, TrackControlNetOutput
from .family import WanCondition
from .latents import FRAME_STRIDE
from .track_controlnet import WanTrackControlNet
from .wan_move import copied_latent


class WanMoveControl:
    """A TrackControl for WanFamily with Wan-Move's weights: features are copied along tracks."""

    def prepare(self, tracks: Tracks, weights: Tensor, condition: WanCondition) -> EditedCondition:
        """The edited condition; see copied_latent, whose errors it raises."""
        moved = copied_latent(condition.image_latent, tracks, weights)
        mask = condition.condition_latents[:, :FRAME_STRIDE]
        return EditedCondition(torch.cat([mask, moved[None]], 1))

    def residuals(
        self, prepared: EditedCondition, latents: Tensor, timestep: Tensor, condition: WanCondition
    ) -> EditedCondition:
        """The same at every step."""
        return prepared


@dataclass(frozen=True)
class AtiControl:
    """A TrackControl for WanFamily with ATI's weights: features are blended around tracks."""

    reach: SoftCopy = field(default_factory=SoftCopy)

    def prepare(self, tracks: Tracks, weights: Tensor, condition: WanCondition) -> EditedCondition:
        """The edited condition; see soft_copied_latent, whose errors it raises."""
        mask, blended = soft_copied_latent(
            condition.image_latent, tracks, weights, self.reach, condition.progress
        )
        masks = mask.expand(FRAME_STRIDE, *mask.shape)
        return EditedCondition(torch.cat([masks, blended])[None])

    def residuals(
        self, prepared: EditedCondition, latents: Tensor, timestep: Tensor, condition: WanCondition
    ) -> EditedCondition:
        """The same at every step."""
        return prepared


@dataclass(frozen=True, eq=False)
class WanControl:
    """A TrackControl for WanFamily by a Track-ControlNet. seed: of the random ids."""

    network: WanTrackControlNet
    seed: int = 0

    def prepare(
        self, tracks: Tracks, weights: Tensor, condition: WanCondition
    ) -> TrackControlNetOutput:
        """The encoded tracks, once per run. Raises what WanTrackControlNet.encode_tracks raises."""
        with torch.no_grad():
            hidden_states = self.network.encode_tracks(tracks, weights, self.seed)
        return TrackControlNetOutput(self.network, hidden_states)

    def residuals(
        self,
        prepared: TrackControlNetOutput,
        latents: Tensor,
        timestep: Tensor,
        condition: WanCondition,
    ) -> TrackControlNetOutput:
        """The same at every step: the copied blocks run inside the base's own pass, where prompt
        and time embeddings are known."""
        return prepared
