"""The loss of Wan image-to-video with a Track-ControlNet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ...models.track_model import Defaults, TrackModel
from ...models.wan.control import WanControl
from ...models.wan.family import FLOW_SHIFT, WanFamily
from ...models.wan.latents import FRAME_STRIDE
from ...models.wan.parts import encode_first_frame, encode_image, encode_prompt, encode_video
from ...models.wan.track_controlnet import WanTrackControlNet
from ...models.wan.weights import save_track_controlnet
from ...progress import silent
from ...tracks.model import Tracks
from ..track_controlnet.bases import EncodedClips, TrainableBase, levels_and_noise
from ..track_controlnet.batches import FrameRule
from .loss import shifted, velocity_errors


class WanBase(TrainableBase):
    """A TrainableBase."""

    label = "Wan"

    def __init__(self, family: WanFamily, defaults: Defaults | None = None) -> None:
        self.parts, self.network = family.parts, family.parts.network()
        self.model, self.defaults = family, defaults or Defaults()
        config = family.parts.scheduler.config
        self.frames, self.multiple = FrameRule(stride=FRAME_STRIDE), family.parts.multiple
        self.flow_shift = float(config.get("flow_shift", config.get("shift", FLOW_SHIFT)))

    def new_control(self) -> WanTrackControlNet:
        """A copy of about eight blocks."""
        return WanTrackControlNet(self.parts.transformer).float()

    def blocks(self, control: nn.Module) -> list[nn.Module]:
        """The transformer's blocks, and those copied from them."""
        return [*self.parts.transformer.blocks, *cast(WanTrackControlNet, control).blocks]

    def shards(self) -> list[nn.Module]:
        """The transformer's blocks, and what is left of it."""
        return [*self.parts.transformer.blocks, self.parts.transformer]

    def encode_video(self, video: Tensor, first: Tensor) -> dict[str, Tensor]:
        """See TrainableBase.

        `latents` and `image_latents` (C, T', h, w), the second of the image followed by empty
        frames; `image_embeds` (P, D) of CLIP where the transformer reads them.
        """
        parts = self.parts
        tensors = {
            "latents": encode_video(parts, video.float() / 255),
            "image_latents": encode_first_frame(parts, first, len(video), silent),
        }
        embeds = encode_image(parts, first)
        return tensors if embeds is None else tensors | {"image_embeds": embeds[0]}

    def encode_caption(self, caption: str) -> dict[str, Tensor]:
        """See TrainableBase."""
        return {"prompt_embeds": encode_prompt(self.parts, caption)[0]}

    def errors(
        self,
        control: nn.Module | None,
        encoded: EncodedClips,
        tracks: Sequence[Tracks],
        seeds: Sequence[int],
        level: float | Sequence[float] | None = None,
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
                condition_latents(encoded.tensors["image_latents"]),
                encoded.prompt_embeds,
                noise,
                shifted(levels, self.flow_shift),
                encoded.tensors.get("image_embeds"),
            )

    def sampler_levels(self, steps: int) -> Tensor:
        """See TrainableBase. Before the shift, which `errors` applies."""
        scheduler = self.model.scheduler()
        scheduler.set_timesteps(steps)
        sigmas, shift = scheduler.sigmas[:steps].double(), self.flow_shift
        return sigmas / (shift - (shift - 1) * sigmas)

    def readable(self, caption: str) -> str:
        """See TrainableBase."""
        return "" if self.parts.text is None else caption

    def track_control(self, control: nn.Module) -> WanControl:
        """See TrainableBase."""
        return WanControl(cast(WanTrackControlNet, control))

    def save(self, control: nn.Module, path: Path) -> None:
        """See TrainableBase."""
        save_track_controlnet(cast(WanTrackControlNet, control), path)


def condition_latents(image_latents: Tensor) -> Tensor:
    """(B, 4 + C, T', h, w): the mask of the known first frame, and image latents."""
    mask = torch.zeros_like(image_latents[:, :1]).repeat(1, FRAME_STRIDE, 1, 1, 1)
    mask[:, :, 0] = 1
    return torch.cat([mask, image_latents], 1)


def trainable(model: TrackModel) -> WanBase:
    """The base of a loaded Wan."""
    return WanBase(cast(WanFamily, model.model), model.defaults)
