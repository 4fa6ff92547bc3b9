"""The sampling loop: from noise to a video, for any family, control and guidance."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..guidance.linear import no_guidance
from ..models.protocols import (
    Branch,
    ControlOutput,
    GenerationRequest,
    GenerationResult,
    Guidance,
    LatentGuidance,
    TrackControl,
    VideoModel,
)
from ..progress import Progress, silent
from ..tracks.arguments import whole_number
from ..tracks.model import Tracks
from .schedule import ControlSchedule, track_weights

logger = logging.getLogger(__name__)

# Called after a step with its number and a function that draws a preview. Drawing costs time, so
# the callee decides whether to draw.
Preview = Callable[[int, Callable[[], Tensor]], None]


def no_preview(step: int, draw: Callable[[], Tensor]) -> None:
    """A Preview that draws nothing."""


@dataclass(frozen=True)
class Sampling:
    """How a video is sampled.

    Attributes:
        steps: 1..1000.
        seed: Any integer from 0.
        guidance: Combines the predictions of a step.
        schedule: When and how strongly the control acts.
        latent_guidance: What moves the latents before each step, in this order.
    """

    steps: int = 8
    seed: int = 0
    guidance: Guidance = field(default_factory=no_guidance)
    schedule: ControlSchedule = field(default_factory=ControlSchedule)
    latent_guidance: tuple[LatentGuidance, ...] = ()

    def __post_init__(self) -> None:
        whole_number("steps", self.steps, least=1, most=1000)
        whole_number("seed", self.seed, least=0)


@dataclass(frozen=True)
class Watch:
    """Callbacks of a run. progress is called before the first step and after every one, and may
    raise to stop the run."""

    progress: Progress = silent
    preview: Preview = no_preview


@dataclass(frozen=True, eq=False)
class _Run:
    """What stays the same through all steps of a run."""

    model: VideoModel[Any]
    control: TrackControl[Any, Any] | None
    condition: Any
    prepared: Any
    settings: Sampling

    def calls(
        self, latents: Tensor, timestep: Tensor, strength: float
    ) -> list[tuple[Branch, ControlOutput | None]]:
        """The predictions of one step, with what the control adds to each."""
        branches = self.settings.guidance.branches
        added: ControlOutput | None = None
        is_needed = any(branch.control for branch in branches)
        if self.control is not None and strength > 0.0 and is_needed:
            added = self.control.residuals(self.prepared, latents, timestep, self.condition)
            added = added.scaled(strength)
        return [(branch, added if branch.control else None) for branch in branches]


@torch.no_grad()
def sample(
    model: VideoModel[Any],
    control: TrackControl[Any, Any] | None,
    request: GenerationRequest,
    tracks: Tracks,
    settings: Sampling = Sampling(),
    watch: Watch = Watch(),
) -> GenerationResult:
    """A video that starts with the request's image and follows the tracks.

    Without control, or with tracks that are never visible, the result is that of the model alone,
    bit for bit. The same seed gives the same video; the global random state is not used. An error
    raised by watch.progress ends the run. The result's notes are logged.

    Args:
        model: Generates.
        control: Makes the model follow tracks, or None.
        request: What to generate.
        tracks: On the request's canvas, of its number of frames.
        settings: How it is sampled.
        watch: Callbacks.

    Raises:
        CanvasError, ShapeError: When the tracks belong to another canvas or length.
    """
    _check_tracks(tracks, request)
    run = _start(model, control, request, tracks, settings, watch)
    watch.progress(0, settings.steps)
    latents = _denoise(run, watch)
    clip = _trimmed(model.decode(latents, run.condition, tracks, watch.progress), request)
    _check_clip(clip, request)
    for note in clip.notes:
        logger.info("%s", note)
    return clip


def _start(
    model: VideoModel[Any],
    control: TrackControl[Any, Any] | None,
    request: GenerationRequest,
    tracks: Tracks,
    settings: Sampling,
    watch: Watch,
) -> _Run:
    condition = model.condition(request, watch.progress)
    if control is None or settings.schedule.strength == 0.0 or not bool(tracks.visible.any()):
        return _Run(model, None, condition, None, settings)
    weights = track_weights(tracks, by_visibility=settings.schedule.by_visibility)
    return _Run(model, control, condition, control.prepare(tracks, weights, condition), settings)


def _denoise(run: _Run, watch: Watch) -> Tensor:
    """Finished latents."""
    generator = torch.Generator("cpu").manual_seed(run.settings.seed)
    scheduler = run.model.scheduler()
    latents = run.model.noise(run.condition, generator)
    scheduler.set_timesteps(run.settings.steps, device=latents.device)
    steps = len(scheduler.timesteps)
    # The first use of a scheduler imports its module, which takes a while.
    watch.progress(0, steps)
    latents = latents * getattr(scheduler, "init_noise_sigma", 1.0)
    guidance_steps = [
        guidance.begin(run.model, run.condition, steps) for guidance in run.settings.latent_guidance
    ]
    for step, timestep in enumerate(scheduler.timesteps):
        strength = run.settings.schedule.at(step, steps)
        predict = partial(_predicted, run, scheduler, timestep, strength)
        for guidance_step in guidance_steps:
            latents = guidance_step(latents, timestep, step, predict)
        latents = scheduler.step(predict(latents), timestep, latents, return_dict=False)[0]
        _preview(run, watch, step, latents)
        watch.progress(step + 1, steps)
    return latents


def _predicted(
    run: _Run, scheduler: Any, timestep: Tensor, strength: float, latents: Tensor
) -> Tensor:
    """One prediction from those of all branches."""
    scaled = _scaled_input(scheduler, latents, timestep)
    calls = run.calls(scaled, timestep, strength)
    predictions = run.model.predict(scaled, timestep, run.condition, calls)
    return run.settings.guidance.combine(predictions)


def _preview(run: _Run, watch: Watch, step: int, latents: Tensor) -> None:
    watch.preview(step, lambda: run.model.preview(latents, run.condition))


def _scaled_input(scheduler: Any, latents: Tensor, timestep: Tensor) -> Tensor:
    """Latents as the model reads them; flow matching does not scale them."""
    scale = getattr(scheduler, "scale_model_input", None)
    return latents if scale is None else scale(latents, timestep)


def _check_tracks(tracks: Tracks, request: GenerationRequest) -> None:
    if tracks.size != request.size:
        raise CanvasError(
            f"the tracks were measured on {tracks.size} but the image is {request.size}; fit the "
            "tracks to the image first (Transform Tracks)."
        )
    if tracks.num_frames != request.frames:
        raise ShapeError(
            f"the tracks have {tracks.num_frames} frames but the request has "
            f"{request.frames}; make them agree first (Retime Tracks)."
        )


def _trimmed(clip: GenerationResult, request: GenerationRequest) -> GenerationResult:
    """The last frame alone for last_only, also from families that decode all frames."""
    if not request.last_only:
        return clip
    holes = None if clip.holes is None else clip.holes[-1:]
    return replace(clip, frames=clip.frames[-1:], holes=holes)


def _check_clip(clip: GenerationResult, request: GenerationRequest) -> None:
    """Raises for a result that breaks the protocol."""
    shape = (
        1 if request.last_only else request.frames,
        request.size.height,
        request.size.width,
        3,
    )
    if tuple(clip.frames.shape) != shape:
        raise ShapeError(f"the model made {tuple(clip.frames.shape)} instead of {shape}.")
    if not bool(torch.isfinite(clip.frames).all()):
        raise ValueError(
            "the model made NaN or infinite pixels; lower the guidance scale or the control "
            "strength, or use float32."
        )
