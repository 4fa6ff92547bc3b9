"""The base of the classical densifiers: handles from tracks, and the grid they are spread to.

A handle is a point of the picture with its displacement in every frame. A point that is hidden for
some frames moves evenly from its last visible position to its next one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..geometry import Size
from ..images import check_image
from ..progress import Progress, silent
from ..tracks.model import Tracks
from ..tracks.start import fill_gaps, thin_evenly, track_starts
from .arrays import FloatArray
from .motion_field import MotionField, field_on_canvas, resting_field

# Default columns and rows of the fields.
GRID = Size(64, 64)
# As many as there are cells; distances from all cells to all handles must fit into memory.
MOST_HANDLES = 4096
# Cells whose displacements are computed at once.
PORTION = 256


class Handles(NamedTuple):
    """Scattered displacements on a canvas.

    Attributes:
        points: (N, 2) float64 pixels, the positions in frame 0.
        shifts: (N, T * 2) float64 pixels, displacements from frame 0, x and y of frame after frame.
        size: the canvas.
    """

    points: FloatArray
    shifts: FloatArray
    size: Size


def handles_of(tracks: Tracks) -> Handles:
    """The handles of all tracks that are ever visible; of more than MOST_HANDLES an even choice."""
    _, start, has_start = track_starts(tracks)
    keep = has_start.nonzero().squeeze(1)
    keep = keep[thin_evenly(start[keep], max(tracks.size), MOST_HANDLES)]
    visible, xy = tracks.visible[:, keep], tracks.xy[:, keep]
    filled = fill_gaps(xy.double(), visible).transpose(0, 1).cpu().numpy()
    points = filled[:, 0] if tracks.num_frames else np.zeros((0, 2))
    shifts = (filled - points[:, None]).reshape(len(points), 2 * tracks.num_frames)
    return Handles(points, shifts, tracks.size)


@dataclass(frozen=True)
class ScatteredDensifier(ABC):
    """A Densifier that spreads handles over a grid.

    Attributes:
        grid: columns and rows of the field.
    """

    grid: Size = GRID

    def __call__(self, image: Tensor, tracks: Tracks, progress: Progress = silent) -> MotionField:
        """See Densifier. Without a visible track nothing moves."""
        check_image(image, canvas=tracks.size)
        handles = handles_of(tracks)
        if not len(handles.points):
            return resting_field(tracks.num_frames, self.grid, tracks.size)
        progress(0, 1)
        values = torch.from_numpy(
            np.ascontiguousarray(self.spread(handles, image, progress), dtype=np.float32)
        )
        columns, rows = self.grid
        displacement = values.view(rows, columns, tracks.num_frames, 2).permute(2, 0, 1, 3)
        progress(1, 1)
        return field_on_canvas(displacement.contiguous(), tracks.size)

    @abstractmethod
    def spread(self, handles: Handles, image: Tensor, progress: Progress = silent) -> FloatArray:
        """The displacements of all cells.

        Args:
            handles: at least one.
            image: (H, W, 3) float 0..1.
            progress: called in between where the work can be long.

        Returns:
            (rows * columns, T * 2) pixels, row by row.
        """

    def places(self, handles: Handles) -> FloatArray:
        """(rows * columns, 2) float64 pixels: the centres of the cells, row by row."""
        width, height = handles.size
        across = (np.arange(self.grid.width) + 0.5) / self.grid.width
        down = (np.arange(self.grid.height) + 0.5) / self.grid.height
        x, y = np.meshgrid(across * width, down * height)
        return np.stack([x, y], axis=-1).reshape(-1, 2)


def in_portions(
    places: FloatArray, of: Callable[[FloatArray], FloatArray], progress: Progress
) -> FloatArray:
    """A function of places (M, ...), called for PORTION of them at a time and joined."""
    parts = []
    for first in range(0, len(places), PORTION):
        parts.append(of(places[first : first + PORTION]))
        progress(min(first + PORTION, len(places)), len(places))
    return np.concatenate(parts)


def squared_distances(places: FloatArray, points: FloatArray) -> FloatArray:
    """(M, N) squared distances of places (M, 2) from points (N, 2)."""
    return ((places[:, None] - points[None]) ** 2).sum(-1)
