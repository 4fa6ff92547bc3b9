"""Dual-clock denoising against the loops that define it, for every parametrisation and layout."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from motion_core.errors import ShapeError
from motion_core.guidance.clocks import EXACT, FREE, Clock
from motion_core.guidance.dual_clock import (
    DualClock,
    FollowRegion,
    follow_reference,
    started_sigmas,
)
from motion_core.guidance.noise_schedule import (
    FlowSchedule,
    NoiseSchedule,
    Prediction,
    VarianceExploding,
    VariancePreserving,
    add_noise,
    denoised,
    euler_step,
)
from motion_core.guidance.reference import fine_dual_clock, time_to_move

KINDS: list[tuple[NoiseSchedule, Prediction]] = [
    (FlowSchedule(), "flow"),
    (VarianceExploding(), "epsilon"),
    (VarianceExploding(), "v"),
    (VariancePreserving(), "epsilon"),
]
LAYOUTS = {"unet": (5, 4, 6, 8), "video": (1, 4, 5, 6, 8)}
WEAK, STRONG = 2, 6
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}


def sigmas_of(schedule: NoiseSchedule, steps: int = 12) -> list[float]:
    top = 1.0 if isinstance(schedule, FlowSchedule) else 8.0
    return [top * (1 - index / steps) ** 1.5 for index in range(steps)] + [0.0]


def network(schedule: NoiseSchedule, prediction: Prediction) -> Callable[[Tensor, float], Tensor]:
    """A small fixed non-linear network of this parametrisation, as a denoiser."""

    def denoise(latents: Tensor, sigma: float) -> Tensor:
        mixed = torch.tanh(0.7 * latents + 0.2 * latents.roll(1, -1) - 0.1 * latents.roll(1, -3))
        return denoised(schedule, latents, mixed * math.cos(sigma), sigma, prediction)

    return denoise


def values(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    """Reference, noise and a hard mask."""
    generator = torch.Generator().manual_seed(3)
    z, e = (torch.randn(shape, generator=generator, dtype=dtype) for _ in range(2))
    mask_shape = [1 if axis == 1 else size for axis, size in enumerate(shape)]
    mask = (torch.rand(mask_shape, generator=generator) > 0.5).to(dtype)
    return z, e, mask


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("schedule", "prediction"), KINDS)
def test_hard_masks_and_clocks_on_steps_are_time_to_move(
    schedule: NoiseSchedule, prediction: Prediction, dtype: torch.dtype, layout: str
) -> None:
    z, e, mask = values(LAYOUTS[layout], dtype)
    sigmas, denoiser = sigmas_of(schedule), network(schedule, prediction)
    wanted = time_to_move(denoiser, z, mask, e, sigmas, WEAK, STRONG, schedule)
    clock = DualClock(
        z, Clock.switch(sigmas[WEAK]), (FollowRegion(mask, Clock.switch(sigmas[STRONG])),)
    )
    ours = follow_reference(denoiser, clock, e, sigmas, schedule)
    assert (ours - wanted).abs().max() <= TOLERANCE[dtype] * max(1.0, float(wanted.abs().max()))


def euler(denoiser: Callable[[Tensor, float], Tensor], x: Tensor, sigmas: list[float]) -> Tensor:
    for sigma, following in zip(sigmas[:-1], sigmas[1:], strict=True):
        x = euler_step(FlowSchedule(), x, denoiser(x, sigma), sigma, following)
    return x


def test_an_empty_mask_with_a_free_background_is_a_plain_run_bit_for_bit() -> None:
    z, e, mask = values(LAYOUTS["video"])
    sigmas, denoiser = sigmas_of(FlowSchedule()), network(FlowSchedule(), "flow")
    clock = DualClock(z, FREE, (FollowRegion(0 * mask, Clock.switch(0.3)),))
    ours = follow_reference(denoiser, clock, e, sigmas, FlowSchedule())
    assert torch.equal(ours, euler(denoiser, e, sigmas))


def test_a_full_mask_that_is_never_released_is_the_reference() -> None:
    z, e, mask = values(LAYOUTS["video"])
    for schedule, prediction in KINDS:
        clock = DualClock(z, FREE, (FollowRegion(torch.ones_like(mask), EXACT),))
        denoiser = network(schedule, prediction)
        ours = follow_reference(denoiser, clock, e, sigmas_of(schedule), schedule)
        assert torch.allclose(ours, z, atol=1e-12)
    everything = DualClock(z, EXACT)
    assert torch.equal(follow_reference(denoiser, everything, e, sigmas_of(schedule), schedule), z)


def test_equal_clocks_are_sdedit() -> None:
    z, e, mask = values(LAYOUTS["video"])
    sigmas, denoiser = sigmas_of(FlowSchedule()), network(FlowSchedule(), "flow")
    clock = Clock.switch(sigmas[4])
    ours = follow_reference(
        denoiser, DualClock(z, clock, (FollowRegion(mask, clock),)), e, sigmas, FlowSchedule()
    )
    sdedit = euler(denoiser, add_noise(FlowSchedule(), z, e, sigmas[4]), sigmas[4:])
    assert torch.equal(ours, sdedit)


def test_every_region_is_released_by_its_own_clock() -> None:
    """A denoiser that always answers 0: what is left of the reference shows the release."""
    shape = (1, 1, 1, 1, 4)
    z, e = torch.ones(shape, dtype=torch.float64), torch.zeros(shape, dtype=torch.float64)
    sigmas = [1 - index / 40 for index in range(41)]
    releases = (0.75, 0.5, 0.25)
    regions = []
    for column, release in enumerate(releases):
        mask = torch.zeros(shape)
        mask[..., column + 1] = 1
        regions.append(FollowRegion(mask, Clock.switch(release)))
    follow = DualClock(z, Clock.switch(0.9), tuple(regions))
    trail = []

    def zero(latents: Tensor, sigma: float) -> Tensor:
        trail.append((sigma, latents.flatten().tolist()))
        return torch.zeros_like(latents)

    follow_reference(zero, follow, e, sigmas, FlowSchedule())
    for sigma, latents in trail:
        for release, value in zip((0.9, *releases), latents, strict=True):
            on_reference = 1 - sigma  # no noise: x = (1 - sigma) z while it follows
            free = sigma / release * (1 - release)  # then it decays straight to 0
            assert value == pytest.approx(on_reference if sigma >= release else free, abs=1e-12)


@pytest.mark.parametrize("steps", [4, 8, 30])
def test_soft_masks_and_ramps_agree_with_many_small_parts(steps: int) -> None:
    z, e, mask = values(LAYOUTS["video"])
    soft = 0.2 + 0.6 * mask
    sigmas = [0.9 - 0.85 * index / steps for index in range(steps + 1)]
    background, strong = Clock(0.9, 0.7), Clock(0.62, 0.33)

    def weight(sigma: float) -> Tensor:
        return (1 - soft) * background.weight(sigma) + soft * strong.weight(sigma)

    def denoiser(latents: Tensor, sigma: float) -> Tensor:
        return (
            torch.sin(3 * z) * sigma
        )  # independent of the latents: the blend of them is not asked

    clock = DualClock(z, background, (FollowRegion(soft, strong),))
    ours = follow_reference(denoiser, clock, e, sigmas, FlowSchedule())
    wanted = fine_dual_clock(denoiser, z, weight, e, sigmas, FlowSchedule(), parts=500)
    assert torch.allclose(ours, wanted, atol=2e-5)


def test_a_clock_follows_as_far_in_four_steps_as_in_thirty() -> None:
    """With a denoiser that does not depend on the latents the end of the run is the same."""
    z, e, mask = values(LAYOUTS["video"])
    clock = DualClock(z, Clock.switch(0.97), (FollowRegion(mask, Clock.switch(0.9)),))
    ends = []
    for steps in (4, 8, 30):
        sigmas = [5 * t / (1 + 4 * t) for t in (1 - index / steps for index in range(steps))]
        sigmas = [sigma for sigma in sigmas if sigma > 0.62] + [0.6]
        ends.append(
            follow_reference(lambda x, s: torch.zeros_like(x), clock, e, sigmas, FlowSchedule())
        )
    assert torch.allclose(ends[0], ends[1], atol=1e-12)
    assert torch.allclose(ends[0], ends[2], atol=1e-12)


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        (1.0, [1.0, 0.9, 0.8, 0.0]),
        (math.inf, [1.0, 0.9, 0.8, 0.0]),
        (0.97, [0.97, 0.9, 0.8, 0.0]),
        (0.92, [0.92, 0.8, 0.0]),
        (0.9, [0.9, 0.8, 0.0]),
        (0.05, [0.05, 0.0]),
        (0.0, [0.0]),
    ],
)
def test_a_run_begins_at_the_weak_clock(start: float, wanted: list[float]) -> None:
    assert started_sigmas([1.0, 0.9, 0.8, 0.0], start) == wanted


def test_a_stage_above_the_weak_clock_has_nothing_to_do() -> None:
    assert started_sigmas([1.0, 0.9, 0.8], 0.7) == [0.8]
    assert started_sigmas([0.6, 0.3, 0.0], 0.7) == [0.6, 0.3, 0.0], "begun below it already"


def test_progress_is_reported_and_may_stop_the_run() -> None:
    z, e, _ = values(LAYOUTS["video"])
    reports: list[tuple[int, int]] = []

    def stop_at_two(done: int, total: int) -> None:
        reports.append((done, total))
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        follow_reference(
            network(FlowSchedule(), "flow"),
            DualClock(z, Clock.switch(0.9)),
            e,
            sigmas_of(FlowSchedule()),
            FlowSchedule(),
            stop_at_two,
        )
    assert [done for done, _ in reports] == [1, 2]


def test_masks_that_do_not_fit_are_refused() -> None:
    z, _, _ = values(LAYOUTS["video"])
    with pytest.raises(ShapeError, match="broadcast"):
        DualClock(z, FREE, (FollowRegion(torch.ones(2, 1, 5, 6, 8), EXACT),))


def test_clocks_move_to_the_dtype_of_a_run() -> None:
    z, e, mask = values(LAYOUTS["video"])
    clock = DualClock(z, FREE, (FollowRegion(mask.bool(), EXACT),)).to(e.float())
    weights = clock.weights(0.5, 0.4)
    assert weights is not None and weights.dtype == torch.float32
    assert torch.equal(weights.double(), mask)
