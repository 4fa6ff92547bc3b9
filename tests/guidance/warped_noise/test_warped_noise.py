"""Noise over a clip: white in every frame, alike along the motion, mixed as asked."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.guidance.warped_noise import NoiseGrid, StepFlow, degraded, warped_noise

from .flows import constant, correlation, random_step, zoom

SIZE = Size(24, 16)
GRID = NoiseGrid(SIZE, 9, 16, detail=4)


def noise_along(step: StepFlow, grid: NoiseGrid = GRID, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return warped_noise([step] * (grid.frames - 1), grid, generator)


MOTIONS = {
    "rest": constant(GRID.fine, 0, 0),
    "pan": constant(GRID.fine, 2.6, -0.7),
    "slow": constant(GRID.fine, 0.2, 0.1),
    "closer": zoom(GRID.fine, 1.15),
    "farther": zoom(GRID.fine, 0.87),
    "chaos": random_step(GRID.fine, 3),
}


@pytest.mark.parametrize("name", MOTIONS)
def test_every_frame_is_white(name: str) -> None:
    """Mean, variance, kurtosis, spectrum and correlation of neighbours, within four standard
    errors of those of white noise."""
    noise = noise_along(MOTIONS[name])
    count = noise[0].numel()
    for frame in noise:
        assert abs(float(frame.mean())) < 4 / math.sqrt(count)
        assert abs(float(frame.var()) - 1) < 4 * math.sqrt(2 / count)
        kurtosis = float(frame.pow(4).mean()) - 3
        assert abs(kurtosis) < 4 * math.sqrt(96 / count)
        for axis in (-1, -2):
            one, other = (
                frame.narrow(axis, 1, frame.shape[axis] - 1),
                frame.narrow(axis, 0, -1 + frame.shape[axis]),
            )
            assert abs(correlation(one, other)) < 4 / math.sqrt(one.numel())
        channels = frame.flatten(1)
        across = channels @ channels.T / channels.shape[1] - torch.eye(len(channels))
        assert across.abs().max() < 5 * math.sqrt(2 / channels.shape[1])
        # Power per spatial frequency, averaged over channels: exponential, so its error is 1/sqrt.
        power = torch.fft.fft2(frame, norm="ortho").abs().square().mean(0)
        bands = power.flatten()[1:].unfold(0, 32, 32).mean(1)
        assert (bands - 1).abs().max() < 5 * math.sqrt(1 / (32 * len(frame)) * 2)


def test_noise_follows_a_pan() -> None:
    # 4 fine cells a step are one latent cell: the noise is the same, shifted.
    noise = noise_along(constant(GRID.fine, 4, 0))
    for frame in range(1, GRID.frames):
        torch.testing.assert_close(noise[frame, :, :, frame:], noise[0, :, :, :-frame])
    fixed = [correlation(noise[0], noise[frame]) for frame in range(1, GRID.frames)]
    assert max(map(abs, fixed)) < 4 / math.sqrt(noise[0].numel())


def test_slow_motion_is_not_lost() -> None:
    """Steps of a fifth of a cell: after 20 steps the noise has moved by one latent cell."""
    grid = NoiseGrid(SIZE, 21, 16, detail=4)
    noise = noise_along(constant(grid.fine, 0.2, 0), grid)
    # The first column has entered since, and the rim of the second was divided with it.
    torch.testing.assert_close(noise[20, :, :, 2:], noise[0, :, :, 1:-1])


def test_between_latent_cells_noise_is_alike_by_their_overlap() -> None:
    # One fine cell a step: after two steps the areas overlap by half.
    noise = noise_along(constant(GRID.fine, 1, 0))
    count = noise[0].numel()
    assert abs(correlation(noise[2], noise[0]) - 0.5) < 5 / math.sqrt(count)
    shifted = correlation(noise[2, :, :, 1:], noise[0, :, :, :-1])
    assert abs(shifted - 0.5) < 5 / math.sqrt(count)


@pytest.mark.parametrize("factor", [1.1, 0.9])
def test_noise_follows_a_zoom(factor: float) -> None:
    """The noise correlates with the first frame where the content comes from, not in place."""
    noise = noise_along(zoom(GRID.fine, factor), NoiseGrid(SIZE, 6, 64, detail=4))
    last = noise[-1]
    y, x = torch.meshgrid(torch.arange(SIZE.height), torch.arange(SIZE.width), indexing="ij")
    middle = (torch.tensor(SIZE).float() - 1) / 2
    place = (torch.stack([x, y], -1) - middle) / factor**5 + middle
    near = place.round().long()
    off = (place - middle).abs().amax(-1)
    inside = ((near >= 0) & (near < torch.tensor(SIZE))).all(-1)
    far = inside & (off > 3) & ((place - torch.stack([x, y], -1)).abs().amax(-1) > 1.5)
    source = noise[0][:, near[..., 1][far], near[..., 0][far]]
    assert correlation(last[:, far], source) > 0.3
    assert abs(correlation(last[:, far], noise[0][:, far])) < 0.05


def test_holes_are_fresh() -> None:
    hidden = torch.zeros(GRID.fine.height, GRID.fine.width, dtype=torch.bool)
    hidden[16:40, 16:48] = True
    still = constant(GRID.fine, 0, 0)
    step = StepFlow(still.forward, ~hidden, still.backward, ~hidden)
    first, second = noise_along(step, NoiseGrid(SIZE, 2, 16, detail=4))
    assert abs(correlation(first[:, 4:10, 4:12], second[:, 4:10, 4:12])) < 0.12
    first[:, 4:10, 4:12] = second[:, 4:10, 4:12]
    assert torch.equal(first, second)


@pytest.mark.parametrize("gamma", [0.3, 0.5, 0.7])
def test_degradation_mixes_by_its_formula(gamma: float) -> None:
    warped = noise_along(constant(GRID.fine, 4, 0))
    white = torch.randn(warped.shape, generator=torch.Generator().manual_seed(9))
    mixed = degraded(warped, white, gamma)
    assert abs(float(mixed.var()) - 1) < 0.05
    scale = math.hypot(gamma, 1 - gamma)
    assert abs(correlation(mixed, warped) - (1 - gamma) / scale) < 0.02
    along = correlation(mixed[1, :, :, 1:], mixed[0, :, :, :-1])
    assert abs(along - ((1 - gamma) / scale) ** 2) < 0.06


def test_degradation_ends_are_exact() -> None:
    warped, white = torch.randn(2, 50, generator=torch.Generator().manual_seed(2))
    assert torch.equal(degraded(warped, white, 1.0), white)
    assert torch.equal(degraded(warped, white, 0.0), warped)
    with pytest.raises(ValueError, match="from 0 to 1; got 1.5"):
        degraded(warped, white, 1.5)


def test_a_seed_repeats_and_progress_may_stop() -> None:
    step = zoom(GRID.fine, 1.1)
    assert torch.equal(noise_along(step), noise_along(step))
    assert not torch.equal(noise_along(step), noise_along(step, seed=1))
    state = torch.get_rng_state()

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        warped_noise([step] * 8, GRID, torch.Generator().manual_seed(0), stop)
    assert torch.equal(torch.get_rng_state(), state)


def test_wrong_steps_are_refused() -> None:
    generator, step = torch.Generator(), constant(GRID.fine, 0, 0)
    with pytest.raises(ShapeError, match="9 frames need 8 steps; got 3"):
        warped_noise([step] * 3, GRID, generator)
    with pytest.raises(ShapeError, match="9 frames needs 8 steps on a grid of 96x64"):
        warped_noise([step] * 9, GRID, generator)
    with pytest.raises(ShapeError, match="step 1 is on 5x4"):
        warped_noise([constant(Size(5, 4), 0)], GRID, generator)
    with pytest.raises(ValueError, match="at least one of detail; got 0"):
        NoiseGrid(SIZE, 3, 3, 0)
