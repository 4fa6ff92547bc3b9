"""The loss of AnimateDiff with a Track-ControlNet: the noise in the latents of true clips."""

from __future__ import annotations

import logging
from collections.abc import Sequence
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
from ..track_controlnet.bases import EncodedClips, TrainableBase, levels_and_noise
from ..track_controlnet.batches import FrameRule

# What AnimateDiff's motion modules were trained on.
FRAMES = 16
TIMESTEPS = 1000
# Lists of layers in the blocks of diffusers' U-Nets.
PARTS = ("resnets", "attentions", "motion_modules")

logger = logging.getLogger(__name__)


class AnimateDiffBase(TrainableBase):
    """A TrainableBase; a first image is given where SparseCtrl's network is loaded."""

    label = "AnimateDiff"
    multiple = CELL_PX

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
        """See blocks_of."""
        return blocks_of(self.parts.unet, control)

    def encode_video(self, video: Tensor, first: Tensor) -> dict[str, Tensor]:
        """See TrainableBase. `latents` (4, T, h, w), `image_latents` (4, h, w) of the image."""
        vae = self.parts.vae
        tensors = {"latents": encode_images(vae, video.float() / 255).transpose(0, 1)}
        if self.parts.image is not None:
            tensors["image_latents"] = encode_images(vae, first[None])[0]
        return tensors

    def encode_caption(self, caption: str) -> dict[str, Tensor]:
        """See TrainableBase."""
        return {"prompt_embeds": self.family.prompt_embeds(caption)[0]}

    def errors(
        self,
        control: nn.Module | None,
        encoded: EncodedClips,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        level: float | Sequence[float] | None = None,
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

    def sampler_levels(self, steps: int) -> Tensor:
        """See TrainableBase."""
        scheduler = self.family.scheduler()
        scheduler.set_timesteps(steps)
        # In the middle of the interval whose levels stand for a timestep.
        return (scheduler.timesteps[:steps].double() + 0.5) / TIMESTEPS

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
        images = encoded.tensors.get("image_latents")
        if images is None or self.parts.image is None:
            return None
        conditions = (first_frame_condition(one, encoded.latents.shape[2]) for one in images)
        features = torch.stack([self.parts.image.features(one) for one in conditions])
        return self.parts.image(features, timestep, encoded.prompt_embeds)

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


def blocks_of(*networks: nn.Module) -> list[nn.Module]:
    """Residual blocks, attention and motion modules of U-Nets and controls."""
    return [
        part
        for network in networks
        for name, parts in network.named_modules()
        if name.rpartition(".")[2] in PARTS and isinstance(parts, nn.ModuleList)
        for part in parts
    ]


def trainable(model: TrackModel) -> AnimateDiffBase:
    """The base of a loaded AnimateDiff."""
    return AnimateDiffBase(cast(AnimateDiffFamily, model.model), model.defaults)
