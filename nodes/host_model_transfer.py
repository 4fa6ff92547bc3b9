"""Motion transfer on ComfyUI's own MODEL, beside host_model.py: hooks under the same rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..motion_core.guidance.motion_transfer import TransferSettings, TransferState, transferred
from .host_model import wrapped

TRANSFER_KEY = "motion_prompting_motion_transfer"


@dataclass(frozen=True, eq=False)
class MotionSource:
    """A clip whose motion a run repeats.

    Attributes:
        latents: (1, C, T, h, w), or (T, C, h, w) where frames are the batch, in the VAE's scale.
        settings: Strengths.
        start, end: Fractions of the sampling between which it acts.
        seed: Of the noise with which the clip is noised.
    """

    latents: Tensor
    settings: TransferSettings = field(default_factory=TransferSettings)
    start: float = 0.0
    end: float = 0.2
    seed: int = 0


@dataclass
class _Run:
    """The state of one run, on its device and in the model's scale."""

    clean: Tensor
    seed: int
    limits: tuple[float, float]
    shapes: list[tuple[int, ...]]
    begin: TransferState | None = None

    def video(self, latents: Tensor) -> Tensor:
        """The video of latents that may be packed with sound: a view."""
        if len(self.shapes) == 1:
            return latents
        shape = self.shapes[0]
        return latents[:, 0, : math.prod(shape[1:])].view(latents.shape[0], *shape[1:])

    def noise(self) -> Tensor:
        """The clip's noise, the same in every step; drawn again, which is cheaper than to hold."""
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randn(self.clean.shape, generator=generator).to(self.clean)

    def with_video(self, latents: Tensor, video: Tensor) -> Tensor:
        """A copy of the latents with another video."""
        changed = latents.clone()
        self.video(changed).copy_(video)
        return changed


def with_motion_transfer(model: Any, source: MotionSource) -> Any:
    """A clone of a MODEL whose runs repeat the motion of a clip."""
    return wrapped(
        model,
        TRANSFER_KEY,
        run=_begin_transfer(source),
        prediction=_transfer_prediction(source.settings),
    )


def _begin_transfer(source: MotionSource) -> Callable[..., Tensor]:
    def begin(
        executor: Any,
        guider: Any,
        sigmas: Tensor,
        extra_args: Any,
        callback: Any,
        noise: Tensor,
        *rest: Any,
    ) -> Tensor:
        model = guider.inner_model
        shapes = [tuple(one) for one in model.latent_shapes or [noise.shape]]
        _check_fit(source.latents, shapes[0], type(model).__name__)
        sampling = model.model_sampling
        limits = [float(sampling.percent_to_sigma(one)) for one in (source.start, source.end)]
        limits[0] = math.inf if source.start == 0.0 else limits[0]
        clean = model.latent_format.process_in(source.latents.to(noise))
        run = _Run(clean, source.seed, (limits[0], limits[1]), shapes)
        extra_args["model_options"]["transformer_options"][TRANSFER_KEY] = run
        return executor(guider, sigmas, extra_args, callback, noise, *rest)

    return begin


def _check_fit(latents: Tensor, shape: tuple[int, ...], name: str) -> None:
    """Raise ValueError unless the clip's latents are those of the run."""
    # Entries of a batch share the clip; where frames are the batch, their number counts.
    first = 0 if len(shape) == 4 else 1
    if latents.ndim != len(shape) or tuple(latents.shape[first:]) != shape[first:]:
        raise ValueError(
            f"the reference clip has latents of the shape {tuple(latents.shape)}, but the run "
            f"({name}) makes {shape}. Give the clip the size and number of frames of the video, "
            "and connect the VAE of the model."
        )


def _transfer_prediction(settings: TransferSettings) -> Callable[..., Tensor]:
    def predict(
        executor: Any, x: Tensor, timestep: Tensor, model_options: Any = None, seed: Any = None
    ) -> Tensor:
        options = {} if model_options is None else model_options
        run = options.get("transformer_options", {}).get(TRANSFER_KEY)
        denoised = executor(x, timestep, options, seed)
        if run is None:
            return denoised
        sigma = float(timestep.max())
        if run.begin is None:
            run.begin = TransferState(run.video(x).clone(), sigma)
        if not run.limits[1] < sigma <= run.limits[0]:
            return denoised
        wanted = _source_estimate(executor.class_obj, run, x, timestep, options)
        moved, estimate = transferred(
            run.video(x), run.video(denoised), wanted, sigma, run.begin, settings
        )
        # The sampler goes on from this tensor: its latents move too, which no return value can say.
        run.video(x).copy_(moved)
        return run.with_video(denoised, estimate)

    return predict


def _source_estimate(
    guider: Any, run: _Run, x: Tensor, timestep: Tensor, options: dict[str, Any]
) -> Tensor:
    """The estimate of the clip, noised to the level of the step, under the negative prompt."""
    import comfy.samplers

    sampling, video = guider.inner_model.model_sampling, run.video(x)
    clean, noise = run.clean.expand_as(video), run.noise().expand_as(video)
    sigma = timestep.max().reshape([1] * video.ndim)
    noised = sampling.noise_scaling(sigma, noise, clean)
    empty = guider.conds.get("negative") or guider.conds["positive"]
    (found,) = comfy.samplers.calc_cond_batch(
        guider.inner_model, [empty], run.with_video(x, noised), timestep, options
    )
    return run.video(found)
