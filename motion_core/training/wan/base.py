"""The loss of Wan image-to-video with a Track-ControlNet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ...geometry import Size
from ...models.track_model import Defaults, TrackModel
from ...models.wan.control import WanControl
from ...models.wan.family import FLOW_SHIFT, WanFamily
from ...models.wan.latents import FRAME_STRIDE, check_size
from ...models.wan.parts import encode_first_frame, encode_image, encode_prompt, encode_video
from ...models.wan.track_controlnet import WanTrackControlNet
from ...models.wan.weights import save_track_controlnet
from ...progress import silent
from ...tracks.model import Tracks
from ..track_controlnet.bases import levels_and_noise
from ..track_controlnet.batches import ClipBatch, FrameRule
from .loss import shifted, velocity_errors


@dataclass(frozen=True, eq=False)
class EncodedClips:
    """B clips as Wan reads them.

    Attributes:
        latents: (B, C, T', h, w) float32.
        condition_latents: (B, 4 + C, T', h, w) float32, mask and image.
        prompt_embeds: (B, L, D).
        image_embeds: (B, P, D) of CLIP, or None.
    """

    latents: Tensor
    condition_latents: Tensor
    prompt_embeds: Tensor
    image_embeds: Tensor | None


class WanBase:
    """A TrainableBase."""

    def __init__(self, family: WanFamily, defaults: Defaults | None = None) -> None:
        self.parts, self.network = family.parts, family.parts.network()
        self.model, self.defaults = family, defaults or Defaults()
        config = family.parts.scheduler.config
        self.frames = FrameRule(stride=FRAME_STRIDE)
        self.flow_shift = float(config.get("flow_shift", config.get("shift", FLOW_SHIFT)))

    def new_control(self) -> WanTrackControlNet:
        """A copy of about eight blocks."""
        return WanTrackControlNet(self.parts.transformer).float()

    def blocks(self, control: nn.Module) -> list[nn.Module]:
        """The transformer's blocks, and those copied from them."""
        return [*self.parts.transformer.blocks, *cast(WanTrackControlNet, control).blocks]

    def check_size(self, size: Size) -> None:
        """Raises ValueError for sides that are no multiples of what the transformer reads."""
        check_size(size, self.parts.multiple)

    def encode(self, batch: ClipBatch) -> EncodedClips:
        """See TrainableBase."""
        parts = self.parts
        videos = [one.float() / 255 for one in batch.video]
        latents = torch.stack([encode_video(parts, one) for one in videos])
        length = len(videos[0])
        firsts = [encode_first_frame(parts, one, length, silent) for one in batch.firsts]
        mask = torch.zeros_like(latents[:, :1]).repeat(1, FRAME_STRIDE, 1, 1, 1)
        mask[:, :, 0] = 1
        embeds = torch.cat([encode_prompt(parts, caption) for caption in batch.captions])
        images = [encode_image(parts, one) for one in batch.firsts]
        known = [one for one in images if one is not None]
        condition = torch.cat([mask, torch.stack(firsts)], 1)
        return EncodedClips(latents, condition, embeds, torch.cat(known) if known else None)

    def errors(
        self,
        control: nn.Module | None,
        encoded: EncodedClips,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        level: float | None = None,
    ) -> Tensor:
        """See TrainableBase. Mean squared error of the predicted velocity."""
        clean, transformer = encoded.latents, self.parts.transformer
        levels, noise = levels_and_noise(clean.shape[1:], seeds, level, clean)
        attached = nullcontext()
        if control is not None:
            network = cast(WanTrackControlNet, control)
            states = [
                network.encode_tracks(one, torch.ones(one.num_points), seed)
                for one, seed in zip(tracks, seeds, strict=True)
            ]
            attached = network.attached(transformer, torch.stack(states))
        with attached:
            return velocity_errors(
                transformer,
                clean,
                encoded.condition_latents,
                encoded.prompt_embeds,
                noise,
                shifted(levels, self.flow_shift),
                encoded.image_embeds,
            )

    def readable(self, caption: str) -> str:
        """See TrainableBase."""
        return "" if self.parts.text is None else caption

    def track_control(self, control: nn.Module) -> WanControl:
        """See TrainableBase."""
        return WanControl(cast(WanTrackControlNet, control))

    def save(self, control: nn.Module, path: Path) -> None:
        """See TrainableBase."""
        save_track_controlnet(cast(WanTrackControlNet, control), path)


def trainable(model: TrackModel) -> WanBase:
    """The base of a loaded Wan."""
    return WanBase(cast(WanFamily, model.model), model.defaults)
