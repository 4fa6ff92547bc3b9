"""Displacement on small square regions and a motion mask: the input of MotionPro's adapter."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import ShapeError
from ..geometry import Size, checked_size
from ..progress import Progress, silent
from ..tracks.arguments import whole_number
from ..tracks.model import Tracks
from .cells import displacement_scale, grid_cells, last_occurrences
from .memory import check_fits


def region_flow(
    tracks: Tracks,
    grid: Size,
    *,
    block_px: int = 8,
    brush: Tensor | None = None,
    progress: Progress = silent,
) -> Tensor:
    """Region-wise displacement and motion mask (MotionPro, arXiv 2505.20287).

    Channels 0 and 1 are p_t - p_0 in grid pixels, not normalised, written in every frame t on the
    block [y-4, y+4) x [x-4, x+4) around the cell (x, y) where the track starts. Blocks are cut off
    at the border, and later tracks overwrite earlier ones. A track must be visible inside the
    canvas in frame 0 to have a block, and visible in frame t to write into it.

    Channel 2 is the same in every frame: 1 where channel 0 or 1 is not zero in some frame, or where
    `brush` is. (The released code reads the last frame only, which misses a drag that returns to
    its start.) Pinned points do not move; cover them with the brush to include them in the mask.

    Args:
        tracks: on any canvas.
        grid: width and height of the result.
        block_px: even side of a block in grid pixels.
        brush: (H, W) of the grid, any dtype, or None.
        progress: called per frame.

    Returns:
        (T, H, W, 3) float32.

    Raises:
        ShapeError: the brush has another shape.
        ValueError: block_px is odd, or the result exceeds the device's memory.
    """
    grid = checked_size(*grid)
    if whole_number("block_px", block_px, least=2) % 2:
        raise ValueError(f"block_px must be even, half to each side of the start; got {block_px}.")
    shape = (tracks.num_frames, grid.height, grid.width, 3)
    check_fits("a region flow", shape, torch.float32, tracks.device)
    mask = _checked_brush(brush, grid, tracks.device)
    flow = tracks.xy.new_zeros(shape)
    if tracks.num_frames == 0:
        return flow
    columns, rows, counts = (values[0] for values in grid_cells(tracks, grid, slice(0, 1)))
    moved = (tracks.xy - tracks.xy[:1]) * displacement_scale(tracks, grid)
    pixels = flow.view(tracks.num_frames, -1, 3)
    drawn = covered = owner = None
    for frame in range(tracks.num_frames):
        present = counts & tracks.visible[frame]
        if drawn is None or not torch.equal(present, drawn):
            drawn, (covered, owner) = present, _blocks(rows, columns, present, grid, block_px)
        values = moved[frame][owner]
        pixels[frame, covered, :2] = values
        mask.view(-1)[covered] |= (values != 0).any(dim=1)
        progress(frame + 1, tracks.num_frames)
    flow[..., 2] = mask
    return flow


def _blocks(
    rows: Tensor, columns: Tensor, present: Tensor, grid: Size, block_px: int
) -> tuple[Tensor, Tensor]:
    """Flat indices (K,) of the pixels that tracks write, and the last track (K,) to write each."""
    index = present.nonzero().squeeze(1)
    starts = rows[index] * grid.width + columns[index]
    last = last_occurrences(starts)
    writer = torch.full((grid.height * grid.width,), -1, device=rows.device)
    writer[starts[last]] = index[last]
    writer = writer.view(grid.height, grid.width)
    for axis, side in enumerate(writer.shape):
        writer = _latest_start(writer, min(block_px // 2, side), axis)
    writer = writer.flatten()
    covered = (writer >= 0).nonzero().squeeze(1)
    return covered, writer[covered]


def _latest_start(writer: Tensor, half: int, axis: int) -> Tensor:
    """The highest number among the starts whose blocks reach each pixel along one axis.

    Pixel y lies in the blocks that start in (y - half, y + half]. Windows grow by doubling.
    """
    pads = [0, 0, 0, 0]
    pads[2 - 2 * axis : 4 - 2 * axis] = half - 1, half
    window, width = functional.pad(writer, pads, value=-1), 1
    while width < 2 * half:
        step = min(width, 2 * half - width)
        length = window.shape[axis] - step
        window = torch.maximum(window.narrow(axis, 0, length), window.narrow(axis, step, length))
        width += step
    return window


def _checked_brush(brush: Tensor | None, grid: Size, device: torch.device) -> Tensor:
    if brush is None:
        return torch.zeros(grid.height, grid.width, dtype=torch.bool, device=device)
    if brush.shape != (grid.height, grid.width):
        raise ShapeError(
            f"the brush must be (H, W) = {(grid.height, grid.width)} like the grid; got "
            f"{tuple(brush.shape)}. Resize the mask to {grid}."
        )
    return (brush != 0).to(device)
