"""Noise schedules against the formulas of flow, k-diffusion and DDPM written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from motion_core.errors import ShapeError
from motion_core.guidance.noise_schedule import (
    PREDICTIONS,
    FlowSchedule,
    NoiseSchedule,
    Prediction,
    VarianceExploding,
    VariancePreserving,
    add_noise,
    denoised,
    euler_step,
    noise_between,
    output_for,
    shifted_progress,
    shifted_sigma,
    sigma_like,
)

SCHEDULES = (FlowSchedule(), VarianceExploding(), VariancePreserving())
SHAPES = ((3, 4, 6, 5), (1, 4, 3, 6, 5), (1, 1, 120))
SIGMA = 0.7


def pair(shape: tuple[int, ...] = SHAPES[0], seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    clean, noise = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return clean, noise


def test_each_schedule_adds_noise_by_its_published_formula() -> None:
    z, e = pair()
    alpha_bar = 1.0 / (1.0 + SIGMA**2)
    wanted = {
        "FlowSchedule": 0.3 * z + 0.7 * e,
        "VarianceExploding": z + 0.7 * e,
        "VariancePreserving": math.sqrt(alpha_bar) * z + math.sqrt(1.0 - alpha_bar) * e,
    }
    for schedule in SCHEDULES:
        noised = add_noise(schedule, z, e, SIGMA)
        assert torch.allclose(noised, wanted[type(schedule).__name__], atol=1e-15)


def test_flow_ends_are_exact() -> None:
    z, e = pair()
    assert torch.equal(add_noise(FlowSchedule(), z, e, 1.0), e)
    assert torch.equal(add_noise(FlowSchedule(), z, e, 0.0), z)


# What a perfect network predicts, from the definitions alone.
DEFINITIONS = {
    "flow": lambda z, e: e - z,
    "epsilon": lambda z, e: e,
    "sample": lambda z, e: z,
}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_a_perfect_output_gives_the_clean_latents_back(
    schedule: NoiseSchedule, shape: tuple[int, ...], prediction: Prediction
) -> None:
    z, e = pair(shape)
    noised = add_noise(schedule, z, e, SIGMA)
    output = output_for(schedule, noised, z, SIGMA, prediction)
    if prediction in DEFINITIONS:
        assert torch.allclose(output, DEFINITIONS[prediction](z, e), atol=1e-12)
    assert torch.allclose(denoised(schedule, noised, output, SIGMA, prediction), z, atol=1e-12)
    assert torch.allclose(noise_between(schedule, noised, z, SIGMA), e, atol=1e-12)


def test_v_is_the_one_of_ddpm_and_of_k_diffusion() -> None:
    z, e = pair()
    a, b = 1.0 / math.sqrt(1.0 + SIGMA**2), SIGMA / math.sqrt(1.0 + SIGMA**2)
    v = a * e - b * z
    preserving = add_noise(VariancePreserving(), z, e, SIGMA)
    assert torch.allclose(a * preserving - b * v, z, atol=1e-12), "DDPM's definition"
    assert torch.allclose(denoised(VariancePreserving(), preserving, v, SIGMA, "v"), z, atol=1e-12)
    exploding = add_noise(VarianceExploding(), z, e, SIGMA)
    k_diffusion = exploding / (SIGMA**2 + 1.0) - v * SIGMA / (SIGMA**2 + 1.0) ** 0.5
    given = denoised(VarianceExploding(), exploding, v, SIGMA, "v")
    assert torch.allclose(given, k_diffusion, atol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES[:2], ids=lambda one: type(one).__name__)
def test_the_step_is_eulers(schedule: NoiseSchedule) -> None:
    x, z = pair()
    wanted = x + (x - z) / SIGMA * (0.4 - SIGMA)
    assert torch.allclose(euler_step(schedule, x, z, SIGMA, 0.4), wanted, atol=1e-12)


def test_the_step_of_ddpm_is_ddims() -> None:
    x, z = pair()
    alpha, following = 1.0 / (1.0 + SIGMA**2), 1.0 / (1.0 + 0.4**2)
    noise = (x - math.sqrt(alpha) * z) / math.sqrt(1.0 - alpha)
    wanted = math.sqrt(following) * z + math.sqrt(1.0 - following) * noise
    step = euler_step(VariancePreserving(), x, z, SIGMA, 0.4)
    assert torch.allclose(step, wanted, atol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: type(one).__name__)
def test_a_step_along_noised_clean_latents_stays_on_them(schedule: NoiseSchedule) -> None:
    z, e = pair()
    step = euler_step(schedule, add_noise(schedule, z, e, SIGMA), z, SIGMA, 0.2)
    assert torch.allclose(step, add_noise(schedule, z, e, 0.2), atol=1e-12)


def test_sigmas_may_differ_within_a_batch() -> None:
    z, e = pair()
    sigmas = torch.tensor([0.1, 0.5, 0.9])
    together = add_noise(FlowSchedule(), z, e, sigmas)
    for index, sigma in enumerate((0.1, 0.5, 0.9)):
        alone = add_noise(FlowSchedule(), z[index : index + 1], e[index : index + 1], sigma)
        assert torch.allclose(together[index : index + 1], alone, atol=1e-7)
    whole = sigmas.double().reshape(3, 1, 1, 1)
    assert torch.equal(sigma_like(whole, z), whole)


def test_shifts_are_inverse_and_known() -> None:
    assert shifted_sigma(3 / 50, 5.0) == pytest.approx(0.9874, abs=1e-4)
    assert shifted_sigma(7 / 50, 3.0) == pytest.approx(0.9485, abs=1e-4)
    for shift in (1.0, 3.0, 8.0):
        for progress in (0.0, 0.14, 0.5, 1.0):
            sigma = shifted_sigma(progress, shift)
            assert shifted_progress(sigma, shift) == pytest.approx(progress, abs=1e-12)
    assert shifted_sigma(0.3, 1.0) == pytest.approx(0.7)


def test_bad_values_are_refused() -> None:
    z, e = pair()
    with pytest.raises(ShapeError, match="one per batch entry"):
        add_noise(FlowSchedule(), z, e, torch.tensor([0.1, 0.2]))
    with pytest.raises(ValueError, match="one of flow"):
        denoised(FlowSchedule(), z, e, SIGMA, "velocity")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one of flow"):
        output_for(FlowSchedule(), z, e, SIGMA, "velocity")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"progress must be 0\.\.1"):
        shifted_sigma(1.5, 3.0)
    with pytest.raises(ValueError, match=r"flow sigma must be 0\.\.1"):
        shifted_progress(14.0, 3.0)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: type(one).__name__)
def test_gradients_pass_through(schedule: NoiseSchedule) -> None:
    z, e = pair((1, 2, 2, 2))
    inputs = (z.requires_grad_(), e.requires_grad_())
    assert torch.autograd.gradcheck(lambda a, b: add_noise(schedule, a, b, SIGMA), inputs)
