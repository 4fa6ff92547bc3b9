"""Wan image-to-video as a family of the sampling protocols.

Text guidance has the tracks in both branches, as Wan-Move and ATI were released. Motion guidance
with a scale of its own needs a prediction without control, too; see guidance/linear.py. A branch
without control gets the plain condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...progress import Progress, silent
from ...tracks.model import Tracks
from ..protocols import Branch, ControlOutput, GenerationRequest, GenerationResult
from .control_output import WanControlOutput
from .latents import CELL_PX, FRAME_STRIDE, check_size, latent_frames
from .parts import WanParts, decode_video, encode_first_frame, encode_image, encode_prompt

# Of the 480p release; the 720p release and ATI use 5.
FLOW_SHIFT = 3.0


@dataclass(frozen=True, eq=False)
class WanCondition:
    """What does not depend on the noisy latents.

    Attributes:
        request: What was asked for.
        condition_latents: (1, 4 + C, T', H, W) float32, mask and image.
        prompt_embeds, negative_prompt_embeds: (1, 512, D).
        image_embeds: (1, P, D), CLIP's of the image, or None.
        latent_to_rgb: (C + 1, 3), a linear map from latents to colours for previews.
        notes: See GenerationResult.
        progress: Of the run.
    """

    request: GenerationRequest
    condition_latents: Tensor
    prompt_embeds: Tensor
    negative_prompt_embeds: Tensor
    image_embeds: Tensor | None
    latent_to_rgb: Tensor
    notes: tuple[str, ...]
    progress: Progress = silent

    @property
    def image_latent(self) -> Tensor:
        """(C, T', H, W), the latent of the image followed by empty frames."""
        return self.condition_latents[0, FRAME_STRIDE:]


class WanFamily:
    """A VideoModel whose latents are those of Wan's autoencoder, (1, C, T', H, W)."""

    def __init__(self, parts: WanParts, *, flow_shift: float | None = None) -> None:
        """flow_shift: of the noise levels; larger takes more steps at strong noise. None is the
        released scheduler's."""
        self.parts, self.flow_shift = parts, flow_shift

    def scheduler(self) -> Any:
        """A fresh one with the settings of the release."""
        config = self.parts.scheduler.config
        if self.flow_shift is None:
            return type(self.parts.scheduler).from_config(config)
        name = "flow_shift" if "flow_shift" in config else "shift"
        return type(self.parts.scheduler).from_config(config, **{name: self.flow_shift})

    def condition(self, request: GenerationRequest, progress: Progress = silent) -> WanCondition:
        """Prompt, image and mask as the networks read them.

        Raises ValueError for a size or a number of frames that Wan does not support; the message
        names the nearest that it does.
        """
        frames = latent_frames(request.frames)
        check_size(request.size, self.parts.multiple)
        with torch.no_grad():
            latent = encode_first_frame(self.parts, request.image, request.frames, progress)
            prompt_embeds = encode_prompt(self.parts, request.prompt)
            negative_prompt_embeds = encode_prompt(self.parts, request.negative)
            image_embeds = encode_image(self.parts, request.image)
        latent = latent.to(self.parts.transformer.device)
        mask = torch.zeros(FRAME_STRIDE, frames, *latent.shape[2:], device=latent.device)
        mask[:, 0] = 1
        return WanCondition(
            request,
            torch.cat([mask, latent])[None],
            prompt_embeds,
            negative_prompt_embeds,
            image_embeds,
            _latent_to_rgb(latent[:, 0], request.image),
            _notes(self.parts, request),
            progress,
        )

    def noise(self, condition: WanCondition, generator: torch.Generator) -> Tensor:
        """White noise, the same on every device."""
        shape = condition.image_latent[None].shape
        return torch.randn(shape, generator=generator).to(condition.condition_latents.device)

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: WanCondition,
        calls: Sequence[tuple[Branch, ControlOutput | None]],
    ) -> list[Tensor]:
        """Velocities, one per call, computed one after the other.

        Raises ValueError for an adapter, TypeError for another family's control output.
        """
        return [self._velocity(latents, timestep, condition, *call) for call in calls]

    def preview(self, latents: Tensor, condition: WanCondition) -> Tensor:
        """The middle frame, through a linear map that was fitted to the image and its latent."""
        middle = latents[0, :, latents.shape[2] // 2].float()
        ones = torch.ones_like(middle[:1])
        drawn = torch.einsum("chw,cd->hwd", torch.cat([middle, ones]), condition.latent_to_rgb)
        return drawn.clamp(0, 1)

    def decode(
        self,
        latents: Tensor,
        condition: WanCondition,
        tracks: Tracks,
        progress: Progress = silent,
    ) -> GenerationResult:
        """The video of finished latents; where the tracks went has to be measured by a tracker."""
        with torch.no_grad():
            frames = decode_video(self.parts, latents[0].float(), progress)
        return GenerationResult(frames, notes=condition.notes)

    def _velocity(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: WanCondition,
        branch: Branch,
        output: ControlOutput | None,
    ) -> Tensor:
        if branch.adapter is not None:
            raise ValueError(f"Wan has no adapters; got {branch.adapter!r}.")
        if output is not None and not isinstance(output, WanControlOutput):
            raise TypeError(f"Wan needs a control of its own; got {type(output).__name__}.")
        transformer = self.parts.transformer
        plain = condition.condition_latents
        beside = plain if output is None else output.edited_latents(plain)
        embeds = condition.prompt_embeds if branch.text else condition.negative_prompt_embeds
        with nullcontext() if output is None else output.attached(transformer):
            velocity = transformer(
                hidden_states=torch.cat([latents, beside.to(latents)], 1).to(transformer.dtype),
                timestep=timestep.expand(len(latents)).to(latents.device),
                encoder_hidden_states=embeds,
                encoder_hidden_states_image=condition.image_embeds,
                return_dict=False,
            )[0]
        return velocity.float()


def released_scheduler(flow_shift: float = FLOW_SHIFT) -> Any:
    """The scheduler of the Wan 2.1 release: UniPC on a flow."""
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=flow_shift
    )


def _latent_to_rgb(latent: Tensor, image: Tensor) -> Tensor:
    """(C + 1, 3): least-squares linear map from a latent (C, H, W) to its image."""
    planes = image.permute(2, 0, 1)[None].to(latent)
    small = functional.interpolate(planes, scale_factor=1 / CELL_PX, mode="area")[0]
    inputs = torch.cat([latent, torch.ones_like(latent[:1])]).flatten(1).double().cpu()
    outputs = small.flatten(1).double().cpu()
    # Ridge: with few cells some channels are undetermined, and get a weight near 0.
    gram = inputs @ inputs.T + 1e-3 * inputs.shape[1] * torch.eye(len(inputs), dtype=inputs.dtype)
    return torch.linalg.solve(gram, inputs @ outputs.T).to(latent)


def _notes(parts: WanParts, request: GenerationRequest) -> tuple[str, ...]:
    """Parts of a request that are not used."""
    notes = []
    if parts.text is None and (request.prompt or request.negative):
        notes.append("No text encoder is loaded: the prompt was not read.")
    if request.movable is not None:
        notes.append("Wan moves the whole image: the mask of what may move was not read.")
    return tuple(notes)
