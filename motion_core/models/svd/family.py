"""Stable Video Diffusion as a family of the sampling protocols, steered by MotionPro.

Without control the prediction is Stable Video Diffusion's own, bit for bit: the modulation is not
in the network and its LoRA not in the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import ShapeError
from ...geometry import Size
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ..protocols import Branch, ControlOutput, GenerationRequest, GenerationResult
from .control_output import MotionProControlOutput
from .encoding import CELL_PX, decode_video, encode_image, encode_image_clip
from .network import SvdNetworks
from .schedule import edm_scheduler
from .settings import AS_RELEASED, SvdSettings

LATE_TRACKS = (
    "MotionPro follows what is visible in the first frame; {} of the tracks appear later and have "
    "no effect."
)
PROMPT_IGNORED = "Stable Video Diffusion reads no prompt: it changes nothing."


@dataclass(frozen=True, eq=False)
class SvdCondition:
    """What does not depend on the noisy latents.

    Attributes:
        request: What was asked for.
        image_latents: (1, T, 4, h, w) of the image, repeated.
        image_embeds: (1, 1, D), CLIP's of the image.
        added_time_ids: (1, 3), fps, motion bucket and noise on the image.
        progress: Of the run.
    """

    request: GenerationRequest
    image_latents: Tensor
    image_embeds: Tensor
    added_time_ids: Tensor
    progress: Progress


class SvdFamily:
    """A VideoModel whose latents are (1, T, 4, H/8, W/8), conditioned on the image."""

    def __init__(self, network: SvdNetworks, settings: SvdSettings = AS_RELEASED) -> None:
        self.network, self.settings = network, settings

    def scheduler(self) -> Any:
        """Euler over EDM noise levels; see schedule.py."""
        return edm_scheduler()

    def condition(self, request: GenerationRequest, progress: Progress = silent) -> SvdCondition:
        """The image's latents and embeddings.

        Raises ShapeError for sides that the network cannot halve, and for another number of frames
        than it makes.
        """
        self._check_request(request)
        settings, network = self.settings, self.network
        latents = encode_image(network.vae, request.image, settings.augment)
        repeated = latents[:, None].expand(-1, settings.frames, -1, -1, -1)
        image_embeds = encode_image_clip(network.image_encoder, request.image)
        time_ids = torch.tensor([[settings.fps, settings.motion_bucket, settings.augment]])
        device = self._device
        return SvdCondition(
            request, repeated.to(device), image_embeds.to(device), time_ids.to(device), progress
        )

    def noise(self, condition: SvdCondition, generator: torch.Generator) -> Tensor:
        """White noise."""
        return torch.randn(condition.image_latents.shape, generator=generator).to(self._device)

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: SvdCondition,
        calls: Sequence[tuple[Branch, ControlOutput | None]],
    ) -> list[Tensor]:
        """v-predictions, one per call. A branch without text is not conditioned on the image.

        Raises ValueError for an adapter: MotionPro's LoRA comes and goes with the control.
        """
        predictions = []
        for branch, output in calls:
            if branch.adapter is not None:
                raise ValueError(f"svd has no adapters; got {branch.adapter!r}.")
            assert output is None or isinstance(output, MotionProControlOutput)
            scale = 1.0 if branch.text else 0.0
            channels = torch.cat([latents, scale * condition.image_latents], dim=2)
            embeds = scale * condition.image_embeds
            with self._controlled(output) as (weights, bucket):
                arguments = (channels, timestep, embeds, condition.added_time_ids)
                predictions.append(self._unet(arguments, weights, bucket))
        return predictions

    def preview(self, latents: Tensor, condition: SvdCondition) -> Tensor:
        """The last frame, decoded alone, scaled down to a deviation of 1 where it is larger."""
        last = latents[:, -1:]
        return decode_video(self.network.vae, last / last.std().clamp(min=1.0), 1)[0]

    def decode(
        self,
        latents: Tensor,
        condition: SvdCondition,
        tracks: Tracks,
        progress: Progress = silent,
    ) -> GenerationResult:
        """The frames; where the tracks went has to be measured by a tracker."""
        frames = decode_video(self.network.vae, latents, self.settings.decode_at_once, progress)
        late = int((tracks.visible.any(0) & ~tracks.visible[0]).sum())
        notes = (LATE_TRACKS.format(late),) if late else ()
        has_prompt = condition.request.prompt or condition.request.negative
        return GenerationResult(frames, notes=notes + ((PROMPT_IGNORED,) if has_prompt else ()))

    @property
    def multiple(self) -> int:
        """What the sides of an image in pixels must be multiples of."""
        return CELL_PX * 2 ** (len(self.network.unet.config.block_out_channels) - 1)

    @property
    def _device(self) -> torch.device:
        return next(self.network.unet.parameters()).device

    def _check_request(self, request: GenerationRequest) -> None:
        if request.frames != self.settings.frames:
            raise ShapeError(
                f"this model makes {self.settings.frames} frames at once; the request wants "
                f"{request.frames}. Retime the tracks (Retime Tracks) and ask for as many frames."
            )
        if any(side % self.multiple for side in request.size):
            width, height = (
                max(1, round(side / self.multiple)) * self.multiple for side in request.size
            )
            raise ShapeError(
                f"this model makes images whose sides are multiples of {self.multiple} pixels; "
                f"got {request.size}. Bring the image to {Size(width, height)} and fit the "
                "tracks to it (Transform Tracks); it was trained on 512x320, 512x512 and 320x512."
            )

    @contextmanager
    def _controlled(
        self, output: MotionProControlOutput | None
    ) -> Iterator[tuple[dict[str, Tensor], float | None]]:
        """Weights in place of the U-Net's and the motion bucket, while the U-Net is modulated."""
        if output is None or output.prepared is None or output.strength == 0.0:
            yield {}, None
            return
        prepared, strength = output.prepared, output.strength
        with prepared.adapter.attached(self.network.unet, prepared.modulations, strength):
            yield prepared.weights.at(strength), prepared.motion_bucket

    def _unet(
        self, arguments: tuple[Tensor, ...], weights: dict[str, Tensor], bucket: float | None
    ) -> Tensor:
        channels, timestep, embeds, ids = arguments
        if bucket is not None:
            ids = torch.stack([ids[:, 0], torch.full_like(ids[:, 1], bucket), ids[:, 2]], dim=1)
        dtype = self.network.unet.dtype
        cast = (channels.to(dtype), timestep, embeds.to(dtype), ids)
        return torch.func.functional_call(self.network.unet, weights, cast).sample.float()
