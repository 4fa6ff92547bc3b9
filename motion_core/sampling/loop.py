"""From noise to a clip, for any model family, any control and any guidance."""

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

# Called after a step with its number and a function that draws the clip so far: drawing costs
# time, so whoever watches decides whether to.
Preview = Callable[[int, Callable[[], Tensor]], None]


def no_preview(step: int, draw: Callable[[], Tensor]) -> None:
    """A Preview that does not look."""


@dataclass(frozen=True)
class Sampling:
    """How a clip is sampled. steps: 1..1000. seed: any whole number from 0. steering: what moves
    the latents before each step, in this order."""

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
    """Who follows a run. progress is told of every step and may raise to stop it."""

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
        steered = any(branch.control for branch in branches)
        if self.control is not None and strength > 0.0 and steered:
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
    """A clip that starts with the request's picture and follows the tracks.

    Without control, or with tracks of which nothing is ever visible, the model is left to itself:
    exactly as if no control were there. The same seed gives the same clip; no other random numbers
    are touched. Whatever watch.progress raises ends the run and is passed on. The clip's notes are
    logged.
    Raises CanvasError or ShapeError when the tracks belong to another canvas or length.
    """
    _check_tracks(tracks, request)
    run = _start(model, control, request, tracks, settings, watch)
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
    """Latents of the finished clip."""
    generator = torch.Generator("cpu").manual_seed(run.settings.seed)
    scheduler = run.model.scheduler()
    latents = run.model.noise(run.condition, generator)
    scheduler.set_timesteps(run.settings.steps, device=latents.device)
    steps = len(scheduler.timesteps)
    latents = latents * getattr(scheduler, "init_noise_sigma", 1.0)
    guidance_steps = [
        one.begin(run.model, run.condition, steps) for one in run.settings.latent_guidance
    ]
    for step, timestep in enumerate(scheduler.timesteps):
        strength = run.settings.schedule.at(step, steps)
        predict = partial(_predicted, run, scheduler, timestep, strength)
        for guidance_step in guidance_steps:
            latents = guidance_step(latents, timestep, step, predict)
        latents = scheduler.step(predict(latents), timestep, latents, return_dict=False)[0]
        _look(run, watch, step, latents)
        watch.progress(step + 1, steps)
    return latents


def _predicted(
    run: _Run, scheduler: Any, timestep: Tensor, strength: float, latents: Tensor
) -> Tensor:
    """One prediction from those of all branches."""
    seen = _scaled_input(scheduler, latents, timestep)
    calls = run.calls(seen, timestep, strength)
    predictions = run.model.predict(seen, timestep, run.condition, calls)
    return run.settings.guidance.combine(predictions)


def _look(run: _Run, watch: Watch, step: int, latents: Tensor) -> None:
    watch.preview(step, lambda: run.model.preview(latents, run.condition))


def _scaled_input(scheduler: Any, latents: Tensor, timestep: Tensor) -> Tensor:
    """Latents as the model reads them; flow matching has no such scale."""
    scale = getattr(scheduler, "scale_model_input", None)
    return latents if scale is None else scale(latents, timestep)


def _check_tracks(tracks: Tracks, request: GenerationRequest) -> None:
    if tracks.size != request.size:
        raise CanvasError(
            f"the tracks were measured on {tracks.size} but the picture is {request.size}; fit the "
            "tracks to the picture first (Transform Tracks)."
        )
    if tracks.num_frames != request.frames:
        raise ShapeError(
            f"the tracks have {tracks.num_frames} frames but the request has "
            f"{request.frames}; make them agree first (Retime Tracks)."
        )


def _trimmed(clip: GenerationResult, request: GenerationRequest) -> GenerationResult:
    """The last frame alone where no more is wanted: families need not know that wish."""
    if not request.last_only:
        return clip
    holes = None if clip.holes is None else clip.holes[-1:]
    return replace(clip, frames=clip.frames[-1:], holes=holes)


def _check_clip(clip: GenerationResult, request: GenerationRequest) -> None:
    """A family that breaks its promise is found here, not in the host's next node."""
    wanted = (
        1 if request.last_only else request.frames,
        request.size.height,
        request.size.width,
        3,
    )
    if tuple(clip.frames.shape) != wanted:
        raise ShapeError(f"the model made {tuple(clip.frames.shape)} instead of {wanted}.")
    if not bool(torch.isfinite(clip.frames).all()):
        raise ValueError(
            "the model made NaN or infinite pixels; lower the guidance scale or the control "
            "strength, or use float32."
        )
