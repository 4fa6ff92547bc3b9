"""Backward motion: displacements on a coarse lattice that covers the canvas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fields.arrays import FloatArray
from ..geometry import Size

LEAST_CELL = 8
MOST_CELLS = 64


@dataclass(frozen=True, eq=False)
class BackwardField:
    """At a place of a frame, the displacement of what is visible there since frame 0.

    The cells cover the canvas from its top left and, with one more ring, a margin around it:
    the centre of cell (row, column) is ((column - 0.5) * cell, (row - 0.5) * cell).

    Attributes:
        values: (rows, columns, 2) float32 pixels, at the centres of the cells.
        cell: side of the square cells in pixels.
    """

    values: FloatArray
    cell: int

    @property
    def centres(self) -> FloatArray:
        """(rows, columns, 2) float32 pixels."""
        rows, columns = self.values.shape[:2]
        return cell_centres(Size(columns, rows), self.cell)

    def at(self, points: FloatArray) -> FloatArray:
        """(N, 2) bilinear values at points (N, 2), pixels; constant beyond the margin."""
        rows, columns = self.values.shape[:2]
        place = np.clip(points / self.cell + 0.5, 0, [columns - 1, rows - 1])
        low = np.minimum(place.astype(np.int64), [columns - 2, rows - 2])
        right, down = np.split((place - low).astype(np.float32), 2, axis=1)
        x, y = low[:, 0], low[:, 1]
        above = self.values[y, x] + right * (self.values[y, x + 1] - self.values[y, x])
        below = self.values[y + 1, x] + right * (self.values[y + 1, x + 1] - self.values[y + 1, x])
        return above + down * (below - above)

    def over(self, left: int, top: int, right: int, bottom: int) -> tuple[FloatArray, FloatArray]:
        """Bilinear values at every pixel of a rectangle of the canvas: x and y, (h, w) each."""
        import cv2

        column, row = left // self.cell, top // self.cell
        columns = -(-right // self.cell) - column + 2
        rows = -(-bottom // self.cell) - row + 2
        part = self.values[row : row + rows, column : column + columns]
        size = (columns * self.cell, rows * self.cell)
        x, y = left - (column - 1) * self.cell, top - (row - 1) * self.cell
        inside = slice(y, y + bottom - top), slice(x, x + right - left)
        channels = (np.ascontiguousarray(part[..., axis]) for axis in (0, 1))
        across, along = (
            cv2.resize(channel, size, interpolation=cv2.INTER_LINEAR)[inside]
            for channel in channels
        )
        return across, along


def field_grid(canvas: Size) -> tuple[Size, int]:
    """Columns and rows of a field, its ring included, and the side of its cells in pixels."""
    cell = max(LEAST_CELL, -(-max(canvas) // MOST_CELLS))
    return Size(*(-(-side // cell) + 2 for side in canvas)), cell


def cell_centres(grid: Size, cell: int) -> FloatArray:
    """(rows, columns, 2) pixels."""
    x = (np.arange(grid.width, dtype=np.float32) - np.float32(0.5)) * cell
    y = (np.arange(grid.height, dtype=np.float32) - np.float32(0.5)) * cell
    return np.stack(np.meshgrid(x, y), axis=-1)
