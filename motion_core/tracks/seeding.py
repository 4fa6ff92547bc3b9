"""Where tracks start: regular grids over the canvas, a mask, a polygon or a disc.

Every grid is square with the given spacing, row by row from the top left, in pixels. Spacing 1 over
the whole canvas hits every pixel centre once.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size, checked_size
from ..masks import binary_mask, check_mask_size
from ..progress import Progress, silent
from .arguments import MAX_FRAMES, number_from_zero, positive_number, whole_number
from .model import Tracks, make_tracks
from .polygon import edge_x, is_inside

MAX_POINTS = 1_000_000


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


def grid_points(size: Size, spacing: float) -> Tensor:
    """A grid centred on the canvas, with every point inside it.

    Args:
        size: The canvas.
        spacing: Pixels between points. A spacing beyond a side leaves one row or column, in the
            middle.

    Returns:
        (N, 2) float32 pixels, row by row.

    Raises:
        ValueError: `spacing` is not above 0 or needs more than 1,000,000 points.
    """
    size = checked_size(*size)
    return _as_points(_box_grid(_Box(0.0, 0.0, size.width, size.height), spacing))


def mask_points(mask: Tensor, size: Size, spacing: float) -> Tensor:
    """A grid over the part of the canvas where a mask is on.

    The grid is centred on the bounding box of the mask. If no grid point meets the mask, the result
    is the mask's pixel nearest to its own centre, so only an empty mask gives no points.

    Args:
        mask: (H, W) of the canvas, bool, or numbers that are on above 0.5.
        size: The canvas.
        spacing: Pixels between points.

    Returns:
        (N, 2) float32 pixels, row by row.

    Raises:
        ShapeError: The mask is not (H, W).
        CanvasError: The mask has another size than the canvas.
        ValueError: The mask is not finite, or `spacing` is invalid as in grid_points.
    """
    size = checked_size(*size)
    value = binary_mask(mask)
    check_mask_size(value, size)
    on = value.cpu().numpy()
    rows, columns = np.flatnonzero(on.any(axis=1)), np.flatnonzero(on.any(axis=0))
    positive_number("spacing", spacing)
    if not rows.size:
        return _as_points(np.zeros((0, 2)))
    box = _bounds(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    grid = _box_grid(box, spacing)
    cell = np.floor(grid).astype(np.int64)
    inside = grid[on[cell[:, 1], cell[:, 0]]]
    return _as_points(inside if len(inside) else _middle_pixel(on))


def polygon_points(
    polygon: ArrayLike,
    spacing: float,
    size: Size | None = None,
    *,
    progress: Progress = silent,
) -> Tensor:
    """A grid inside a polygon, and inside the canvas when `size` is given.

    The grid is centred on the bounding box of the polygon. A polygon so thin that no grid point
    meets it gives one point in its middle; one that encloses nothing gives none.

    Args:
        polygon: (K, 2) corners in pixels, K >= 3, closed automatically. The even-odd rule holds
            where it crosses itself.
        spacing: Pixels between points.
        size: The canvas, or None for no limit.
        progress: As in `is_inside`.

    Returns:
        (N, 2) float32 pixels, row by row.

    Raises:
        ShapeError, ValueError: The polygon is invalid, or `spacing` is, as in grid_points.
    """
    corners = _corners(polygon)
    positive_number("spacing", spacing)
    box = _bounds(*corners.min(axis=0), *corners.max(axis=0))
    if size is not None:
        size = checked_size(*size)
        box = _Box(
            max(box.left, 0.0),
            max(box.top, 0.0),
            min(box.right, float(size.width)),
            min(box.bottom, float(size.height)),
        )
    if box.right <= box.left or box.bottom <= box.top:
        return _as_points(np.zeros((0, 2)))
    grid = _box_grid(box, spacing)
    inside = grid[is_inside(grid, corners, progress)]
    return _as_points(inside if len(inside) else _middle_of_widest_span(corners, box))


def disc_points(
    center: ArrayLike,
    radius: float,
    spacing: float,
    shape: Literal["round", "square"] = "round",
) -> Tensor:
    """A grid through `center` with points up to `radius` pixels away from it.

    N is odd and point N // 2 is the centre. Points may lie outside any canvas.

    Args:
        center: (x, y) in pixels.
        radius: Pixels, 0 or more; 0 gives the centre alone.
        spacing: Pixels between points.
        shape: "round" keeps points at most `radius` away, "square" those within `radius` in x and
            in y.

    Returns:
        (N, 2) float32 pixels, row by row.

    Raises:
        ShapeError: `center` is not (x, y).
        ValueError: `center` is not finite, `radius` is below 0, `shape` is unknown, or `spacing` is
            not above 0 or needs more than 1,000,000 points.
    """
    middle = np.asarray(center, dtype=np.float64)
    if middle.shape != (2,):
        raise ShapeError(f"center must be (x, y); got shape {middle.shape}.")
    if not np.isfinite(middle).all():
        raise ValueError(f"center must be finite; got {middle.tolist()}.")
    if shape not in ("round", "square"):
        raise ValueError(f"shape must be 'round' or 'square'; got {shape!r}.")
    # A radius of exactly k spacings reaches k points despite rounding.
    reach = number_from_zero("radius", radius) / positive_number("spacing", spacing) * (1 + 1e-9)
    _check_count(2 * reach + 1, 2 * reach + 1, spacing)
    steps = np.arange(-math.floor(reach), math.floor(reach) + 1, dtype=np.float64)
    offsets = _pairs(steps, steps)
    if shape == "round":
        offsets = offsets[(offsets**2).sum(axis=1) <= reach**2]
    return _as_points(middle + offsets * spacing)


def points_inside_polygon(
    points: ArrayLike, polygon: ArrayLike, *, progress: Progress = silent
) -> Tensor:
    """Which points lie inside a polygon, by the even-odd rule.

    A point on a left or top edge is inside, on a right or bottom edge outside, so polygons that
    share an edge share no point.

    Args:
        points: (N, 2) pixels.
        polygon: (K, 2) corners in pixels, K >= 3, closed automatically.
        progress: As in `is_inside`.

    Returns:
        (N,) bool.

    Raises:
        ShapeError, ValueError: The points or the polygon are invalid, or too many together.
    """
    where = _finite_pairs("points", points)
    return torch.from_numpy(is_inside(where, _corners(polygon), progress))


def static_tracks(points: ArrayLike, frames: int, size: Size, fps: float | None = None) -> Tracks:
    """Tracks that stay at `points` in all frames, all visible, numbered 0..N-1.

    Args:
        points: (N, 2) pixels of the canvas; they may lie outside it.
        frames: Number of frames, 0..100000.
        size: The canvas.
        fps: Frames per second, or None when unknown.

    Raises:
        ShapeError, ValueError: The points or the number of frames are invalid.
    """
    frames = whole_number("frames", frames, most=MAX_FRAMES)
    where = _as_points(_finite_pairs("points", points))
    return make_tracks(where.expand(frames, -1, -1).clone(), size, fps=fps)


def _as_points(points: np.ndarray) -> Tensor:
    if points.size and np.abs(points).max() > np.finfo(np.float32).max:
        raise ValueError("positions this far out do not fit float32; expected pixels of a canvas.")
    return torch.from_numpy(points.astype(np.float32))


def _bounds(*sides: np.generic) -> _Box:
    """A box of Python's own numbers, which overflow in silence and are checked later."""
    return _Box(*(float(side) for side in sides))


