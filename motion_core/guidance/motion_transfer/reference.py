"""The definition of motion transfer: a whole run by Euler's method, with autograd and torch's Adam.

After FlowMotion (arXiv 2603.06289). Chosen here: the estimate that follows the source is the guided
one, its direction is predicted once per step, and the mean direction is taken after the shift.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..noise_schedule import NoiseSchedule
from .transfer import TransferSettings

# Noised latents and their noise level to an estimate of the clean latents.
Estimate = Callable[[Tensor, float], Tensor]


def transfer_reference(
    estimate: Estimate,
    source_estimate: Estimate,
    schedule: NoiseSchedule,
    start: Tensor,
    source: tuple[Tensor, Tensor],
    sigmas: Sequence[float],
    guided_steps: int,
    settings: TransferSettings,
) -> Tensor:
    """The latents at the end of a run.

    Args:
        estimate: The model under its prompt.
        source_estimate: The model under an empty prompt.
        schedule: Of the noise: flow or variance-exploding.
        start: Noised latents at sigmas[0].
        source: Clean latents of the source, and the noise they are noised with.
        sigmas: Descending, the last one 0.
        guided_steps: How many steps, from the first, are guided.
        settings: Strengths.
    """
    x = start
    for step, (sigma, later) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        z = estimate(x, sigma)
        direction = (x - z) / sigma
        if step < guided_steps:
            level = x.new_tensor(sigma)
            noised = schedule.signal(level) * source[0] + schedule.spread(level) * source[1]
            x = _optimised(x, direction, source_estimate(noised, sigma), sigma, settings)
            if step > 0:
                mean = (x - start) / (sigma - sigmas[0])
                direction = _reduced(direction, mean, settings.keep)
        x = x + (later - sigma) * direction
    return x


def _optimised(
    x: Tensor, direction: Tensor, wanted: Tensor, sigma: float, settings: TransferSettings
) -> Tensor:
    free = x.detach().clone().requires_grad_(True)
    adam = torch.optim.Adam([free], lr=settings.rate)
    for _ in range(settings.iterations):
        adam.zero_grad()
        z = free - sigma * direction.detach()
        loss = settings.match_weight * (wanted - z).square().sum()
        frames = z.unbind(0 if z.ndim == 4 else 2)
        wanted_frames = wanted.unbind(0 if z.ndim == 4 else 2)
        for now in range(1, len(frames)):
            change = frames[now] - frames[now - 1]
            wanted_change = wanted_frames[now] - wanted_frames[now - 1]
            loss = loss + settings.change_weight * (wanted_change - change).square().sum()
        loss.backward()
        adam.step()
    return free.detach()


def _reduced(direction: Tensor, mean: Tensor, keep: float) -> Tensor:
    clips = [slice(None)] if direction.ndim == 4 else [slice(n, n + 1) for n in range(len(mean))]
    reduced = torch.empty_like(direction)
    for clip in clips:
        a, b = direction[clip].flatten(), mean[clip].flatten()
        along = b * (a @ b) / (b @ b)
        reduced[clip] = (along + keep * (a - along)).view_as(direction[clip])
    return reduced
