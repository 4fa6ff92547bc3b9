"""From the cells of a field to every pixel, along the picture's own edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Cells this far around speak for a pixel: those of its colour, and the nearer the more.
REACH = 2
NEAR_CELLS = 1.0
COLOUR_SIGMA = 0.06
# A floor under colour likeness, so that a pixel like none of its cells takes their mean.
LEAST_LIKENESS = 1e-4
# Grain must not decide where a pixel belongs: colours, and shares, are smoothed by so many pixels
# of a 512-pixel picture.
SMOOTH_PX = 1.2
# Cells that differ by more than this, pixels of a 512-pixel picture, are different things; a
# pixel goes with one of them, for nothing moves by their mean.
SAME_PX = 1.5


class Upsampler:
    """From the cells of a grid to the pixels of one picture.

    Where cells agree, displacements are interpolated. Where they differ by more than SAME_PX, a
    pixel goes with one cell, continued at that cell's own slope: the one whose weight, as in joint
    bilateral upsampling (Kopf et al. 2007, section 3: near on the grid and alike in CIELAB), is
    highest. Choices are made once per picture.
    """

    def __init__(self, picture: Array, grid: int) -> None:
        """picture: (H, W, 3) float32 0..1."""
        import cv2

        height, width = picture.shape[:2]
        self.size, self.grid = (width, height), grid
        self.scale = max(self.size) / 512
        self.cell = np.array([width / grid, height / grid], np.float32)
        sigma = max(SMOOTH_PX * self.scale, 0.5)
        lab = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), sigma), cv2.COLOR_RGB2LAB)
        lab = lab * np.float32(0.01)
        colours = cv2.resize(lab, (grid, grid), interpolation=cv2.INTER_AREA)
        best = np.full((height, width), -1, np.float32)
        self.choice = np.zeros((height, width), np.int32)
        for index, colour in self._neighbours(colours):
            apart = cv2.subtract(lab, colour)
            likeness = np.exp(np.einsum("hwc,hwc->hw", apart, apart) * (-0.5 / COLOUR_SIGMA**2))
            weight = cv2.GaussianBlur(likeness + np.float32(LEAST_LIKENESS), (0, 0), sigma)
            weight *= self._nearness(index)
            better = weight > best
            np.copyto(best, weight, where=better)
            np.copyto(self.choice, index, where=better)

    def _neighbours(self, colours: Array) -> Iterator[tuple[Array, Array]]:
        """Around the cell of every pixel: number (H, W) int32 and colour (H, W, 3) of a cell."""
        import cv2

        rows, columns = np.mgrid[0 : self.grid, 0 : self.grid]
        for down in range(-REACH, REACH + 1):
            for right in range(-REACH, REACH + 1):
                row = np.clip(rows + down, 0, self.grid - 1)
                column = np.clip(columns + right, 0, self.grid - 1)
                number = (row * self.grid + column).astype(np.float32)
                raised = cv2.resize(number, self.size, interpolation=cv2.INTER_NEAREST)
                colour = cv2.resize(
                    colours[row, column], self.size, interpolation=cv2.INTER_NEAREST
                )
                yield raised.astype(np.int32), colour

    def _nearness(self, index: Array) -> Array:
        row, column = np.divmod(index, self.grid)
        y, x = np.ogrid[0 : self.size[1], 0 : self.size[0]]
        right = (x + np.float32(0.5)) / self.cell[0] - (column + np.float32(0.5))
        down = (y + np.float32(0.5)) / self.cell[1] - (row + np.float32(0.5))
        return np.exp((right**2 + down**2) * np.float32(-0.5 / NEAR_CELLS**2))

    def __call__(self, cells: Array) -> Array:
        """(G, G, 2) displacements in pixels to (H, W, 2) float32."""
        import cv2

        cells = np.ascontiguousarray(cells, np.float32)
        out = cv2.resize(cells, self.size, interpolation=cv2.INTER_LINEAR)
        around = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
        # A step, not a slope: what stretches evenly is interpolated.
        step = np.abs(cells - cv2.blur(cells, (3, 3))).max(axis=-1)
        rough = (cv2.dilate(step, around) > SAME_PX * self.scale).astype(np.uint8)
        rough = cv2.resize(rough, self.size, interpolation=cv2.INTER_NEAREST)
        pixels = np.flatnonzero(rough)
        chosen = self.choice.ravel()[pixels]
        y, x = np.divmod(pixels, self.size[0])
        row, column = np.divmod(chosen, self.grid)
        right = (x + 0.5) / self.cell[0] - (column + 0.5)
        down = (y + 0.5) / self.cell[1] - (row + 0.5)
        flat = cells.reshape(-1, 2)
        across, along = (_slope(cells, axis).reshape(-1, 2)[chosen] for axis in (1, 0))
        value = flat[chosen] + across * right[:, None] + along * down[:, None]
        out.reshape(-1, 2)[pixels] = value
        return out


def _slope(cells: Array, axis: int) -> Array:
    """(G, G, 2) per cell: the gentler of the steps to both sides, none where they disagree."""
    step = np.diff(cells, axis=axis)
    edge = np.zeros_like(cells.take([0], axis=axis))
    before = np.concatenate([edge, step], axis=axis)
    after = np.concatenate([step, edge], axis=axis)
    gentle = np.where(np.abs(before) < np.abs(after), before, after)
    return np.where(before * after > 0, gentle, 0)