def _pairs(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(len(y) * len(x), 2) every (x, y), row by row."""
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _check_count(across: float, down: float, spacing: float) -> None:
    if across * down > MAX_POINTS:
        raise ValueError(
            f"a spacing of {spacing:g} px would need about {across * down:.3g} points, more than "
            f"{MAX_POINTS:,}. Raise the spacing or make the area smaller."
        )


def _box_grid(box: _Box, spacing: float) -> np.ndarray:
    """(N, 2) float64: the grid centred in a box of positive sides."""
    step = positive_number("spacing", spacing)
    across, down = (box.right - box.left) / step, (box.bottom - box.top) / step
    _check_count(max(across, 1.0), max(down, 1.0), step)
    x, y = _centred(box.left, box.right, step), _centred(box.top, box.bottom, step)
    return _pairs(x, y)


def _centred(low: float, high: float, step: float) -> np.ndarray:
    # A side of exactly k spacings holds k points despite rounding.
    count = max(1, math.floor((high - low) / step * (1 + 1e-9)))
    return (low + high) / 2 + (np.arange(count) - (count - 1) / 2) * step


def _middle_pixel(on: np.ndarray) -> np.ndarray:
    centres = np.argwhere(on)[:, ::-1] + 0.5
    distance = ((centres - centres.mean(axis=0)) ** 2).sum(axis=1)
    return centres[[distance.argmin()]]


def _finite_pairs(name: str, values: ArrayLike) -> np.ndarray:
    pairs = np.asarray(values, dtype=np.float64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ShapeError(f"{name} must be (N, 2) pixels; got {pairs.shape}.")
    if not np.isfinite(pairs).all():
        raise ValueError(f"{name} must be finite; row {_first_bad_row(pairs)} is not.")
    return pairs


def _first_bad_row(pairs: np.ndarray) -> int:
    return int(np.flatnonzero(~np.isfinite(pairs).all(axis=1))[0])


def _corners(polygon: ArrayLike) -> np.ndarray:
    corners = _finite_pairs("polygon", polygon)
    if len(corners) < 3:
        raise ValueError(f"a polygon needs at least 3 corners; got {len(corners)}.")
    return corners


def _middle_of_widest_span(corners: np.ndarray, box: _Box) -> np.ndarray:
    """(1, 2) a point inside on the box's middle line, or (0, 2) when that line meets nothing."""
    y = (box.top + box.bottom) / 2
    ends = np.roll(corners, -1, axis=0)
    crossing = (corners[:, 1] <= y) != (ends[:, 1] <= y)
    x = sorted(edge_x(a, b, y) for a, b in zip(corners[crossing], ends[crossing], strict=True))
    spans = np.clip(np.array(x, dtype=np.float64).reshape(-1, 2), box.left, box.right)
    if not len(spans) or np.ptp(spans, axis=1).max() == 0:
        return np.zeros((0, 2))
    return np.array([[spans[np.ptp(spans, axis=1).argmax()].mean(), y]])
