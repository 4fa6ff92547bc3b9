"""Checks of Follow Motion that run inside a host on the tiny models; see worker.py."""

from __future__ import annotations

import importlib
import math
from typing import Any

import torch
from torch import Tensor

from .host_worker import PACK
from .model_checks import sampled, video_of
from .tiny_models import TinyModel, tiny_model

STEPS, WEAK, STRONG, CFG, SEED = 8, 2, 5, 2.0, 5


def pack(name: str) -> Any:
    """A module of the pack as the host loaded it."""
    return importlib.import_module(f"{PACK}.{name}")


def schedule_of(model: TinyModel, steps: int = STEPS) -> Tensor:
    """The sigmas of the host's KSampler."""
    import comfy.samplers

    sampling = model.patcher.get_model_object("model_sampling")
    return comfy.samplers.calculate_sigmas(sampling, "simple", steps)


def hard_mask(shape: tuple[int, ...]) -> Tensor:
    """0 or 1 with one channel, in the layout of the latents."""
    one_channel = (shape[0], 1, *shape[2:])
    generator = torch.Generator().manual_seed(8)
    return (torch.rand(one_channel, generator=generator) > 0.5).float()


def clock_of(
    model: TinyModel, weak: float, strong: float, mask: Tensor | None = None
) -> tuple[Any, Tensor, Tensor]:
    """A DualClock with hard switches, its reference in the VAE's scale, and its mask."""
    clocks, dual = pack("motion_core.guidance.clocks"), pack("motion_core.guidance.dual_clock")
    reference = model.latents(7)
    mask = hard_mask(model.shape) if mask is None else mask
    region = dual.FollowRegion(mask, clocks.Clock.switch(strong))
    return dual.DualClock(reference, clocks.Clock.switch(weak), (region,)), reference, mask


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest value where that is above 1."""
    return float((one - other).abs().max()) / max(1.0, float(other.abs().max()))


def _loop(model: TinyModel, reference: Tensor, mask: Tensor, strong: int, sigmas: Tensor) -> Tensor:
    """Time-to-Move's loop around the host's guided prediction of the unpatched MODEL.

    Packed latents begin at the first step, with the video on the reference until the weak one."""
    import comfy.samplers

    add_noise = pack("motion_core.guidance.noise_schedule").add_noise
    step_to = pack("motion_core.guidance.noise_schedule").euler_step
    host = pack("nodes.host_model")

    class Loop(comfy.samplers.Sampler):
        def sample(
            self, wrap: Any, levels: Tensor, extra: Any, callback: Any, noise: Tensor, *_: Any
        ) -> Tensor:
            inner = wrap.inner_model
            schedule = host.HostSchedule(inner.model_sampling)
            z = inner.latent_format.process_in(reference)
            video = math.prod(z.shape[1:])
            packed = model.audio_shape is not None
            sampling, steps = inner.model_sampling, len(levels) - 1

            def put(x: Tensor, weight: Tensor, level: Tensor) -> Tensor:
                if not packed:
                    return (1 - weight) * x + weight * add_noise(schedule, z, noise, level)
                e = noise[:, 0, :video].view(z.shape)
                part = x[:, 0, :video].view(z.shape)
                part = (1 - weight) * part + weight * add_noise(schedule, z, e, level)
                return torch.cat([part.reshape(1, 1, -1), x[:, :, video:]], -1)

            begin, everything = (0 if packed else WEAK), torch.ones(1)
            x = add_noise(schedule, torch.zeros_like(noise), noise, levels[begin])
            x = put(x, everything, levels[begin])
            for index in range(begin, steps):
                clean = wrap(x, levels[index].expand(len(x)), **extra)
                x = step_to(schedule, x, clean, levels[index], levels[index + 1])
                if index < strong:
                    x = put(x, everything if index < WEAK else mask, levels[index + 1])
            return sampling.inverse_noise_scaling(levels[-1], x)

    import comfy.sample

    latents = model.latent_input(torch.zeros(model.shape))
    return video_of(
        comfy.sample.sample_custom(
            *(model.patcher, comfy.sample.prepare_noise(latents, SEED), CFG, Loop(), sigmas),
            *(model.positive, model.negative, latents),
            seed=SEED,
        )
    )


def equals_loop(name: str) -> dict[str, Any]:
    """Follow Motion through the host's Euler KSampler against Time-to-Move's loop."""
    model = tiny_model(name)
    host, sigmas = pack("nodes.host_model"), schedule_of(model)
    clock, reference, mask = clock_of(model, float(sigmas[WEAK]), float(sigmas[STRONG]))
    wanted = _loop(model, reference, mask, STRONG, sigmas)
    plain = sampled(model, model.patcher, torch.zeros(model.shape), steps=STEPS)
    out = {"class": type(model.patcher.model).__name__}
    for form in ("wrap",) if model.audio_shape else ("blend", "wrap"):
        patched = host.followed(model.patcher, clock, form=form)
        ours = video_of(sampled(model, patched, torch.zeros(model.shape), steps=STEPS))
        out[form] = difference(ours, wanted)
    chosen = host.followed(model.patcher, clock)
    out["form"] = host.form_of(chosen)
    after = sampled(model, model.patcher, torch.zeros(model.shape), steps=STEPS)
    out["leak"] = difference(video_of(after), video_of(plain))
    out["effect"] = difference(ours, video_of(plain))
    return out


def scale_of_family(name: str) -> list[float]:
    """The largest relative difference between a family's follow scale and the host's schedule."""
    model = tiny_model(name)
    sampling = model.patcher.get_model_object("model_sampling")
    families = pack("motion_core.guidance.clocks").FAMILIES
    scale = families[pack("nodes.host_latents").family_of(model.patcher)].scale
    follows = [index / 20 for index in range(1, 20)]
    wanted = [float(sampling.percent_to_sigma(one)) for one in follows]
    return [
        abs(scale.sigma(one) - sigma) / sigma for one, sigma in zip(follows, wanted, strict=True)
    ]
