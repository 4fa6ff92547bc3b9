"""The definition of reprojection and visibility, one point at a time.

The tests compare every fast path of this package and every kernel with these functions. They use
plain numbers (float64) and no tensor arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from ..geometry import Size
from .zbuffer import Occlusion

Pixel = tuple[float, float]
Cell = tuple[int, int]


def project_point(point: Sequence[float], T_cam_world: Tensor, K: Tensor) -> tuple[Pixel, float]:
    """Project one world point: K (R X + t), divided by its last component.

    Args:
        point: (3,) world point.
        T_cam_world: (4, 4) pose.
        K: (3, 3) intrinsics.

    Returns:
        Pixel and depth. The pixel is (nan, nan) when the depth is exactly zero.
    """
    pose, lens = T_cam_world.tolist(), K.tolist()
    camera = [sum(pose[i][j] * point[j] for j in range(3)) + pose[i][3] for i in range(3)]
    scaled = [sum(lens[i][j] * camera[j] for j in range(3)) for i in range(3)]
    if scaled[2] == 0.0:
        return (math.nan, math.nan), 0.0
    return (scaled[0] / scaled[2], scaled[1] / scaled[2]), scaled[2]


def unproject_pixel(pixel: Pixel, z: float, K: Tensor) -> tuple[float, float, float]:
    """The camera point at depth z on the ray of one pixel; K without skew."""
    lens = K.tolist()
    return (
        (pixel[0] - lens[0][2]) / lens[0][0] * z,
        (pixel[1] - lens[1][2]) / lens[1][1] * z,
        z,
    )


def visible_points(
    pixels: Sequence[Pixel],
    depths: Sequence[float],
    surface: Sequence[tuple[Pixel, float]],
    size: Size,
    occlusion: Occlusion,
) -> list[bool]:
    """Which points are visible beside a surface of points.

    A point is visible when it is in front of the camera, its pixel is on the canvas, and its depth
    is at most (1 + threshold) times the limit of its cell: the nearest surface depth there after
    gaps are closed in rows and then in columns (closed_gaps). A cell without a limit hides nothing.
    The picture's own view is not tested: in it every pixel with depth is visible.

    Args:
        pixels: N pixels (x, y).
        depths: N camera depths.
        surface: (pixel, depth) points that may hide others. Those behind the camera (depth not
            above 0) and off the canvas hide nothing.
        size: The canvas in pixels.
        occlusion: Radius, threshold and cell side.
    """
    nearest: dict[Cell, float] = {}
    for pixel, z in surface:
        if z > 0 and _on_canvas(pixel, size):
            cell = _cell(pixel, occlusion.cell_px)
            nearest[cell] = min(z, nearest.get(cell, math.inf))
    columns, rows = -(-size.width // occlusion.cell_px), -(-size.height // occlusion.cell_px)
    cells = [(column, row) for row in range(rows) for column in range(columns)]
    for axis in (0, 1):
        nearest = closed_gaps(nearest, cells, axis, occlusion.radius)
    return [
        z > 0
        and _on_canvas(pixel, size)
        and z <= nearest[_cell(pixel, occlusion.cell_px)] * (1.0 + occlusion.threshold_frac)
        for pixel, z in zip(pixels, depths, strict=True)
    ]


def closed_gaps(
    nearest: dict[Cell, float], cells: Sequence[Cell], axis: int, radius: int
) -> dict[Cell, float]:
    """Close gaps of the nearest depths along one axis.

    A cell takes the farther of the nearest depths on its two sides if that is nearer than its own.
    A cell without depth counts as infinitely far.

    Args:
        nearest: Nearest depth of each cell that has one.
        cells: The cells to compute.
        axis: 0 closes gaps in rows, 1 in columns.
        radius: Number of cells that are searched on either side.
    """

    def least(cell: Cell, direction: int) -> float:
        reach = [direction * step for step in range(1, radius + 1)]
        places = [
            (cell[0] + step, cell[1]) if axis == 0 else (cell[0], cell[1] + step) for step in reach
        ]
        return min((nearest.get(place, math.inf) for place in places), default=math.inf)

    return {
        cell: min(nearest.get(cell, math.inf), max(least(cell, -1), least(cell, 1)))
        for cell in cells
    }


def _on_canvas(pixel: Pixel, size: Size) -> bool:
    return 0.0 <= pixel[0] < size.width and 0.0 <= pixel[1] < size.height


def _cell(pixel: Pixel, cell_px: int) -> Cell:
    return math.floor(pixel[0] / cell_px), math.floor(pixel[1] / cell_px)
