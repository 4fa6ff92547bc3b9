"""Dual-clock denoising: a region follows a noised reference until its clock, then is free.

Time-to-Move (Singer et al., arXiv 2511.08633) begins at a weak clock from the noised reference and
keeps the latents inside a mask on it until a strong clock. Here every region has a clock of its
own, in sigma; masks may be soft; a clock may be a ramp; some frames may follow to the end.

At each step the model gets blended latents, and the sampler a blended prediction,

    denoised <- (1 - w) D((1 - w) x + w (a z + b e)) + w z,

with the reference z, the run's noise e and the step's weights w (Clock.step_weight). Where w = 1
every solver of dx/ds = (x - denoised) / s keeps x on the noised reference, so any sampler can be
used. For hard masks and clocks on the steps of an Euler run this is the paper's algorithm; see
`reference.py`. Where w is constant, x stays (1 - w) times a free sample plus w times the noised
reference, however many steps the run has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import ShapeError
from ..progress import Progress, silent
from .clocks import Clock
from .noise_schedule import NoiseSchedule, add_noise, euler_step

Denoiser = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True, eq=False)
class FollowRegion:
    """A region of the latents and its clock.

    Attributes:
        mask: 0..1, broadcastable to the reference: (1, 1, T, h, w), or (T, 1, h, w) where frames
            are the batch.
        clock: When the region is released.
    """

    mask: Tensor
    clock: Clock


@dataclass(frozen=True, eq=False)
class DualClock:
    """What a run follows.

    Attributes:
        reference: z, clean latents in the model's own scale: (1, C, T, h, w) or (T, C, h, w).
        background: The clock outside all regions, the weak clock.
        regions: Regions with clocks of their own, the strong ones; later ones lie over earlier
            ones.

    Raises:
        ShapeError: A mask does not broadcast to the reference.
    """

    reference: Tensor
    background: Clock
    regions: tuple[FollowRegion, ...] = ()

    def __post_init__(self) -> None:
        for region in self.regions:
            shape = torch.broadcast_shapes(region.mask.shape, self.reference.shape)
            if shape != self.reference.shape:
                raise ShapeError(
                    f"a region's mask must broadcast to the reference {tuple(self.reference.shape)}"
                    f"; got {tuple(region.mask.shape)}."
                )

    @property
    def start_sigma(self) -> float:
        """Sigma down to which everything follows: a run may begin here, from the noised
        reference. Infinity where something is free at once."""
        return max([self.background.full, *(region.clock.full for region in self.regions)])

    def to(self, like: Tensor) -> DualClock:
        """The same with all tensors in the dtype and on the device of `like`."""
        regions = tuple(replace(one, mask=one.mask.to(like)) for one in self.regions)
        return replace(self, reference=self.reference.to(like), regions=regions)

    def weights(self, sigma: float, next_sigma: float) -> Tensor | None:
        """How strongly each latent follows over a step, broadcastable to the reference.

        None where nothing follows.
        """
        return self._composite(lambda clock: clock.step_weight(sigma, next_sigma))

    def start_weights(self) -> Tensor | None:
        """Where a run begins from the reference, as `weights`: all but what is free at once."""
        return self._composite(lambda clock: 0.0 if math.isinf(clock.full) else 1.0)

    def _composite(self, weigh: Callable[[Clock], float]) -> Tensor | None:
        background = weigh(self.background)
        weighed = [(region, weigh(region.clock)) for region in self.regions]
        if background == 0.0 and not any(weight for _, weight in weighed):
            return None
        total = self.reference.new_full([1] * self.reference.ndim, background)
        for region, weight in weighed:
            total = total + region.mask * (weight - total)
        return total

    def blend_input(
        self, latents: Tensor, noise: Tensor, sigma: float, schedule: NoiseSchedule, weights: Tensor
    ) -> Tensor:
        """The latents with the noised reference where they follow: what the model gets."""
        return torch.lerp(latents, add_noise(schedule, self.reference, noise, sigma), weights)

    def blend_denoised(self, denoised: Tensor, weights: Tensor) -> Tensor:
        """The denoised latents with the reference where they follow: what the sampler gets."""
        return torch.lerp(denoised, self.reference, weights)


def started_sigmas(sigmas: Sequence[float], start: float) -> list[float]:
    """The sigmas of a run that begins at `start` instead of the first one above it.

    The last sigma at or above `start` becomes `start`. If the step after it would be under half as
    long as the one it comes from, it is merged with the next. Runs that begin at or below `start`
    stay as they are.

    Args:
        sigmas: Falling noise levels of a run, its last one included.
        start: The sigma to begin at.

    Returns:
        At least one sigma; one alone means that no step is left, and the run ends on the noised
        reference at that level.
    """
    above = [sigma for sigma in sigmas if sigma >= start]
    below = list(sigmas[len(above) :])
    if not above or above[0] == start:
        return list(sigmas)
    if not below:
        return [sigmas[-1]]
    merged = len(below) > 1 and start - below[0] < 0.5 * (above[-1] - below[0])
    return [start, *(below[1:] if merged else below)]


def follow_reference(
    denoiser: Denoiser,
    clock: DualClock,
    noise: Tensor,
    sigmas: Sequence[float],
    schedule: NoiseSchedule,
    progress: Progress = silent,
) -> Tensor:
    """Latents sampled with Euler steps, each region on the reference until its clock.

    Args:
        denoiser: (latents, sigma) to denoised latents; any guidance is inside.
        clock: What to follow.
        noise: e, shape of the reference.
        sigmas: Falling noise levels, the last one 0; the run begins at `clock.start_sigma`.
        schedule: The model's noise schedule.
        progress: Called after every step; may raise to stop.

    Returns:
        Clean latents, shape of the reference.
    """
    levels = started_sigmas(sigmas, clock.start_sigma)
    start = clock.start_weights()
    clean = torch.zeros_like(noise) if start is None else clock.reference * start
    latents = add_noise(schedule, clean, noise, levels[0])
    for index, (sigma, following) in enumerate(zip(levels[:-1], levels[1:], strict=True)):
        weights = clock.weights(sigma, following)
        if weights is None:
            denoised = denoiser(latents, sigma)
        else:
            blended = clock.blend_input(latents, noise, sigma, schedule, weights)
            denoised = clock.blend_denoised(denoiser(blended, sigma), weights)
        latents = euler_step(schedule, latents, denoised, sigma, following)
        progress(index + 1, len(levels) - 1)
    return latents
