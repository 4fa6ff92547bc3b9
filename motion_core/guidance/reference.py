"""Plain loops that define the guidance algorithms of this package, for its tests.

They are written from the papers' formulas, one step after the other, and share nothing with the
fast implementations but the noise schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from .noise_schedule import NoiseSchedule, add_noise, euler_step


def time_to_move(
    denoiser: Callable[[Tensor, float], Tensor],
    reference: Tensor,
    mask: Tensor,
    noise: Tensor,
    sigmas: Sequence[float],
    weak_step: int,
    strong_step: int,
    schedule: NoiseSchedule,
) -> Tensor:
    """Dual-clock denoising as Time-to-Move states it, with clocks in steps (its algorithm 1).

    Args:
        denoiser: (latents, sigma) to denoised latents.
        reference: z, clean latents.
        mask: Where the strong clock holds, 0 or 1, broadcastable to the reference.
        noise: e, drawn once, shape of the reference.
        sigmas: Falling noise levels, one more than steps, the last one 0.
        weak_step: The step at which denoising begins, from the noised reference.
        strong_step: The step at which the mask is released.
        schedule: The model's noise schedule.

    Returns:
        Clean latents, shape of the reference.
    """
    latents = add_noise(schedule, reference, noise, sigmas[weak_step])
    for step in range(weak_step, len(sigmas) - 1):
        clean = denoiser(latents, sigmas[step])
        latents = euler_step(schedule, latents, clean, sigmas[step], sigmas[step + 1])
        if step < strong_step:
            noised = add_noise(schedule, reference, noise, sigmas[step + 1])
            latents = (1 - mask) * latents + mask * noised
    return latents


def fine_dual_clock(
    denoiser: Callable[[Tensor, float], Tensor],
    reference: Tensor,
    weight: Callable[[float], Tensor],
    noise: Tensor,
    sigmas: Sequence[float],
    schedule: NoiseSchedule,
    parts: int,
) -> Tensor:
    """Weights of any shape in sigma, followed in many small parts of every step.

    The denoiser is asked once per step, from the blended latents; within a step the blend of its
    answer and the reference follows the weight of every part. The limit of many parts defines
    Clock.step_weight.

    Args:
        denoiser: (latents, sigma) to denoised latents.
        reference: z, clean latents.
        weight: Sigma to the weights of the reference, broadcastable to it.
        noise: e, shape of the reference.
        sigmas: Falling noise levels, the last one above 0; the run begins from the noised
            reference.
        schedule: The model's noise schedule.
        parts: Parts of every step, evenly spaced in 1 / sigma.

    Returns:
        Latents at the last sigma.
    """
    latents = add_noise(schedule, reference, noise, sigmas[0])
    for step in range(len(sigmas) - 1):
        start, end = sigmas[step], sigmas[step + 1]
        clean = denoiser(latents, start)
        for part in range(parts):
            high = 1.0 / (1.0 / start + part / parts * (1.0 / end - 1.0 / start))
            low = 1.0 / (1.0 / start + (part + 1) / parts * (1.0 / end - 1.0 / start))
            middle = 2.0 / (1.0 / high + 1.0 / low)
            followed = weight(middle)
            target = (1 - followed) * clean + followed * reference
            latents = euler_step(schedule, latents, target, high, low)
    return latents
