"""Clocks of dual-clock denoising: the noise level at which a region stops following the reference.

A clock is stated in sigma, so it does not depend on the number of steps, the timestep shift or the
scheduler of a run. People state it as "follow", the share of the model's own schedule that is done
when the region is released: 0 releases at once, 1 never. A FollowScale converts the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from .noise_schedule import shifted_sigma

# Steps of the schedules in which the authors of Time-to-Move state their clocks.
AUTHORS_STEPS = 50


@dataclass(frozen=True)
class Clock:
    """How strongly a region follows the reference at each noise level.

    Attributes:
        full: Down to this sigma it follows with weight 1. Infinity: it never does.
        free: From this sigma on it is free, with weight 0; between the two the weight falls
            linearly in sigma. Equal to `full` for a hard switch; 0 with `full` 0: never free.

    Raises:
        ValueError: Unless full >= free >= 0.
    """

    full: float
    free: float

    def __post_init__(self) -> None:
        if not self.full >= self.free >= 0.0 or math.isinf(self.free) and not math.isinf(self.full):
            raise ValueError(
                "a clock follows down to one sigma and is free from a lower or equal one, both at "
                f"least 0; got {self.full} and {self.free}."
            )

    @classmethod
    def switch(cls, sigma: float) -> Clock:
        """A hard switch: follow above sigma, free at and below it."""
        return cls(sigma, sigma)

    def weight(self, sigma: float) -> float:
        """The weight at one noise level above 0, 0..1."""
        if sigma <= self.free:
            return 0.0
        if sigma >= self.full:
            return 1.0
        return (sigma - self.free) / (self.full - self.free)

    def step_weight(self, sigma: float, next_sigma: float) -> float:
        """The mean weight over a step, 0..1: what one Euler step must use to be exact.

        Along dx/ds = (x - z(s)) / s with z(s) = w(s) reference + (1 - w(s)) prediction, a step from
        s to s' lands where a constant weight lands that is the mean of w over u = 1 / s:
        integral of w(t) t^-2 dt / (1 / s' - 1 / s). So a clock that strikes within a step acts for
        its part of the step, and a run of four steps follows as far as one of thirty.

        Args:
            sigma: The noise level before the step, above 0.
            next_sigma: The one after it, at least 0.

        Raises:
            ValueError: Unless sigma > next_sigma >= 0.
        """
        if not sigma > next_sigma >= 0.0:
            raise ValueError(
                f"a step leads from a sigma to a lower one; got {sigma} to {next_sigma}."
            )
        if next_sigma >= self.full:
            return 1.0
        if sigma <= self.free or next_sigma == 0.0:
            return 0.0
        whole = 1.0 / next_sigma - 1.0 / sigma
        followed = 0.0
        if sigma > self.full:
            followed += 1.0 / self.full - 1.0 / sigma
        high, low = min(sigma, self.full), max(next_sigma, self.free)
        if self.full > self.free and high > low:
            rise = math.log(high / low) + self.free / high - self.free / low
            followed += rise / (self.full - self.free)
        return min(followed / whole, 1.0)


FREE = Clock.switch(math.inf)
EXACT = Clock.switch(0.0)


def steps_followed(clock: Clock, sigmas: Sequence[float]) -> float:
    """How many steps of a run a region follows, the parts of steps included.

    Args:
        clock: Of the region.
        sigmas: Falling noise levels of the run, its last one included.
    """
    pairs = zip(sigmas, sigmas[1:], strict=False)
    return sum(clock.step_weight(one, after) for one, after in pairs)


@dataclass(frozen=True)
class FollowScale:
    """The conversion of "follow" 0..1 into sigma for one kind of model.

    Attributes:
        to_sigma: Sigma of the model's own schedule after a share of its steps, falling.
    """

    to_sigma: Callable[[float], float]

    def sigma(self, follow: float) -> float:
        """Sigma of a follow value; infinity for 0, which releases at once, and 0 for 1.

        Raises:
            ValueError: Follow is not in 0..1.
        """
        if not 0.0 <= follow <= 1.0:
            raise ValueError(
                "follow is a share of the schedule, from 0 (free at once) to 1 (never free); got "
                f"{follow}."
            )
        if follow == 0.0:
            return math.inf
        return 0.0 if follow == 1.0 else self.to_sigma(follow)

    def follow(self, sigma: float) -> float:
        """The follow value of a noise level, the inverse of `sigma`; to about 1e-9.

        Noise levels above the schedule give 0, those below it 1.
        """
        low, high = 0.0, 1.0
        for _ in range(30):
            middle = (low + high) / 2.0
            if self.to_sigma(middle) > sigma:
                low = middle
            else:
                high = middle
        return 0.0 if low == 0.0 else 1.0 if high == 1.0 else high

    def clock(self, follow: float, ramp: float = 0.0) -> Clock:
        """The clock of a follow value with a ramp around it.

        Args:
            follow: The share of the schedule at which the region is released, 0..1.
            ramp: The share over which the weight falls from 1 to 0, half before and half after
                `follow`; 0 is a hard switch.

        Raises:
            ValueError: A value out of range.
        """
        if not 0.0 <= ramp <= 1.0:
            raise ValueError(f"a ramp is a share of the schedule, 0..1; got {ramp}.")
        if follow in (0.0, 1.0) or ramp == 0.0:
            return Clock.switch(self.sigma(follow))
        end = min(follow + ramp / 2.0, 1.0)
        return Clock(self.to_sigma(max(follow - ramp / 2.0, 0.0)), self.sigma(end))


def flow_scale(shift: float) -> FollowScale:
    """The scale of a flow model whose own schedule has this timestep shift."""
    return FollowScale(lambda follow: shifted_sigma(follow, shift))


def karras_scale(sigma_min: float, sigma_max: float, rho: float = 7.0) -> FollowScale:
    """The scale of a model sampled with Karras' schedule (Karras et al., 2022, eq. 5)."""

    def to_sigma(follow: float) -> float:
        high, low = sigma_max ** (1.0 / rho), sigma_min ** (1.0 / rho)
        return (high + follow * (low - high)) ** rho

    return FollowScale(to_sigma)


@dataclass(frozen=True)
class FamilyClocks:
    """The scale of a model family, and clocks to begin with as follow values (weak, strong).

    Attributes:
        scale: Follow to sigma.
        cut_and_drag: For a reference in which cut-out objects move over the picture.
        camera: For the picture warped by a camera move, with a mask of its valid pixels.
        origin: Where the values come from.
    """

    scale: FollowScale
    cut_and_drag: tuple[float, float]
    camera: tuple[float, float]
    origin: str


def _of_steps(weak: int, strong: int) -> tuple[float, float]:
    return weak / AUTHORS_STEPS, strong / AUTHORS_STEPS


def _cogvideox_sigma(follow: float) -> float:
    return _cogvideox_sigmas()[round((1.0 - follow) * 999)]


@cache
def _cogvideox_sigmas() -> list[float]:
    """Sigmas of the 1000 timesteps: the linear betas of its config with a zero terminal SNR."""
    roots, product = [], 1.0
    start, end = 0.00085**0.5, 0.012**0.5
    for index in range(1000):
        product *= 1.0 - (start + (end - start) * index / 999) ** 2
        roots.append(math.sqrt(product))
    first, last = roots[0], roots[-1]
    scaled = [(root - last) * first / (first - last) for root in roots]
    scaled[-1] = math.sqrt(4.8973451890853435e-08)
    return [math.sqrt((1.0 - root**2) / root**2) for root in scaled]


_WAN = FamilyClocks(
    flow_scale(3.0), _of_steps(3, 7), _of_steps(2, 5), "Time-to-Move, Wan 2.2 I2V-A14B"
)


def _at_wans_levels(scale: FollowScale) -> FamilyClocks:
    """Clocks at the noise levels of Wan's, as shares of another schedule."""

    def both(follows: tuple[float, float]) -> tuple[float, float]:
        weak, strong = (scale.follow(_WAN.scale.sigma(one)) for one in follows)
        return weak, strong

    origin = "Wan's noise levels; not tuned for this family"
    return FamilyClocks(scale, both(_WAN.cut_and_drag), both(_WAN.camera), origin)


FAMILIES: dict[str, FamilyClocks] = {
    "wan": _WAN,
    "cogvideox": FamilyClocks(
        FollowScale(_cogvideox_sigma),
        _of_steps(4, 9),
        _of_steps(4, 9),
        "Time-to-Move, CogVideoX 5B; the paper has none for camera moves",
    ),
    "svd": FamilyClocks(
        karras_scale(0.002, 700.0),
        _of_steps(16, 21),
        _of_steps(16, 21),
        "Time-to-Move, SVD; the paper has none for camera moves",
    ),
    # The timestep shifts of ComfyUI's classes. LTX's is stated as a logarithm there.
    "ltx": _at_wans_levels(flow_scale(math.exp(2.37))),
    "hunyuan": _at_wans_levels(flow_scale(7.0)),
    "mochi": _at_wans_levels(flow_scale(6.0)),
    "minimax": _at_wans_levels(flow_scale(12.0)),
    "kandinsky": _at_wans_levels(flow_scale(10.0)),
    "flow": replace(_WAN, origin="Wan's noise levels and shift; not tuned"),
}
