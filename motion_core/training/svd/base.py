"""The loss of Stable Video Diffusion with MotionPro's modulation: the velocity at EDM's levels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...geometry import Size
from ...models.sd15.encoding import encode_images
from ...models.svd.adapter import Modulations, MotionAdapter
from ...models.svd.condition import region_condition
from ...models.svd.control import MotionProControl
from ...models.svd.encoding import CELL_PX, encode_image, encode_image_clip
from ...models.svd.family import SvdFamily
from ...models.svd.network import with_adapter
from ...models.svd.schedule import SIGMA_MAX, SIGMA_MIN
from ...models.svd.weights import save_track_controlnet
from ...models.track_model import Defaults, TrackModel
from ...tracks.model import Tracks
from ..track_controlnet.bases import EncodedClips, TrainableBase, levels_and_noise
from ..track_controlnet.batches import FrameRule

# Mean and deviation of ln(sigma) in training, those of MotionPro.
MEAN, SPREAD = 0.7, 1.6


class SvdBase(TrainableBase):
    """A TrainableBase whose control is MotionPro's adapter (2505.20287 §3.3) without its LoRA.

    A level is the fraction of training's noise levels that are weaker.
    """

    label = "Stable Video Diffusion"

    def __init__(self, family: SvdFamily, defaults: Defaults | None = None) -> None:
        self.network, self.model, self.settings = family.network, family, family.settings
        self.defaults = defaults or Defaults()
        self.family, frames = family, family.settings.frames
        self.frames, self.multiple = FrameRule(usual=frames, most=frames), family.multiple

    def new_control(self) -> MotionAdapter:
        """A motion encoder and modulations that are zero."""
        unet = self.family.network.unet
        return MotionAdapter(unet.config.block_out_channels).to(unet.device)

    def blocks(self, control: nn.Module) -> list[nn.Module]:
        """See blocks_of."""
        return blocks_of(self.family.network.unet, cast(MotionAdapter, control))

    def encode_video(self, video: Tensor, first: Tensor) -> dict[str, Tensor]:
        """See TrainableBase.

        `latents` (T, 4, h, w); `image_latents` (4, h, w), not scaled, and CLIP's `image_embeds`
        (1, D) of the image.
        """
        networks = self.family.network
        return {
            "latents": encode_images(networks.vae, video.float() / 255),
            "image_latents": encode_image(networks.vae, first, self.settings.augment)[0],
            "image_embeds": encode_image_clip(networks.image_encoder, first)[0],
        }

    def encode_caption(self, caption: str) -> dict[str, Tensor]:
        """Nothing: it reads no text."""
        return {}

    def errors(
        self,
        control: nn.Module | None,
        encoded: EncodedClips,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        level: float | Sequence[float] | None = None,
    ) -> Tensor:
        """See TrainableBase. Mean squared error of v, which is EDM's weighted loss (Table 1)."""
        clean = encoded.latents
        levels, noise = levels_and_noise(clean.shape[1:], seeds, level, clean)
        sigma = sigma_of(levels).view(-1, 1, 1, 1, 1)
        length = (sigma**2 + 1).sqrt()
        target = (noise - sigma * clean) / length
        unet, attached = self.family.network.unet, nullcontext()
        if control is not None:
            adapter = cast(MotionAdapter, control)
            attached = adapter.attached(unet, self._modulations(adapter, clean, tracks), 1.0)
        images = encoded.tensors["image_latents"][:, None].expand_as(clean)
        channels = torch.cat([(clean + sigma * noise) / length, images], 2).to(unet.dtype)
        embeds = encoded.tensors["image_embeds"].to(unet.dtype)
        ids = clean.new_tensor([self._time_ids()]).expand(len(clean), -1)
        with attached:
            found = unet(channels, sigma.flatten().log() / 4, embeds, ids).sample
        return (found.float() - target).square().flatten(1).mean(1)

    def sampler_levels(self, steps: int) -> Tensor:
        """See TrainableBase."""
        scheduler = self.family.scheduler()
        scheduler.set_timesteps(steps)
        return torch.special.ndtr((scheduler.sigmas[:steps].double().log() - MEAN) / SPREAD)

    def readable(self, caption: str) -> str:
        """Nothing: it reads no text."""
        return ""

    def track_control(self, control: nn.Module) -> MotionProControl:
        """See TrainableBase."""
        return MotionProControl(with_adapter(self.family.network, cast(MotionAdapter, control)))

    def save(self, control: nn.Module, path: Path) -> None:
        """See TrainableBase."""
        save_track_controlnet(cast(MotionAdapter, control), path)

    def _time_ids(self) -> list[float]:
        settings = self.settings
        return [settings.fps, settings.motion_bucket, settings.augment]

    def _modulations(
        self, adapter: MotionAdapter, latents: Tensor, tracks: Sequence[Tracks]
    ) -> Modulations:
        """Those of all clips, whose frames stand in one row."""
        size = Size(latents.shape[-1] * CELL_PX, latents.shape[-2] * CELL_PX)
        weight = next(adapter.parameters())
        found = []
        for one in tracks:
            condition = region_condition(one, size, frames=latents.shape[1]).to(weight)
            # Without a track that starts in the first frame the sampler leaves the control out.
            factor = float(one.visible[:1].any())
            modulations = adapter.modulations(condition)
            found.append([(gamma * factor, beta * factor) for gamma, beta in modulations])
        sites: Any = zip(*found, strict=True)
        return [tuple(map(torch.cat, zip(*site, strict=True))) for site in sites]  # type: ignore[misc]


def blocks_of(unet: Any, adapter: MotionAdapter) -> list[nn.Module]:
    """Attention, residual blocks, and the motion encoder's levels.

    Of a modulated residual block only what follows the modulation, whose hook would be gone where
    activations are computed again.
    """
    found: list[nn.Module] = [*adapter.encoder.blocks]
    for block in (*unet.down_blocks, unet.mid_block, *unet.up_blocks):
        found.extend(getattr(block, "attentions", ()))
        first, *others = block.resnets
        is_modulated = block is not unet.mid_block
        found.extend([first.temporal_res_block if is_modulated else first, *others])
    return found


def sigma_of(levels: Tensor) -> Tensor:
    """Noise levels of fractions 0..1: exp of a normal distribution, within the sampler's range."""
    normal = torch.special.ndtri(levels.double())
    return (MEAN + SPREAD * normal).exp().clamp(SIGMA_MIN, SIGMA_MAX).to(levels)


def trainable(model: TrackModel) -> SvdBase:
    """The base of a loaded Stable Video Diffusion."""
    return SvdBase(cast(SvdFamily, model.model), model.defaults)
