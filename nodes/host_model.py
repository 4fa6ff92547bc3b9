"""Hooks on ComfyUI's own MODEL: the one module that patches it.

Every patch goes on a clone. It uses the host's wrappers, reads no weight (so fp8, GGUF and LoRA
models stay what they are), and keeps nothing between runs: the state of a run travels in the
run's own model options, so an interrupted run leaves nothing behind.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..motion_core.errors import ShapeError
from ..motion_core.guidance.clocks import FREE
from ..motion_core.guidance.dual_clock import DualClock, FollowRegion, started_sigmas
from ..motion_core.guidance.noise_schedule import NoiseSchedule, add_noise, noise_between
from .host_latents import class_name

log = logging.getLogger(__name__)

FOLLOW_KEY = "motion_prompting_follow"
# Classes whose inpainting is the base class's: the host's own blend renoises the latents and tells
# the network nothing about the mask. Other classes give the network clean latents and a timestep
# per token instead, which is another algorithm.
BLENDING_CLASSES = {"WAN21", "CogVideoX", "SVD_img2vid", "GenmoMochi"}


class HostSchedule:
    """The noise schedule of a host's model_sampling, through its own noise_scaling."""

    def __init__(self, model_sampling: Any) -> None:
        self._sampling = model_sampling

    def signal(self, sigma: Tensor) -> Tensor:
        """The factor of the clean latents."""
        return self._scaled(sigma, 0.0, 1.0)

    def spread(self, sigma: Tensor) -> Tensor:
        """The factor of the noise."""
        return self._scaled(sigma, 1.0, 0.0)

    def _scaled(self, sigma: Tensor, noise: float, clean: float) -> Tensor:
        flat = sigma.reshape(-1, 1)
        ones = torch.ones_like(flat)
        return self._sampling.noise_scaling(flat, ones * noise, ones * clean).reshape(sigma.shape)


def form_of(model: Any) -> str:
    """How a MODEL's runs are blended: "blend" by the host's own inpainting, "wrap" by wrappers."""
    return "blend" if class_name(model) in BLENDING_CLASSES else "wrap"


def followed(model: Any, clock: DualClock, *, form: str | None = None) -> Any:
    """A clone of a MODEL that follows a reference; see motion_core.guidance.dual_clock.

    Args:
        model: The host's MODEL.
        clock: What to follow, its reference in the scale of the VAE.
        form: "blend" or "wrap"; None for the one of the model's class.

    Returns:
        A MODEL. Its runs begin at the weak clock, from the noised reference, whatever latents and
        sigmas they are given; each region then follows until its own clock.
    """
    return wrapped(
        model,
        FOLLOW_KEY,
        run=_FollowRun(clock, form or form_of(model)),
        prediction=_follow_prediction,
    )


def wrapped(model: Any, key: str, *, run: Any, prediction: Any) -> Any:
    """A clone of a MODEL with wrappers around a sampler's run and around each prediction.

    Args:
        model: ComfyUI's MODEL; it stays as it is.
        key: Names the wrappers. Those that the model has under this name are replaced.
        run: Of kind SAMPLER_SAMPLE.
        prediction: Of kind PREDICT_NOISE.
    """
    from comfy.patcher_extension import WrappersMP

    clone = model.clone()
    for kind, wrapper in ((WrappersMP.SAMPLER_SAMPLE, run), (WrappersMP.PREDICT_NOISE, prediction)):
        clone.remove_wrappers_with_key(kind, key)
        clone.add_wrapper_with_key(kind, key, wrapper)
    return clone


@dataclass(frozen=True, eq=False)
class _Run:
    """The state of one run: everything on its device and in the model's scale."""

    clock: DualClock
    noise: Tensor
    sigmas: tuple[float, ...]
    schedule: NoiseSchedule
    shape: tuple[int, ...]

    def weights(self, sigma: float) -> Tensor | None:
        """The weights of the step that begins at sigma, also between the sigmas of the run."""
        following = [one for one in self.sigmas if one < sigma * (1.0 - 1e-6)]
        return self.clock.weights(sigma, max(following, default=0.0))

    def video(self, latents: Tensor) -> Tensor:
        """The part of the run's latents that has the reference's shape."""
        return _video(latents, self.shape)[:, :, : self.clock.reference.shape[2]]

    def with_video(self, latents: Tensor, video: Tensor) -> Tensor:
        """The run's latents with another video part; the input stays as it is."""
        changed = latents.clone()
        self.video(changed).copy_(video)
        return changed


