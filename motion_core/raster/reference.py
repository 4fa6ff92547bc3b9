"""Reference implementations: every raster as a plain loop that defines it.

The product does not call them. Tests compare the fast paths with them, value for value and,
where training needs gradients, gradient for gradient.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..geometry import Size
from ..tracks.model import Tracks


def reference_cell(tracks: Tracks, grid: Size, frame: int, track: int) -> tuple[int, int] | None:
    """The cell (column, row) under one point, or None when it is invisible or off the canvas."""
    x, y = tracks.xy[frame, track].tolist()
    width, height = tracks.size
    if not bool(tracks.visible[frame, track]) or not (0 <= x < width and 0 <= y < height):
        return None
    return math.floor(x * grid.width / width), math.floor(y * grid.height / height)


def reference_id_row(integer: int, dim: int) -> list[float]:
    """The sinusoidal code of one integer: first the sines, then the cosines."""
    angles = [integer / 10000 ** (2 * i / dim) for i in range(dim // 2)]
    return [math.sin(a) for a in angles] + [math.cos(a) for a in angles]


def reference_id_volume(
    tracks: Tracks, grid: Size, rows: Tensor, dtype: torch.dtype | None = None
) -> Tensor:
    """Every visible track adds its row to the cell it is in (Motion Prompting §4.2).

    Args:
        tracks: (T, N).
        grid: Cells across and down.
        rows: (N, D) codes.
        dtype: Of the result; None for that of `rows`. Sums are float32 or wider.

    Returns:
        (T, H, W, D).
    """
    wide = torch.promote_types(rows.dtype, torch.float32)
    shape = (tracks.num_frames, grid.height, grid.width, rows.shape[1])
    volume = torch.zeros(shape, dtype=wide, device=rows.device)
    for frame in range(tracks.num_frames):
        for track in range(tracks.num_points):
            cell = reference_cell(tracks, grid, frame, track)
            if cell is not None:
                column, row = cell
                volume[frame, row, column] += rows[track].to(wide)
    return volume.to(dtype or rows.dtype)


def reference_fold(volume: Tensor, factor: int) -> Tensor:
    """(T, H, W, D) to (T, H/r, W/r, D*r*r): channel d*r*r + dy*r + dx of each r x r block."""
    frames, height, width, dim = volume.shape
    folded = volume.new_zeros(frames, height // factor, width // factor, dim * factor**2)
    for y in range(height):
        for x in range(width):
            for d in range(dim):
                channel = d * factor**2 + (y % factor) * factor + x % factor
                folded[:, y // factor, x // factor, channel] = volume[:, y, x, d]
    return folded


def reference_gaussian_flow(tracks: Tracks, grid: Size, kernel_px: int, sigma_px: float) -> Tensor:
    """Steps at the cells where they begin, then a Gaussian (Image Conductor).

    Args:
        tracks: (T, N).
        grid: Cells across and down.
        kernel_px: Side of the Gaussian's kernel in cells.
        sigma_px: Its deviation in cells.

    Returns:
        (T, H, W, 2) in cells per frame.
    """
    shape = (tracks.num_frames, grid.height, grid.width, 2)
    flow = torch.zeros(shape, dtype=torch.float64)
    scale = (grid.width / tracks.size.width, grid.height / tracks.size.height)
    for frame in range(1, tracks.num_frames):
        for track in range(tracks.num_points):
            cell = reference_cell(tracks, grid, frame - 1, track)
            if cell is None or not bool(tracks.visible[frame, track]):
                continue
            step = tracks.xy[frame, track].tolist(), tracks.xy[frame - 1, track].tolist()
            for axis in range(2):
                moved = (step[0][axis] - step[1][axis]) * scale[axis]
                flow[frame, cell[1], cell[0], axis] = moved
    return _reference_blur(flow, kernel_px, sigma_px).float().to(tracks.device)


def reference_region_flow(
    tracks: Tracks, grid: Size, block_px: int, brush: Tensor | None = None
) -> Tensor:
    """Displacement since frame 0 on blocks at the starts, and a mask (MotionPro).

    Args:
        tracks: (T, N).
        grid: Cells across and down.
        block_px: Side of a block in cells.
        brush: (H, W), nonzero where the mask is 1 without tracks, too.

    Returns:
        (T, H, W, 3): x and y in cells, and the mask.
    """
    half = block_px // 2
    flow = torch.zeros(tracks.num_frames, grid.height, grid.width, 3)
    scale = torch.tensor([grid.width / tracks.size.width, grid.height / tracks.size.height])
    for frame in range(tracks.num_frames):
        for track in range(tracks.num_points):
            start = reference_cell(tracks, grid, 0, track)
            if start is None or not bool(tracks.visible[frame, track]):
                continue
            column, row = start
            moved = (tracks.xy[frame, track] - tracks.xy[0, track]).cpu() * scale
            for y in range(max(row - half, 0), min(row + half, grid.height)):
                for x in range(max(column - half, 0), min(column + half, grid.width)):
                    flow[frame, y, x, :2] = moved
    for y in range(grid.height):
        for x in range(grid.width):
            brushed = brush is not None and bool(brush[y, x] != 0)
            flow[:, y, x, 2] = float(brushed or bool((flow[:, y, x, :2] != 0).any()))
    return flow.to(tracks.device)


def reference_latent_cells(tracks: Tracks, grid: Size, frame_stride: int) -> Tensor:
    """(T', N, 2): cell (x, y) of every track in every stride-th frame, -1 when there is none."""
    frames = range(0, tracks.num_frames, frame_stride)
    cells = torch.full((len(frames), tracks.num_points, 2), -1, dtype=torch.int64)
    for place, frame in enumerate(frames):
        for track in range(tracks.num_points):
            cell = reference_cell(tracks, grid, frame, track)
            if cell is not None:
                cells[place, track] = torch.tensor(cell)
    return cells.to(tracks.device)


def _reference_blur(flow: Tensor, kernel_px: int, sigma_px: float) -> Tensor:
    """A Gaussian of sum 1, tap by tap; borders mirror as d c b | a b c d | c b a."""
    reach = range(-(kernel_px // 2), kernel_px // 2 + 1)
    kernel = {
        (dy, dx): math.exp(-(dx * dx + dy * dy) / (2 * sigma_px**2)) for dy in reach for dx in reach
    }
    total = sum(kernel.values())
    blurred = torch.zeros_like(flow)
    for (dy, dx), weight in kernel.items():
        rows = [_mirror(y + dy, flow.shape[1]) for y in range(flow.shape[1])]
        columns = [_mirror(x + dx, flow.shape[2]) for x in range(flow.shape[2])]
        blurred += weight / total * flow[:, rows][:, :, columns]
    return blurred


def _mirror(place: int, side: int) -> int:
    """The pixel that a position outside 0..side-1 is reflected to."""
    while side > 1 and not 0 <= place < side:
        place = -place if place < 0 else 2 * (side - 1) - place
    return place if side > 1 else 0
