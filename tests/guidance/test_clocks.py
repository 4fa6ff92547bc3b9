"""Clocks: weights of a step against integrals, follow values against known schedules."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.guidance.clocks import (
    EXACT,
    FAMILIES,
    FREE,
    Clock,
    FollowScale,
    flow_scale,
    karras_scale,
)

LEVELS = st.floats(0.02, 0.98)


def mean_weight(clock: Clock, sigma: float, following: float, parts: int = 2000) -> float:
    """The mean of the weight over u = 1 / sigma by the midpoint rule."""
    u0, u1 = 1.0 / sigma, 1.0 / following
    middles = (u0 + (index + 0.5) / parts * (u1 - u0) for index in range(parts))
    return sum(clock.weight(1.0 / u) for u in middles) / parts


@settings(max_examples=40, deadline=None)
@given(LEVELS, LEVELS, LEVELS, LEVELS)
def test_the_weight_of_a_step_is_the_mean_over_it(a: float, b: float, c: float, d: float) -> None:
    clock = Clock(max(a, b), min(a, b))
    sigma, following = max(c, d), min(c, d)
    if sigma - following < 1e-3:
        return
    wanted = mean_weight(clock, sigma, following)
    assert clock.step_weight(sigma, following) == pytest.approx(wanted, abs=2e-3)


def test_a_clock_on_a_step_is_a_hard_switch() -> None:
    clock = Clock.switch(0.8)
    assert clock.step_weight(0.9, 0.8) == 1.0
    assert clock.step_weight(0.8, 0.7) == 0.0
    assert clock.weight(0.8) == 0.0 and clock.weight(0.8001) == 1.0


@given(LEVELS, LEVELS)
def test_two_steps_follow_as_far_as_one(release: float, middle: float) -> None:
    """A denoised latent of 0 and a reference of 1: where one step lands, two land as well."""
    clock, start, end = Clock.switch(release), 0.99, 0.01

    def step(x: float, sigma: float, following: float) -> float:
        target = clock.step_weight(sigma, following)
        return x * following / sigma + target * (1.0 - following / sigma)

    once = step(0.5, start, end)
    twice = step(step(0.5, start, middle), middle, end)
    assert once == pytest.approx(twice, abs=1e-12)


def test_the_ends_of_a_run() -> None:
    assert EXACT.step_weight(0.5, 0.0) == 1.0 and EXACT.step_weight(1.0, 0.9) == 1.0
    assert FREE.step_weight(1.0, 0.9) == 0.0 and FREE.weight(700.0) == 0.0
    assert Clock.switch(0.5).step_weight(0.9, 0.0) == 0.0, "the last step is the model's own"
    assert Clock(0.5, 0.0).step_weight(0.9, 0.0) == 0.0


def test_follow_values_are_shares_of_the_models_own_schedule() -> None:
    wan = FAMILIES["wan"]
    weak, strong = (wan.scale.sigma(follow) for follow in wan.cut_and_drag)
    assert weak == pytest.approx(0.9792, abs=1e-4), "step 3 of 50 at shift 3"
    assert strong == pytest.approx(0.9485, abs=1e-4), "step 7 of 50 at shift 3"
    assert wan.scale.sigma(0.0) == math.inf and wan.scale.sigma(1.0) == 0.0
    karras = karras_scale(0.002, 700.0)
    root = 700.0 ** (1 / 7) + 0.4 * (0.002 ** (1 / 7) - 700.0 ** (1 / 7))
    assert karras.sigma(0.4) == pytest.approx(root**7)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_scales_fall_and_the_weak_clock_strikes_first(family: str) -> None:
    clocks = FAMILIES[family]
    sigmas = [clocks.scale.sigma(index / 50) for index in range(51)]
    assert all(high > low for high, low in zip(sigmas[:-1], sigmas[1:], strict=True))
    for weak, strong in (clocks.cut_and_drag, clocks.camera):
        assert clocks.scale.sigma(weak) > clocks.scale.sigma(strong)


def test_cogvideox_has_the_noise_levels_of_its_config() -> None:
    import torch

    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    roots = torch.cumprod(1 - betas, 0).sqrt()
    scaled = (roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])
    wanted = math.sqrt((1 - float(scaled[919]) ** 2) / float(scaled[919]) ** 2)
    assert FAMILIES["cogvideox"].scale.sigma(4 / 50) == pytest.approx(wanted, rel=1e-9)


def test_ramps_lie_around_the_release() -> None:
    scale = flow_scale(1.0)
    clock = scale.clock(0.3, 0.2)
    assert (clock.full, clock.free) == (pytest.approx(0.8), pytest.approx(0.6))
    assert clock.weight(0.7) == pytest.approx(0.5)
    assert scale.clock(0.3) == Clock.switch(1.0 - 0.3)
    assert scale.clock(0.0, 0.5) == FREE and scale.clock(1.0, 0.5) == EXACT
    assert scale.clock(0.1, 0.4).full == 1.0, "a ramp that begins before the run begins with it"
    assert scale.clock(0.9, 0.4).free == 0.0


def test_bad_clocks_are_refused() -> None:
    with pytest.raises(ValueError, match="lower or equal"):
        Clock(0.3, 0.5)
    with pytest.raises(ValueError, match="lower or equal"):
        Clock(math.nan, 0.5)
    with pytest.raises(ValueError, match="lower one"):
        Clock.switch(0.5).step_weight(0.4, 0.4)
    with pytest.raises(ValueError, match="share of the schedule"):
        flow_scale(3.0).sigma(1.2)
    with pytest.raises(ValueError, match="ramp"):
        FollowScale(lambda follow: 1 - follow).clock(0.5, -0.1)
