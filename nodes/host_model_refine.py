"""Re-noise refinement on ComfyUI's own MODEL, beside host_model.py: hooks under the same rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..motion_core.guidance.refine import (
    RefineSettings,
    Render,
    kept_channels,
    refined,
    replacing,
)
from .host_model import HostSchedule, wrapped

REFINE_KEY = "motion_prompting_refine"


@dataclass(frozen=True, eq=False)
class RefineRequest:
    """A camera move that runs refine along.

    Attributes:
        vae: The host's VAE.
        render: What the move shows of the first frame.
        settings: Strengths.
        gates_channels: Whether channels whose motion disagrees keep the model's estimate.
        start, end: Fractions of the sampling between which it acts.
        seed: Of the fresh noise.
    """

    vae: Any
    render: Render
    settings: RefineSettings = field(default_factory=RefineSettings)
    gates_channels: bool = True
    start: float = 0.0
    end: float = 0.3
    seed: int = 0


@dataclass
class _Run:
    """The state of one run: which sigmas are refined, its latents and the noise still to come."""

    sigmas: list[float]
    shapes: list[tuple[int, ...]]
    generator: torch.Generator

    def video(self, latents: Tensor) -> Tensor:
        """The video of latents that may be packed with sound: a view."""
        if len(self.shapes) == 1:
            return latents
        shape = self.shapes[0]
        return latents[:, 0, : math.prod(shape[1:])].view(latents.shape[0], *shape[1:])

    def with_video(self, latents: Tensor, video: Tensor) -> Tensor:
        """A copy of the latents with another video."""
        changed = latents.clone()
        self.video(changed).copy_(video)
        return changed

    def part(self, sigma: float) -> float:
        """How much of the refined steps is over, 0..1."""
        return sum(one > sigma * (1 + 1e-6) for one in self.sigmas) / len(self.sigmas)


def refining(model: Any, request: RefineRequest) -> Any:
    """A clone of a MODEL whose runs are refined along the render of a camera move."""
    return wrapped(model, REFINE_KEY, run=_begin(request), prediction=_refined_prediction(request))


def _begin(request: RefineRequest) -> Callable[..., Tensor]:
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
        if len(shapes[0]) == 5 and shapes[0][0] != 1:
            raise ValueError(
                f"refinement decodes and encodes one clip at a time; the latents hold "
                f"{shapes[0][0]}. Set the batch size to 1."
            )
        sampling = model.model_sampling
        most, least = (
            float(sampling.percent_to_sigma(one)) for one in (request.start, request.end)
        )
        most = math.inf if request.start == 0.0 else most
        acting = [one for one in sigmas[:-1].tolist() if least < one <= most]
        generator = torch.Generator().manual_seed(request.seed)
        run = _Run(acting, shapes, generator)
        extra_args["model_options"]["transformer_options"][REFINE_KEY] = run
        return executor(guider, sigmas, extra_args, callback, noise, *rest)

    return begin


def _refined_prediction(request: RefineRequest) -> Callable[..., Tensor]:
    def predict(
        executor: Any, x: Tensor, timestep: Tensor, model_options: Any = None, seed: Any = None
    ) -> Tensor:
        options = {} if model_options is None else model_options
        run = options.get("transformer_options", {}).get(REFINE_KEY)
        sigma = float(timestep.max())
        # A sampler may predict at other levels inside a step; only the run's own are refined.
        if run is None or not any(math.isclose(sigma, one, rel_tol=1e-5) for one in run.sigmas):
            return executor(x, timestep, options, seed)
        whole: list[Tensor] = []

        def estimate(video: Tensor) -> Tensor:
            whole[:] = [executor(run.with_video(x, video), timestep, options, seed)]
            return run.video(whole[0])

        def draw() -> Tensor:
            drawn = torch.randn(run.video(x).shape, generator=run.generator)
            return drawn.to(run.video(x))

        model = executor.class_obj.inner_model
        moved, clean = refined(
            run.video(x),
            sigma,
            estimate,
            _replacement(request, model, run.part(sigma)),
            HostSchedule(model.model_sampling),
            draw,
            request.settings,
        )
        # The sampler goes on from this tensor: its latents move too, which no return value can say.
        run.video(x).copy_(moved)
        return run.with_video(whole[0], clean)

    return predict


def _replacement(request: RefineRequest, model: Any, part: float) -> Callable[[Tensor], Tensor]:
    """Clean latents of the model to those that show the render, through the VAE."""
    import comfy.model_management

    from ..motion_core.trackers.dense_flow import measured_flow

    latent_format = model.latent_format

    def decode(latents: Tensor) -> Tensor:
        pixels = request.vae.decode(latent_format.process_out(latents))
        return pixels.reshape(-1, *pixels.shape[-3:])[..., :3]

    def encode(pixels: Tensor) -> Tensor:
        return latent_format.process_in(request.vae.encode(pixels))

    def flow(first: Tensor, second: Tensor) -> Tensor:
        pair = (one[..., None].expand(*one.shape, 3) for one in (first, second))
        return measured_flow(*pair)

    def kept(latents: Tensor, shown: Tensor) -> list[int]:
        if not request.gates_channels:
            return []
        return kept_channels(latents.float().cpu(), shown.float().cpu(), part, flow)

    inner = replacing(request.render, decode, encode, kept)

    def replace(latents: Tensor) -> Tensor:
        # The VAE may push the model out of the graphics card's memory; it is loaded again after.
        loaded = comfy.model_management.loaded_models(only_currently_used=True)
        shown = inner(latents.float().cpu()).to(latents)
        comfy.model_management.load_models_gpu(loaded)
        return shown

    return replace
