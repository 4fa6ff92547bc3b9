"""The loss of AnimateDiff with a Track-ControlNet: the noise in the latents of true clips."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...geometry import Size
from ...models.animatediff.branch import first_frame_condition
from ...models.animatediff.control import AnimateDiffControl
from ...models.animatediff.control_output import UNetResiduals, summed
from ...models.animatediff.family import NO_TEXT_ENCODER, AnimateDiffFamily
from ...models.animatediff.track_controlnet import (
    AnimateDiffTrackControlNet,
    copy_track_controlnet,
)
from ...models.animatediff.weights import save_track_controlnet
from ...models.protocols import VideoModel
from ...models.sd15.encoding import CELL_PX, encode_images
from ...models.track_model import Defaults, TrackModel
from ...tracks.model import Tracks
from ..track_controlnet.bases import levels_and_noise
from ..track_controlnet.batches import ClipBatch, FrameRule

# What AnimateDiff's motion modules were trained on.
FRAMES = 16
TIMESTEPS = 1000
# Lists of layers in the blocks of diffusers' U-Nets.
PARTS = ("resnets", "attentions", "motion_modules")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class EncodedClips:
    """B clips as AnimateDiff reads them.

    Attributes:
        latents: (B, 4, T, h, w) float32.
        prompt_embeds: (B, L, D).
        image_features: (B, T, C, h, w) of the first frames in SparseCtrl's network, or None.
    """

    latents: Tensor
    prompt_embeds: Tensor
    image_features: Tensor | None


class AnimateDiffBase:
    """A TrainableBase."""

    def __init__(self, family: AnimateDiffFamily, defaults: Defaults | None = None) -> None:
        self.family, self.parts = family, family.network
        self.network: nn.Module = family.network
        self.model: VideoModel[Any] = family
        self.defaults = defaults or Defaults()
        self.scheduler = family.scheduler()
        most = int(family.network.unet.config.motion_max_seq_length)
        self.frames = FrameRule(usual=FRAMES, most=most)
        if family.network.text_encoder is None:
            logger.warning("%s Captions are not read.", NO_TEXT_ENCODER)

    def new_control(self) -> AnimateDiffTrackControlNet:
        """A copy of the U-Net's encoder."""
        return copy_track_controlnet(self.parts.unet).float()

    def blocks(self, control: nn.Module) -> list[nn.Module]:
        """Residual blocks, attention and motion modules of the U-Net and of the control."""
        return [
            part
            for network in (self.parts.unet, control)
            for name, parts in network.named_modules()
            if name.rpartition(".")[2] in PARTS and isinstance(parts, nn.ModuleList)
            for part in parts
        ]

    def check_size(self, size: Size) -> None:
        """Raises ValueError for sides that are no multiples of 8."""
        if size.width % CELL_PX or size.height % CELL_PX:
            raise ValueError(
                f"AnimateDiff needs clips with sides that are multiples of {CELL_PX}; got {size}. "
                "Curate them again with another --size."
            )

    def encode(self, batch: ClipBatch) -> EncodedClips:
        """See TrainableBase."""
        latents = [encode_images(self.parts.vae, one.float() / 255) for one in batch.video]
        captions = [self.readable(one) for one in batch.captions]
        embeds = torch.cat([self.family.prompt_embeds(one) for one in captions])
        features = None
        if self.parts.image is not None:
            firsts = (encode_images(self.parts.vae, one[None])[0] for one in batch.firsts)
            length = batch.video.shape[1]
            conditions = (first_frame_condition(one, length) for one in firsts)
            features = torch.stack([self.parts.image.features(one) for one in conditions])
        return EncodedClips(torch.stack(latents).transpose(1, 2), embeds, features)

    def errors(
        self,
        control: nn.Module | None,
        encoded: EncodedClips,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        level: float | None = None,
    ) -> Tensor:
        """See TrainableBase. Mean squared error of the predicted noise, or velocity."""
        clean = encoded.latents
        levels, noise = levels_and_noise(clean.shape[1:], seeds, level, clean)
        timestep = (levels * TIMESTEPS).long().clamp(max=TIMESTEPS - 1)
        noisy = self.scheduler.add_noise(clean, noise, timestep)
        target = noise
        if self.scheduler.config.prediction_type == "v_prediction":
            target = self.scheduler.get_velocity(clean, noise, timestep)
        parts = [self._image_residuals(encoded, timestep)]
        if control is not None:
            parts.append(self.residuals(control, encoded, tracks, seeds, timestep))
        residuals = summed(part for part in parts if part is not None)
        predicted = self._unet(noisy, timestep, encoded.prompt_embeds, residuals)
        return (predicted.float() - target).square().flatten(1).mean(1)

    def readable(self, caption: str) -> str:
        """See TrainableBase."""
        has_text = self.parts.text_encoder is not None and self.family.tokenizer is not None
        return caption if has_text else ""

    def track_control(self, control: nn.Module) -> AnimateDiffControl:
        """See TrainableBase."""
        return AnimateDiffControl(cast(AnimateDiffTrackControlNet, control))

    def save(self, control: nn.Module, path: Path) -> None:
        """See TrainableBase."""
        save_track_controlnet(cast(AnimateDiffTrackControlNet, control), path)

    def residuals(
        self,
        control: nn.Module,
        encoded: EncodedClips,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        timestep: Tensor,
    ) -> UNetResiduals:
        """What a control adds to the U-Net's skip connections; see `errors`."""
        network = cast(AnimateDiffTrackControlNet, control)
        features = self._features(network, tracks, seeds, encoded.latents)
        residuals: UNetResiduals = network(features, timestep, encoded.prompt_embeds.float())
        return residuals

    def _features(
        self,
        control: AnimateDiffTrackControlNet,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        latents: Tensor,
    ) -> Tensor:
        """(B, T, C, h, w); every clip has track codes of its own."""
        cells = Size(latents.shape[-1], latents.shape[-2])
        volumes = (
            control.volume(one, cells, seed) for one, seed in zip(tracks, seeds, strict=True)
        )
        return torch.stack([control.features(volume) for volume in volumes])

    @torch.no_grad()
    def _image_residuals(self, encoded: EncodedClips, timestep: Tensor) -> UNetResiduals | None:
        if encoded.image_features is None or self.parts.image is None:
            return None
        return self.parts.image(encoded.image_features, timestep, encoded.prompt_embeds)

    def _unet(
        self,
        noisy: Tensor,
        timestep: Tensor,
        prompt_embeds: Tensor,
        residuals: UNetResiduals | None,
    ) -> Tensor:
        unet = self.parts.unet
        more: dict[str, Any] = {}
        if residuals is not None:
            more["down_block_additional_residuals"] = [
                one.to(unet.dtype) for one in residuals.down_block_residuals
            ]
            middle = residuals.mid_block_residual
            more["mid_block_additional_residual"] = middle.to(unet.dtype)
        embeds = prompt_embeds.to(unet.dtype).repeat_interleave(noisy.shape[2], dim=0)
        return unet(noisy.to(unet.dtype), timestep, encoder_hidden_states=embeds, **more).sample


def trainable(model: TrackModel) -> AnimateDiffBase:
    """The base of a loaded AnimateDiff."""
    return AnimateDiffBase(cast(AnimateDiffFamily, model.model), model.defaults)
