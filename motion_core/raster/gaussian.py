"""Step displacements of tracks, blurred by a Gaussian: the input of Image Conductor."""

from __future__ import annotations

import torch
from torch import Tensor

from ..geometry import Size, checked_size
from ..progress import Progress, silent
from ..tracks.arguments import positive_number, whole_number
from ..tracks.model import Tracks
from .cells import displacement_scale, grid_cells, last_occurrences
from .memory import check_fits

MAX_KERNEL = 65535


def gaussian_flow(
    tracks: Tracks,
    grid: Size,
    *,
    kernel_px: int = 99,
    sigma_px: float = 10.0,
    progress: Progress = silent,
) -> Tensor:
    """Blurred step displacements (Image Conductor, arXiv 2406.15339).

    Frame i >= 1 holds p_i - p_(i-1) of every track in the cell of p_(i-1), where the step begins;
    each frame is then blurred by a kernel_px x kernel_px Gaussian whose weights sum to 1, mirrored
    at the borders without repeating the edge (OpenCV's filter2D with BORDER_REFLECT_101). Frame 0
    is zero. A step counts when the point is visible at both ends and begins inside the canvas. If
    several steps begin in one cell, the last track's is kept.

    Args:
        tracks: on any canvas.
        grid: width and height of the result.
        kernel_px: odd side of the kernel in grid pixels.
        sigma_px: standard deviation of the Gaussian in grid pixels.
        progress: called per frame.

    Returns:
        (T, H, W, 2) float32, grid pixels.

    Raises:
        TypeError, ValueError: a size is out of range, or the result exceeds the device's memory.
    """
    grid = checked_size(*grid)
    weights = _weights(kernel_px, sigma_px)
    shape = (tracks.num_frames, grid.height, grid.width, 2)
    check_fits("a flow map", shape, torch.float32, tracks.device)
    flow = tracks.xy.new_zeros(shape)
    blur_y = _blur_matrix(grid.height, weights).to(tracks.device)
    blur_x = _blur_matrix(grid.width, weights).to(tracks.device)
    scale = displacement_scale(tracks, grid)
    for frame in range(1, tracks.num_frames):
        columns, rows, counts = (
            values[0] for values in grid_cells(tracks, grid, slice(frame - 1, frame))
        )
        moving = (counts & tracks.visible[frame]).nonzero().squeeze(1)
        moving = moving[last_occurrences(rows[moving] * grid.width + columns[moving])]
        step = (tracks.xy[frame, moving] - tracks.xy[frame - 1, moving]) * scale
        row, row_of = rows[moving].unique(return_inverse=True)
        column, column_of = columns[moving].unique(return_inverse=True)
        spots = step.new_zeros(2, len(row), len(column))
        spots[:, row_of, column_of] = step.T
        flow[frame] = (blur_y[:, row] @ spots @ blur_x[:, column].T).permute(1, 2, 0)
        progress(frame, tracks.num_frames - 1)
    return flow


def _weights(kernel_px: int, sigma_px: float) -> Tensor:
    """One axis of the Gaussian kernel, (K,) float64 of sum 1: the kernel is its outer product."""
    if whole_number("kernel_px", kernel_px, least=1, most=MAX_KERNEL) % 2 == 0:
        raise ValueError(f"kernel_px must be odd to have a centre; got {kernel_px}.")
    sigma = positive_number("sigma_px", sigma_px)
    offsets = torch.arange(kernel_px, dtype=torch.float64) - kernel_px // 2
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    return weights / weights.sum()


def _blur_matrix(side: int, weights: Tensor) -> Tensor:
    """The blur of one axis with mirrored borders as a matrix (side, side) float32.

    Tracks touch few rows and columns, so multiplying by the touched part is cheaper than running
    a filter over the whole frame, and the same on every device.
    """
    check_fits("a blur", (side, side + len(weights)), torch.float64, weights.device)
    offsets = torch.arange(len(weights)) - len(weights) // 2
    period = max(2 * (side - 1), 1)
    reached = (torch.arange(side)[:, None] + offsets) % period
    reached = torch.minimum(reached, period - reached)
    matrix = torch.zeros(side, side, dtype=torch.float64)
    return matrix.scatter_add_(1, reached, weights.expand(side, -1)).float()
