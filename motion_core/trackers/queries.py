"""Queries (N, 3) for trackers: frame, x, y in pixels."""

from __future__ import annotations

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..geometry import Size, checked_size
from ..tracks import Tracks, grid_points, inside_canvas, mask_points
from ..tracks.arguments import whole_number
from ..tracks.seeding import MAX_POINTS


def grid_queries(size: Size, spacing: float, frame: int = 0) -> Tensor:
    """Queries on a square grid over the canvas.

    Args:
        size: The canvas in pixels.
        spacing: Pixels between neighbours.
        frame: The frame of all queries.

    Raises:
        TypeError, ValueError: As in grid_points.
    """
    return at_frame(grid_points(size, spacing), frame)


def random_queries(size: Size, count: int, generator: torch.Generator, frame: int = 0) -> Tensor:
    """Queries at uniformly random positions of the canvas.

    Args:
        size: The canvas in pixels.
        count: Number of points, 0..1,000,000.
        generator: Source of the random numbers.
        frame: The frame of all queries.

    Raises:
        TypeError, ValueError: The count is not a whole number or is out of range.
    """
    count = whole_number("count", count, most=MAX_POINTS)
    size = checked_size(*size)
    # The largest float32 below a side: a product may round up to the side itself.
    most = torch.nextafter(torch.tensor(tuple(size), dtype=torch.float32), torch.zeros(2))
    return at_frame((torch.rand(count, 2, generator=generator) * most).minimum(most), frame)


def mask_queries(mask: Tensor, size: Size, spacing: float, frame: int = 0) -> Tensor:
    """Queries on a grid over the part of the canvas where a mask is on.

    Args:
        mask: (H, W).
        size: The canvas in pixels.
        spacing: Pixels between neighbours.
        frame: The frame of all queries.

    Raises:
        CanvasError: The mask has another size than the canvas.
        ValueError: The mask is empty, or as in mask_points.
    """
    points = mask_points(mask, size, spacing)
    if not len(points):
        raise ValueError("the mask is empty: there is nothing to follow. Paint where to look.")
    return at_frame(points, frame)


def point_queries(points: ArrayLike | Tensor, frame: int = 0) -> Tensor:
    """Queries at points (N, 2) of one frame.

    Raises:
        ShapeError: The points are not (N, 2).
    """
    where = torch.as_tensor(points, dtype=torch.float32)
    if where.ndim != 2 or where.shape[1] != 2:
        raise ShapeError(f"points must be (N, 2) pixels; got {tuple(where.shape)}.")
    return at_frame(where, frame)


def track_queries(tracks: Tracks, frame: int, size: Size) -> tuple[Tensor, Tensor]:
    """Queries at the positions of existing tracks that are visible in a frame.

    Args:
        tracks: The tracks.
        frame: The frame.
        size: The canvas of the video in pixels.

    Returns:
        Queries (N, 3) and the ids (N,) of their tracks.

    Raises:
        CanvasError: The tracks have another canvas than `size`.
        ValueError: The tracks do not have that frame, or none is visible there.
    """
    if tracks.size != size:
        raise CanvasError(
            f"the tracks lie on {tracks.size} but the video is {size}. Fit them to the video first."
        )
    whole_number("frame", frame)
    if frame >= tracks.num_frames:
        raise ValueError(
            f"frame {frame} is beyond the tracks' {tracks.num_frames} frames; choose one of "
            f"0..{tracks.num_frames - 1}."
        )
    visible_there = tracks.visible[frame] & inside_canvas(tracks)[frame]
    if not bool(visible_there.any()):
        raise ValueError(f"no track is visible at frame {frame}; choose another frame.")
    return at_frame(tracks.xy[frame, visible_there], frame), tracks.ids[visible_there]


def at_frame(points: Tensor, frame: int) -> Tensor:
    """Queries (N, 3) at points (N, 2) of one frame.

    Raises:
        TypeError, ValueError: The frame is not a whole number of 0 or more.
    """
    frame = whole_number("frame", frame)
    return torch.cat([points.new_full((len(points), 1), float(frame)), points], dim=1)
