"""The definition of re-noise refinement: a whole run by Euler's method, with plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..noise_schedule import NoiseSchedule
from .refine import RefineSettings, Render


def refine_reference(
    estimate: Callable[[Tensor, float], Tensor],
    autoencoder: tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]],
    schedule: NoiseSchedule,
    start: Tensor,
    render: Render,
    sigmas: Sequence[float],
    guided_steps: int,
    draw: Callable[[], Tensor],
    settings: RefineSettings,
) -> Tensor:
    """The latents at the end of a run; arguments as in refined, `autoencoder` decode and encode."""
    decode, encode = autoencoder
    x = start
    for step, (sigma, later) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        z = estimate(x, sigma)
        direction = (x - z) / sigma
        if step < guided_steps and settings.resamples:
            worse = direction
            for _ in range(settings.resamples):
                pixels = decode(z).clone()
                for frame in range(len(pixels)):
                    weight = render.weights[frame].to(pixels)
                    for colour in range(3):
                        own = pixels[frame, :, :, colour]
                        other = render.frames[frame, :, :, colour].to(pixels)
                        pixels[frame, :, :, colour] = (1 - weight) * own + weight * other
                level = x.new_tensor(sigma)
                x = schedule.signal(level) * encode(pixels) + schedule.spread(level) * draw()
                z = estimate(x, sigma)
            direction = _corrected((x - z) / sigma, worse, settings.correction)
        x = x + (later - sigma) * direction
    return x


def _corrected(good: Tensor, worse: Tensor, correction: float) -> Tensor:
    a, b = good.flatten().tolist(), worse.flatten().tolist()
    long, short = math.sqrt(math.fsum(v * v for v in a)), math.sqrt(math.fsum(v * v for v in b))
    cosine = max(
        -1.0, min(1.0, math.fsum(v * w for v, w in zip(a, b, strict=True)) / (long * short))
    )
    sine = math.sqrt(1.0 - cosine * cosine)
    moved = [
        v + correction * sine * (v - long / short * cosine * w) for v, w in zip(a, b, strict=True)
    ]
    return torch.tensor(moved, dtype=good.dtype).view_as(good)
