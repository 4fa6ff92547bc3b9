"""Motion transfer against its definition, on toy networks of every parametrisation and layout."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from motion_core.errors import ShapeError
from motion_core.guidance.motion_transfer import TransferSettings, TransferState, transferred
from motion_core.guidance.motion_transfer.reference import transfer_reference
from motion_core.guidance.motion_transfer.transfer import regularised, transfer_shift
from motion_core.guidance.noise_schedule import (
    FlowSchedule,
    NoiseSchedule,
    Prediction,
    VarianceExploding,
    denoised,
)

SHAPES = {"5-D": (2, 3, 4, 5, 6), "4-D": (4, 3, 5, 6)}
CASES: dict[str, tuple[NoiseSchedule, Prediction, list[float]]] = {
    "flow": (FlowSchedule(), "flow", [1.0, 0.9, 0.7, 0.4, 0.0]),
    "epsilon": (VarianceExploding(), "epsilon", [12.0, 5.0, 2.0, 0.6, 0.0]),
    "v": (VarianceExploding(), "v", [12.0, 5.0, 2.0, 0.6, 0.0]),
}


def network(seed: int, dtype: torch.dtype) -> Callable[[Tensor, float], Tensor]:
    """A small nonlinear network that mixes channels and frames."""
    generator = torch.Generator().manual_seed(seed)
    mix = (torch.randn(3, 3, generator=generator) / 2).to(dtype)

    def predict(x: Tensor, sigma: float) -> Tensor:
        scaled = x / (1 + sigma)
        mixed = torch.einsum("dc,bc...->bd...", mix, scaled)
        return torch.tanh(mixed + 0.3 * mixed.roll(1, 0 if x.ndim == 4 else 2))

    return predict


def setting(name: str, layout: str, dtype: torch.dtype) -> tuple:
    schedule, kind, sigmas = CASES[name]

    def estimate(seed: int) -> Callable[[Tensor, float], Tensor]:
        predict = network(seed, dtype)
        return lambda x, sigma: denoised(schedule, x, predict(x, sigma), sigma, kind)

    generator = torch.Generator().manual_seed(0)
    draws = torch.randn(3, *SHAPES[layout], generator=generator).to(dtype)
    start = draws[0] * sigmas[0]
    return schedule, sigmas, estimate(1), estimate(2), start, (draws[1], draws[2])


def run(case: tuple, settings: TransferSettings, guided: int) -> Tensor:
    """The same run with the vectorised step."""
    schedule, sigmas, estimate, source_estimate, x, (clean, noise) = case
    begin = TransferState(x, sigmas[0])
    for step, (sigma, later) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        z = estimate(x, sigma)
        if step < guided:
            level = x.new_tensor(sigma)
            noised = schedule.signal(level) * clean + schedule.spread(level) * noise
            x, z = transferred(x, z, source_estimate(noised, sigma), sigma, begin, settings)
        x = x + (later - sigma) * (x - z) / sigma
    return x


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_a_run_equals_the_reference(
    name: str, layout: str, dtype: torch.dtype, most: float
) -> None:
    settings, case = TransferSettings(rate=0.02), setting(name, layout, dtype)
    schedule, sigmas, estimate, source_estimate, start, source = case
    wanted = transfer_reference(
        estimate, source_estimate, schedule, start, source, sigmas, 3, settings
    )
    found = run(case, settings, 3)
    # Relative to the largest latent of the run, as rounding is.
    scale = max(float(start.abs().max()), 1.0)
    assert (found - wanted).abs().max() / scale <= most
    assert (run(case, settings, 0) - wanted).abs().max() > 1e-3, "guidance acts"


def test_the_shift_approaches_the_source_and_is_bounded() -> None:
    gap = torch.randn(1, 2, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    settings = TransferSettings(iterations=5, rate=0.01)
    shift = transfer_shift(gap, settings)
    assert (gap + shift).norm() < gap.norm()
    assert shift.abs().max() <= 5 * 0.01 * 1.001
    assert not transfer_shift(torch.zeros_like(gap), settings).any()


def test_nothing_happens_without_strength() -> None:
    x, z, source = torch.randn(3, 1, 2, 3, 4, 4, generator=torch.Generator().manual_seed(4))
    begin = TransferState(torch.zeros_like(x), 1.0)
    none = TransferSettings(iterations=0, keep=1.0)
    moved, estimate = transferred(x, z, source, 0.5, begin, none)
    assert torch.equal(moved, x)
    torch.testing.assert_close(estimate, z)


def test_regularisation_keeps_what_lies_along_the_mean() -> None:
    mean = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(regularised(2.5 * mean, mean, 0.0), 2.5 * mean)
    other = torch.randn(mean.shape, generator=torch.Generator().manual_seed(6))
    across = other - regularised(other, mean, 0.0)
    torch.testing.assert_close(regularised(across, mean, 0.1), 0.1 * across, atol=1e-5, rtol=1e-4)
    assert torch.equal(regularised(other, torch.zeros_like(mean), 0.5), 0.5 * other)


def test_one_frame_has_no_changes() -> None:
    gap = torch.randn(1, 2, 1, 3, 3, generator=torch.Generator().manual_seed(7))
    one = transfer_shift(gap, TransferSettings(change_weight=5.0))
    assert torch.equal(one, transfer_shift(gap, TransferSettings(change_weight=0.0)))


def test_bad_values_are_refused() -> None:
    x = torch.zeros(1, 2, 3, 4, 4)
    begin = TransferState(x, 1.0)
    with pytest.raises(ShapeError, match=r"\(1, 2, 3, 4, 4\), \(1, 2, 3, 4, 4\) and \(1, 2, 2"):
        transferred(x, x, x[:, :, :2], 0.5, begin, TransferSettings())
    with pytest.raises(ShapeError, match="latents of one clip"):
        transferred(x[0, 0], x[0, 0], x[0, 0], 0.5, begin, TransferSettings())
    with pytest.raises(ValueError, match="finite numbers from 0"):
        TransferSettings(rate=float("nan"))
    with pytest.raises(ValueError, match="fraction from 0 to 1; got 1.5"):
        TransferSettings(keep=1.5)
