"""White noise that moves with the content of a clip, one frame of latent cells after another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError
from ...geometry import Size
from ...progress import Progress, silent
from .step_flow import StepFlow
from .transport import transport

# Cells of transport along the side of a latent cell.
DETAIL = 8


@dataclass(frozen=True)
class NoiseGrid:
    """The grid of a noise.

    Attributes:
        size: Columns and rows of a latent frame.
        frames: T, how many latent frames.
        channels: Of a latent cell, times the batch where several noises follow the same motion.
        detail: K; noise is carried on a grid of K x K cells per latent cell.

    Raises:
        ValueError: A number is below 1.
    """

    size: Size
    frames: int
    channels: int
    detail: int = DETAIL

    def __post_init__(self) -> None:
        numbers = {"frames": self.frames, "channels": self.channels, "detail": self.detail}
        for name, value in {**numbers, "columns": self.size[0], "rows": self.size[1]}.items():
            if value < 1:
                raise ValueError(f"a noise needs at least one of {name}; got {value}.")

    @property
    def fine(self) -> Size:
        """Columns and rows of the grid on which noise is carried."""
        return Size(self.size.width * self.detail, self.size.height * self.detail)


def warped_noise(
    flows: Iterable[StepFlow],
    grid: NoiseGrid,
    generator: torch.Generator | Sequence[torch.Generator],
    progress: Progress = silent,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Noise that follows a motion. Each frame is white noise of unit variance.

    The sum of K x K independent cells, divided by K, is one latent cell.

    Args:
        flows: T - 1 steps on the grid `grid.fine`.
        grid: Of the noise.
        generator: Of all random numbers, on the CPU; several share the channels evenly, in order,
            so that the noise of each depends on its own generator alone.
        progress: Called per frame.
        dtype: Of the noise.

    Returns:
        (T, channels, rows, columns) on the CPU.

    Raises:
        ShapeError: A flow is on another grid, or there are not T - 1 of them.
        ValueError: The generators cannot share the channels evenly.
    """
    cells = grid.fine.width * grid.fine.height
    generators = [generator] if isinstance(generator, torch.Generator) else list(generator)
    each, rest = divmod(grid.channels, max(len(generators), 1))
    if rest or not generators:
        raise ValueError(f"{len(generators)} generators cannot share {grid.channels} channels.")

    def draw(count: int) -> Tensor:
        drawn = [torch.randn(count, each, generator=one, dtype=dtype) for one in generators]
        return torch.cat(drawn, 1)

    noise, density = draw(cells), torch.ones(cells, dtype=dtype)
    offset = torch.zeros(cells, 2, dtype=dtype)
    frames = torch.empty(grid.frames, grid.channels, grid.size.height, grid.size.width, dtype=dtype)
    frames[0] = pooled(noise, grid)
    progress(1, grid.frames)
    frame = 0
    for frame, flow in enumerate(flows, start=1):
        if flow.grid != grid.fine or frame >= grid.frames:
            raise ShapeError(
                f"a noise of {grid.frames} frames needs {grid.frames - 1} steps on a grid of "
                f"{grid.fine}; step {frame} is on {flow.grid}."
            )
        noise, density, offset = transport(noise, density, offset, flow, draw)
        frames[frame] = pooled(noise, grid)
        progress(frame + 1, grid.frames)
    if frame != grid.frames - 1:
        raise ShapeError(f"{grid.frames} frames need {grid.frames - 1} steps; got {frame}.")
    return frames


def pooled(noise: Tensor, grid: NoiseGrid) -> Tensor:
    """(channels, rows, columns) of unit variance from the fine cells (R * C, channels)."""
    (columns, rows), detail = grid.size, grid.detail
    lines = noise.view(rows, detail, columns * detail * grid.channels).sum(1)
    blocks = lines.view(rows, columns, detail, grid.channels).sum(2)
    return blocks.permute(2, 0, 1) / detail


def degraded(warped: Tensor, white: Tensor, gamma: float) -> Tensor:
    """A mixture of warped and independent noise, of unit variance.

    (gamma white + (1 - gamma) warped) / sqrt(gamma² + (1 - gamma)²), Go-with-the-Flow, section 3.3.

    Args:
        warped: Noise that follows a motion.
        white: Independent noise of the same shape.
        gamma: 0 is the warped noise, 1 the white one, both exactly.

    Raises:
        ValueError: gamma is outside 0..1.
    """
    if not 0.0 <= gamma <= 1.0:
        raise ValueError(f"the degradation is a fraction from 0 to 1; got {gamma}.")
    if gamma in (0.0, 1.0):
        return (warped, white)[int(gamma)]
    return (gamma * white + (1 - gamma) * warped) / (gamma**2 + (1 - gamma) ** 2) ** 0.5
