"""Follow Motion on latents that pack video and sound: the hooks against a loop by hand.

The video follows and the sound is the model's own, in every parametrisation and both precisions.
"""

from __future__ import annotations

import importlib
import math

import pytest
import torch
from torch import Tensor

from motion_core.guidance.noise_schedule import NoiseSchedule, Prediction, add_noise, euler_step
from tests.guidance.test_dual_clock import KINDS, TOLERANCE, network, sigmas_of
from tests.host.pack import MODULE_NAME, pack_module

VIDEO, SOUND = (1, 4, 5, 6, 8), 37
WEAK, STRONG = 2, 6


def packed(video: Tensor, sound: Tensor) -> Tensor:
    """As ComfyUI packs latents: (B, 1, N)."""
    return torch.cat([video.reshape(1, 1, -1), sound], -1)


def by_hand(
    kind: tuple[NoiseSchedule, Prediction],
    reference: Tensor,
    mask: Tensor,
    noise: Tensor,
    sigmas: list[float],
) -> Tensor:
    """Time-to-Move on the video of packed latents. The run keeps all its steps, as the sound begins
    from pure noise; the video is on the reference until the weak step."""
    schedule, prediction = kind
    denoiser, size = network(schedule, prediction), math.prod(VIDEO)

    def put(x: Tensor, weight: Tensor | float, sigma: float) -> Tensor:
        video, e = (one[..., :size].view(VIDEO) for one in (x, noise))
        video = (1 - weight) * video + weight * add_noise(schedule, reference, e, sigma)
        return packed(video, x[..., size:])

    x = put(add_noise(schedule, torch.zeros_like(noise), noise, sigmas[0]), 1.0, sigmas[0])
    for step in range(len(sigmas) - 1):
        clean = denoiser(x[..., None], sigmas[step])[..., 0]
        x = euler_step(schedule, x, clean, sigmas[step], sigmas[step + 1])
        if step < STRONG:
            x = put(x, 1.0 if step < WEAK else mask, sigmas[step + 1])
    return x


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("kind", KINDS)
def test_packed_latents_equal_the_loop(
    kind: tuple[NoiseSchedule, Prediction], dtype: torch.dtype
) -> None:
    pack_module("nodes.host")
    host = importlib.import_module(f"{MODULE_NAME}.nodes.host_model")
    clocks = pack_module("motion_core.guidance.clocks")
    dual = pack_module("motion_core.guidance.dual_clock")
    schedule, prediction = kind
    generator = torch.Generator().manual_seed(3)
    reference = torch.randn(VIDEO, generator=generator, dtype=dtype)
    mask = (torch.rand(1, 1, *VIDEO[2:], generator=generator) > 0.5).to(dtype)
    noise = torch.randn(1, 1, math.prod(VIDEO) + SOUND, generator=generator, dtype=dtype)
    sigmas = sigmas_of(schedule)
    region = dual.FollowRegion(mask, clocks.Clock.switch(sigmas[STRONG]))
    clock = dual.DualClock(reference, clocks.Clock.switch(sigmas[WEAK]), (region,))
    run = host._Run(clock, noise, tuple(sigmas), schedule, VIDEO)
    run, latents = host._started(run, noise, torch.zeros_like(noise))
    options = {"transformer_options": {host.FOLLOW_KEY: run}}
    denoiser = network(schedule, prediction)

    def executor(x: Tensor, timestep: Tensor, *_: object) -> Tensor:
        return denoiser(x[..., None], float(timestep))[..., 0]

    x = add_noise(schedule, latents, noise, sigmas[0])
    for sigma, after in zip(sigmas, sigmas[1:], strict=False):
        level = torch.tensor([sigma], dtype=torch.float64)
        clean = host._follow_prediction(executor, x, level, options)
        x = euler_step(schedule, x, clean, sigma, after)
    wanted = by_hand(kind, reference, mask, noise, sigmas)
    scale = max(1.0, float(wanted.abs().max()))
    assert float((x - wanted).abs().max()) <= TOLERANCE[dtype] * scale
    sound = wanted[..., math.prod(VIDEO) :]
    assert sound.abs().max() > 0.01, "the sound is sampled"
