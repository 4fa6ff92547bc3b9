"""Wan image-to-video as a family of the sampling protocols.

Text guidance keeps the tracks in both branches, as Wan-Move and ATI were released; true motion
guidance, with a scale of its own, asks for a prediction without control as well: both are
guidance.linear's affair, here a branch without control simply gets the plain condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional

from ...progress import Progress, silent
from ...tracks.model import Tracks
from ..protocols import Branch, ControlOutput, GenerationRequest, GenerationResult
from .latents import CELL_PX, FRAME_STRIDE, check_size, latent_frames
from .parts import WanParts, film, picture_latent, seen, words

# Of the 480p release; 720p and ATI use 5.
FLOW_SHIFT = 3.0


@runtime_checkable
class WanResiduals(Protocol):
    """What a control does to Wan: another condition beside the noise, or hooks on its blocks."""

    def scaled(self, strength: float) -> WanResiduals:
        """The same with its influence multiplied."""
        ...

    def given(self, plain: Tensor) -> Tensor:
        """(1, 4 + C, T', H, W), what the transformer reads beside the noise."""
        ...

    def attached(self, transformer: Any) -> AbstractContextManager[None]:
        """The transformer under control while the context lasts; as before afterwards."""
        ...


@dataclass(frozen=True, eq=False)
class WanCondition:
    """What does not depend on the noisy latents.

    given: (1, 4 + C, T', H, W) float32, mask and picture. words, negative: (1, 512, D). seen: of
    the picture, or None. colours: (C + 1, 3), from latents to a rough picture. progress: of the
    run, for what is prepared later.
    """

    request: GenerationRequest
    given: Tensor
    words: Tensor
    negative: Tensor
    seen: Tensor | None
    colours: Tensor
    notes: tuple[str, ...]
    progress: Progress = silent

    @property
    def latent(self) -> Tensor:
        """(C, T', H, W) of the picture before empty frames."""
        return self.given[0, FRAME_STRIDE:]


class WanFamily:
    """A VideoModel whose latents are those of Wan's autoencoder, (1, C, T', H, W)."""

    def __init__(self, parts: WanParts, *, flow_shift: float | None = None) -> None:
        """flow_shift: how long a run stays with strong noise; None is the released scheduler's."""
        self.parts, self.flow_shift = parts, flow_shift

    def scheduler(self) -> Any:
        """A fresh one with the settings of the release."""
        told = self.parts.scheduler.config
        if self.flow_shift is None:
            return type(self.parts.scheduler).from_config(told)
        name = "flow_shift" if "flow_shift" in told else "shift"
        return type(self.parts.scheduler).from_config(told, **{name: self.flow_shift})

    def condition(self, request: GenerationRequest, progress: Progress = silent) -> WanCondition:
        """Words, picture and mask as the networks read them.

        Raises ValueError for a size or a number of frames that Wan cannot do; the message names
        those it can.
        """
        frames = latent_frames(request.frames)
        check_size(request.size, self.parts.multiple)
        with torch.no_grad():
            latent = picture_latent(self.parts, request.image, request.frames, progress)
            told, untold = words(self.parts, request.prompt), words(self.parts, request.negative)
            clip = seen(self.parts, request.image)
        latent = latent.to(self.parts.transformer.device)
        mask = torch.zeros(FRAME_STRIDE, frames, *latent.shape[2:], device=latent.device)
        mask[:, 0] = 1
        return WanCondition(
            request,
            torch.cat([mask, latent])[None],
            told,
            untold,
            clip,
            _colours(latent[:, 0], request.image),
            _notes(self.parts, request),
            progress,
        )

    def noise(self, condition: WanCondition, generator: torch.Generator) -> Tensor:
        """White noise, the same on every device."""
        shape = condition.latent[None].shape
        return torch.randn(shape, generator=generator).to(condition.given.device)

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: WanCondition,
        calls: Sequence[tuple[Branch, ControlOutput | None]],
    ) -> list[Tensor]:
        """Velocities, one per call, each with the memory of one. Raises ValueError for an adapter,
        TypeError for another family's residuals."""
        return [self._velocity(latents, timestep, condition, *call) for call in calls]

    def preview(self, latents: Tensor, condition: WanCondition) -> Tensor:
        """The middle of the clip, in the colours that the picture itself taught."""
        middle = latents[0, :, latents.shape[2] // 2].float()
        ones = torch.ones_like(middle[:1])
        drawn = torch.einsum("chw,cd->hwd", torch.cat([middle, ones]), condition.colours)
        return drawn.clamp(0, 1)

    def decode(
        self,
        latents: Tensor,
        condition: WanCondition,
        tracks: Tracks,
        progress: Progress = silent,
    ) -> GenerationResult:
        """The video of finished latents. Wan cannot say where the tracks went."""
        with torch.no_grad():
            frames = film(self.parts, latents[0].float(), progress)
        return GenerationResult(frames, notes=condition.notes)

    def _velocity(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: WanCondition,
        branch: Branch,
        residuals: ControlOutput | None,
    ) -> Tensor:
        if branch.adapter is not None:
            raise ValueError(f"Wan has no adapters; got {branch.adapter!r}.")
        if residuals is not None and not isinstance(residuals, WanResiduals):
            raise TypeError(f"Wan needs a control of its own; got {type(residuals).__name__}.")
        transformer = self.parts.transformer
        given = condition.given if residuals is None else residuals.given(condition.given)
        held = nullcontext() if residuals is None else residuals.attached(transformer)
        with held:
            velocity = transformer(
                hidden_states=torch.cat([latents, given.to(latents)], 1).to(transformer.dtype),
                timestep=timestep.expand(len(latents)).to(latents.device),
                encoder_hidden_states=condition.words if branch.text else condition.negative,
                encoder_hidden_states_image=condition.seen,
                return_dict=False,
            )[0]
        return velocity.float()


def released_scheduler(flow_shift: float = FLOW_SHIFT) -> Any:
    """The scheduler of the Wan 2.1 release: UniPC on a flow."""
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=flow_shift
    )


def _colours(latent: Tensor, image: Tensor) -> Tensor:
    """(C + 1, 3): the linear map that best turns a latent (C, H, W) into its picture."""
    planes = image.permute(2, 0, 1)[None].to(latent)
    small = functional.interpolate(planes, scale_factor=1 / CELL_PX, mode="area")[0]
    inputs = torch.cat([latent, torch.ones_like(latent[:1])]).flatten(1).double().cpu()
    outputs = small.flatten(1).double().cpu()
    # Few cells leave channels undecided; those then say nothing.
    bound = inputs @ inputs.T + 1e-3 * inputs.shape[1] * torch.eye(len(inputs), dtype=inputs.dtype)
    return torch.linalg.solve(bound, inputs @ outputs.T).to(latent)


def _notes(parts: WanParts, request: GenerationRequest) -> tuple[str, ...]:
    """What of a request is not read."""
    notes = []
    if parts.text is None and (request.prompt or request.negative):
        notes.append("No text encoder is loaded: the prompt was not read.")
    if request.movable is not None:
        notes.append("Wan moves the whole picture: the mask of what may move was not read.")
    return tuple(notes)