def _video(latents: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The video of latents that may be packed with audio: a view of `shape`."""
    if tuple(latents.shape[1:]) == tuple(shape[1:]):
        return latents
    return latents[:, 0, : math.prod(shape[1:])].view(latents.shape[0], *shape[1:])


class _FollowRun:
    """The wrapper around a run's sampling: begins it from the reference at the weak clock."""

    def __init__(self, clock: DualClock, form: str) -> None:
        self.clock, self.form = clock, form

    def __call__(
        self,
        executor: Any,
        guider: Any,
        sigmas: Tensor,
        extra_args: dict[str, Any],
        callback: Any,
        noise: Tensor,
        latent_image: Tensor | None = None,
        denoise_mask: Tensor | None = None,
        disable_pbar: bool = False,
    ) -> Tensor:
        """Sample; the arguments are those of the host's Sampler.sample."""
        model, first = guider.inner_model, float(sigmas[0])
        _check_conditioning(model, guider)
        if latent_image is None:
            latent_image = torch.zeros_like(noise)
        run = self._prepared(model, sigmas, noise, denoise_mask)
        is_fresh = bool(noise.any())
        if is_fresh:
            run, latent_image = _started(run, noise, latent_image)
        else:
            run, noise, latent_image = _continued(run, first, noise, latent_image)
        if len(run.sigmas) == 1:
            return _only_noised(model, run, noise, latent_image)
        if len(run.sigmas) < len(sigmas) or run.sigmas[0] != first:
            sigmas = sigmas.new_tensor(run.sigmas)
        options = extra_args["model_options"]
        options["transformer_options"]["sample_sigmas"] = sigmas
        blends = self.form == "blend" and _blends(executor.class_obj)
        if blends and is_fresh and denoise_mask is None and math.isfinite(run.clock.start_sigma):
            denoise_mask = noise.new_ones([1] * noise.ndim)
            options["denoise_mask_function"] = _mask_function(run)
        else:
            options["transformer_options"][FOLLOW_KEY] = run
        return executor(
            *(guider, sigmas, extra_args, callback, noise, latent_image, denoise_mask, disable_pbar)
        )

    def _prepared(
        self, model: Any, sigmas: Tensor, noise: Tensor, denoise_mask: Tensor | None
    ) -> _Run:
        """The run before it begins; `noise` is not its own yet.

        A run of video and audio keeps all its steps, since the audio begins from pure noise; the
        video follows everywhere until the weak clock."""
        shapes = model.latent_shapes or [noise.shape]
        shape = tuple(shapes[0])
        _check_fit(self.clock.reference, shape, type(model).__name__, denoise_mask is not None)
        start = math.inf if len(shapes) > 1 else self.clock.start_sigma
        levels = started_sigmas(sigmas.tolist(), start)
        _check_steps(self.clock, levels)
        clock = self._on_device(model, noise, denoise_mask, shape)
        return _Run(clock, noise, tuple(levels), HostSchedule(model.model_sampling), shape)

    def _on_device(
        self, model: Any, noise: Tensor, denoise_mask: Tensor | None, shape: tuple[int, ...]
    ) -> DualClock:
        """The clock in the model's scale; frames that the latents' own mask keeps are left out."""
        clock = self.clock.to(noise)
        reference = model.latent_format.process_in(clock.reference)
        regions = clock.regions
        if denoise_mask is not None:
            kept = 1.0 - _video(denoise_mask, _with_channels(denoise_mask, shape))
            kept = kept[:, :1, : reference.shape[2]].to(noise)
            regions = (*regions, FollowRegion(kept, FREE))
        return replace(clock, reference=reference, regions=regions)


def _with_channels(mask: Tensor, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a video's mask, whose channels may be one."""
    return shape if mask.ndim != len(shape) else (shape[0], mask.shape[1], *shape[2:])


def _started(run: _Run, noise: Tensor, latent_image: Tensor) -> tuple[_Run, Tensor]:
    """A run with noise of its own begins from the reference where it follows at all."""
    run = replace(run, noise=run.video(noise))
    weights = run.clock.start_weights()
    if weights is None:
        return run, latent_image
    video = torch.lerp(run.video(latent_image), run.clock.reference, weights)
    return run, run.with_video(latent_image, video)


def _continued(
    run: _Run, sigma: float, noise: Tensor, latent_image: Tensor
) -> tuple[_Run, Tensor, Tensor]:
    """A run without noise of its own goes on where another one stopped, as the low-noise expert of
    Wan 2.2 does. Its noise is the one that leads from the reference to its latents."""
    latents = add_noise(run.schedule, latent_image, noise, sigma)
    clock = run.clock
    found = noise_between(run.schedule, run.video(latents), clock.reference, sigma)
    run = replace(run, noise=found)
    if run.sigmas[0] == sigma:
        return run, noise, latent_image
    return (
        run,
        run.with_video(noise, found),
        run.with_video(latent_image, clock.reference.expand_as(found)),
    )


def _only_noised(model: Any, run: _Run, noise: Tensor, latent_image: Tensor) -> Tensor:
    """The end of a run that lies above the weak clock: the noised reference, as a sampler would
    hand it on."""
    end = noise.new_tensor(run.sigmas[-1])
    latents = add_noise(run.schedule, latent_image, noise, end)
    return latents if end == 0 else model.model_sampling.inverse_noise_scaling(end, latents)


def _blends(sampler: Any) -> bool:
    """Whether a sampler uses the host's own inpainting blend, with the run's own noise."""
    options = getattr(sampler, "inpaint_options", None)
    return options is not None and not options.get("random", False)


def _mask_function(run: _Run) -> Callable[..., Tensor]:
    """The denoise mask of every step: 1 minus the weights."""

    def denoise_mask(sigma: Tensor, mask: Tensor, extra_options: dict[str, Any]) -> Tensor:
        weights = run.weights(float(sigma.max()))
        return mask if weights is None else mask * (1.0 - weights)

    return denoise_mask


def _follow_prediction(
    executor: Any,
    latents: Tensor,
    timestep: Tensor,
    model_options: dict[str, Any] | None = None,
    seed: int | None = None,
) -> Tensor:
    """The wrapper around a prediction: blended latents in, the blended prediction out."""
    options = model_options or {}
    run = options.get("transformer_options", {}).get(FOLLOW_KEY)
    sigma = float(timestep.max())
    weights = None if run is None else run.weights(sigma)
    if run is None or weights is None:
        return executor(latents, timestep, options, seed)
    video = run.clock.blend_input(run.video(latents), run.noise, sigma, run.schedule, weights)
    denoised = executor(run.with_video(latents, video), timestep, options, seed)
    return run.with_video(denoised, run.clock.blend_denoised(run.video(denoised), weights))


def _check_fit(reference: Tensor, shape: tuple[int, ...], name: str, has_guides: bool) -> None:
    """Raises ShapeError unless a run's latents have the reference's shape, or more frames behind
    it that the latents' own mask keeps (guides)."""
    longer = has_guides and len(shape) == 5 and shape[2] > reference.shape[2]
    fits = shape[:2] + shape[3:] == tuple(reference.shape[:2] + reference.shape[3:]) and longer
    if not fits and shape != tuple(reference.shape):
        raise ShapeError(
            f"the sampler's latents are {shape} but Follow Motion's reference is "
            f"{tuple(reference.shape)} ({name}). Connect Follow Motion's latent output to the "
            "sampler, one clip per run (batch size 1)."
        )


def _check_conditioning(model: Any, guider: Any) -> None:
    """Raises ValueError where an image-to-video model gets no start image."""
    config = model.model_config.unet_config
    inputs = config.get("in_dim", config.get("in_channels", 0)) or 0
    name = type(model).__name__
    needs_image = getattr(model, "image_to_video", False) or name == "SVD_img2vid"
    conds = getattr(guider, "conds", {}).get("positive") or []
    has_image = any("concat_latent_image" in one for one in conds)
    if needs_image and inputs > model.latent_format.latent_channels and conds and not has_image:
        raise ValueError(
            f"this model ({name}) generates from a start image, and the "
            "conditioning has none. Connect its image-to-video node (such as WanImageToVideo or "
            "SVD_img2vid_Conditioning) between the prompts and the sampler."
        )


def _check_steps(clock: DualClock, sigmas: list[float]) -> None:
    """Raises ValueError where a run has too few steps for any region to follow."""
    released = [clock.background.free, *(one.clock.free for one in clock.regions)]
    strongest = min((sigma for sigma in released if sigma > 0.0), default=math.inf)
    if len(sigmas) == 2 and sigmas[1] == 0.0 and strongest < sigmas[0]:
        raise ValueError(
            f"the run has a single step, from sigma {sigmas[0]:.3f} to 0, which passes the strong "
            f"clock at sigma {strongest:.3f} at once. Use at least 2 steps, better 4 or more."
        )
