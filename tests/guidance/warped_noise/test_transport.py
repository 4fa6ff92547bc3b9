"""One step of noise: equal to its definition, white, and faithful to the motion."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.guidance.warped_noise import StepFlow
from motion_core.guidance.warped_noise.reference import transport_reference
from motion_core.guidance.warped_noise.transport import transport

from .flows import constant, random_step, zoom

GRID = Size(9, 7)
CELLS = GRID.width * GRID.height


def state(dtype: torch.dtype, channels: int = 3, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(CELLS, channels, generator=generator, dtype=dtype)
    density = torch.rand(CELLS, generator=generator, dtype=dtype) + 0.5
    offset = torch.rand(CELLS, 2, generator=generator, dtype=dtype) - 0.5
    return noise, density, offset


class Draws:
    """The same sequence of noise, in pieces of any size."""

    def __init__(self, dtype: torch.dtype, channels: int = 3) -> None:
        generator = torch.Generator().manual_seed(5)
        self.rows = torch.randn(4 * CELLS, channels, generator=generator, dtype=dtype)
        self.used = 0

    def __call__(self, count: int) -> Tensor:
        self.used += count
        return self.rows[self.used - count : self.used]


STEPS = {
    "rest": constant(GRID, 0, 0),
    "whole": constant(GRID, 2, -1),
    "fraction": constant(GRID, 0.3, 0.4),
    "closer": zoom(GRID, 1.9),
    "farther": zoom(GRID, 0.55),
    **{f"random {seed}": random_step(GRID, seed) for seed in range(6)},
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_transport_equals_the_loops(name: str, dtype: torch.dtype, most: float) -> None:
    start, first, second = state(dtype), Draws(dtype), Draws(dtype)
    found = transport(*start, STEPS[name], first)
    wanted = transport_reference(*start, STEPS[name], second)
    assert first.used == second.used
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == dtype and (one - other).abs().max() <= most


def test_a_step_at_rest_keeps_the_noise_and_draws_nothing() -> None:
    noise, density, _ = state(torch.float32)
    draws, none = Draws(torch.float32), torch.zeros(CELLS, 2)
    kept, _, offset = transport(noise, density, none, constant(GRID, 0, 0), draws)
    assert torch.equal(kept, noise) and not offset.any() and draws.used == 0


def test_whole_steps_copy_noise_and_fill_what_enters() -> None:
    noise, density, _ = state(torch.float32)
    draws, none = Draws(torch.float32), torch.zeros(CELLS, 2)
    moved = transport(noise, density, none, constant(GRID, 2, 0), draws)[0].view(7, 9, 3)
    before = noise.view(7, 9, 3)
    assert torch.equal(moved[:, 2:], before[:, :-2])
    assert draws.used == 2 * 7
    assert torch.equal(moved[:, :2].reshape(-1, 3), draws.rows[:14])


def test_what_is_hidden_gives_nothing_and_what_was_hidden_is_new() -> None:
    noise, density, _ = state(torch.float32)
    still = constant(GRID, 0, 0)
    hidden = torch.zeros(7, 9, dtype=torch.bool)
    hidden[3, 4] = True
    step = StepFlow(still.forward, ~hidden, still.backward, ~hidden)
    draws = Draws(torch.float32)
    moved = transport(noise, density, torch.zeros(CELLS, 2), step, draws)[0]
    assert draws.used == 1 and torch.equal(moved[3 * 9 + 4], draws.rows[0])
    rest = torch.arange(CELLS) != 3 * 9 + 4
    assert torch.equal(moved[rest], noise[rest])


def test_a_divided_cell_keeps_its_sum() -> None:
    # All cells come from cell 0, which itself stays where it is.
    grid = Size(2, 2)
    y, x = torch.meshgrid(torch.arange(2), torch.arange(2), indexing="ij")
    toward = -torch.stack([x, y], -1).float()
    shown = torch.zeros(2, 2, dtype=torch.bool)
    shown[0, 0] = True
    step = StepFlow(torch.zeros(2, 2, 2), shown, toward, ~torch.zeros(2, 2, dtype=torch.bool))
    generator = torch.Generator().manual_seed(1)

    def draw(count: int) -> Tensor:
        return torch.randn(count, 5, generator=generator, dtype=torch.float64)

    noise = draw(4)
    state_of = (noise, torch.ones(4).double(), torch.zeros(4, 2).double())
    moved, density, _ = transport(*state_of, step, draw)
    assert grid == step.grid
    torch.testing.assert_close(moved.sum(0) / 2, noise[0])
    torch.testing.assert_close(density, torch.ones(4).double())


def test_a_state_of_another_grid_is_refused() -> None:
    noise, density, offset = state(torch.float32)
    with pytest.raises(ShapeError, match="must have 63 rows for a grid of 9x7"):
        transport(noise[:-1], density, offset, constant(GRID, 0, 0), Draws(torch.float32))
    with pytest.raises(ShapeError, match=r"forward must be \(R, C, 2\)"):
        StepFlow(torch.zeros(3, 4), *[torch.zeros(3, 4)] * 3)
    with pytest.raises(ShapeError, match=r"shown must be \(7, 9\)"):
        still = constant(GRID, 0, 0)
        StepFlow(still.forward, still.shown[:-1], still.backward, still.known)
    with pytest.raises(ValueError, match="finite"):
        constant(GRID, float("nan"), 0)
