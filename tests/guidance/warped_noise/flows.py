"""Steps of known motion."""

from __future__ import annotations

import torch
from torch import Tensor

from motion_core.geometry import Size
from motion_core.guidance.warped_noise import StepFlow, step_flow


def constant(grid: Size, x: float, y: float = 0.0) -> StepFlow:
    """Everything moves by (x, y) cells; what comes from off the grid is new."""
    flow = torch.tensor([x, y]).expand(grid.height, grid.width, 2).clone()
    return step_flow(flow)


def zoom(grid: Size, factor: float) -> StepFlow:
    """Everything moves away from the middle."""
    y, x = torch.meshgrid(torch.arange(grid.height), torch.arange(grid.width), indexing="ij")
    place = torch.stack([x, y], -1).float()
    middle = (torch.tensor(grid).float() - 1) / 2
    return step_flow((place - middle) * (factor - 1), (place - middle) * (1 / factor - 1))


def random_step(grid: Size, seed: int, reach: float = 2.0) -> StepFlow:
    """Everything moves anywhere, a third of it out of view; nothing is smooth."""
    generator = torch.Generator().manual_seed(seed)
    shape = (grid.height, grid.width)
    flows = torch.randn(2, *shape, 2, generator=generator) * reach
    shown, known = torch.rand(2, *shape, generator=generator) > 0.33
    return StepFlow(flows[0], shown, flows[1], known)


def correlation(first: Tensor, second: Tensor) -> float:
    """The mean product of two noises of unit variance."""
    return float((first * second).mean())
