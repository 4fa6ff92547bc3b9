"""From the cells of a field to every pixel, along the picture's own edges."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from ..geometry import Size
from ..progress import Progress, silent
from .arrays import BoolArray, FloatArray, IndexArray

# Cells this far around determine a pixel: those of its colour, and the nearer the more.
REACH = 2
NEAR_CELLS = 1.0
COLOUR_SIGMA = 0.06
# A floor under colour similarity, so that a pixel like none of its cells takes their mean.
LEAST_SIMILARITY = 1e-4
# Grain must not decide where a pixel belongs: colours and weights are smoothed by so many pixels
# of a 512-pixel picture.
SMOOTH_PX = 1.2
# A step between cells larger than this, pixels of a 512-pixel picture, is resolved pixel by pixel.
SAME_PX = 1.5
# The weights' exponent, and the least of them that counts, of the largest.
SHARPNESS, LEAST_WEIGHT = 2, 0.01


class Upsampler:
    """From the cells of a field to the pixels of one picture.

    Where cells agree or change evenly, displacements are interpolated. Elsewhere a pixel takes the
    mean of the cells around, each continued at its own slope, by the weights of joint bilateral
    upsampling (Kopf et al. 2007, section 3: near on the grid and alike in CIELAB), sharpened:
    where colours separate two sides it goes with one, where they do not it stretches. Weights are
    computed once per picture.
    """

    def __init__(
        self, picture: FloatArray, fields: FloatArray, progress: Progress = silent
    ) -> None:
        """Finds the weights.

        Args:
            picture: (H, W, 3) float32 0..1.
            fields: (T, rows, columns, 2) pixels, every field that will be upsampled.
            progress: Called with 0 done, so that the search can be stopped.
        """
        import cv2

        height, width = picture.shape[:2]
        self.size, self.grid = (width, height), Size(fields.shape[2], fields.shape[1])
        self.scale = max(self.size) / 512
        self.cell = np.array([width, height], np.float32) / np.array(self.grid, np.float32)
        self.pixels = np.arange(0)
        if self.grid == self.size:
            return
        self.pixels = np.flatnonzero(self._rough(fields))
        sigma = max(SMOOTH_PX * self.scale, 0.5)
        lab = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), sigma), cv2.COLOR_RGB2LAB)
        lab = lab * np.float32(0.01)
        colours = cv2.resize(lab, self.grid, interpolation=cv2.INTER_AREA)
        if not len(self.pixels):
            return
        # Half the bytes: there are 25 of each per pixel.
        number_type = np.uint16 if self.grid.width * self.grid.height <= 1 << 16 else np.uint32
        places = np.empty((len(self.pixels), (2 * REACH + 1) ** 2), number_type)
        weights = np.empty(places.shape, np.float16)
        for number, (index, colour) in enumerate(self._neighbours(colours)):
            progress(0, places.shape[1])
            apart = cv2.subtract(lab, colour)
            similarity = np.exp(np.einsum("hwc,hwc->hw", apart, apart) * (-0.5 / COLOUR_SIGMA**2))
            weight = cv2.GaussianBlur(similarity + np.float32(LEAST_SIMILARITY), (0, 0), sigma)
            weight *= self._nearness(index)
            places[:, number] = index.ravel()[self.pixels]
            # The root fits into half precision.
            weights[:, number] = np.sqrt(weight.ravel()[self.pixels])
        self._keep(places, weights)

    def _keep(self, places: FloatArray, weights: FloatArray) -> None:
        """The cells that count for each pixel, and how much: most of them hardly do."""
        weights = (weights / weights.max(axis=1, keepdims=True)).astype(np.float32) ** (
            2 * SHARPNESS
        )
        kept = weights > LEAST_WEIGHT
        count = kept.sum(axis=1)
        self.places = torch.from_numpy(places[kept].astype(np.int32))
        self.first = torch.from_numpy((np.cumsum(count) - count).astype(np.int32))
        weights = weights * kept
        weights /= weights.sum(axis=1, keepdims=True)
        self.weights = torch.from_numpy(weights[kept])

    def _rough(self, fields: FloatArray) -> BoolArray:
        """(H, W) bool: pixels near a step, at any frame. What stretches evenly is no step."""
        import cv2

        # Continued evenly past the rim, where there is no step either.
        around = ((0, 0), (1, 1), (1, 1), (0, 0))
        wide = np.pad(fields, around, mode="reflect", reflect_type="odd")
        steps = [np.abs(one - cv2.blur(one, (3, 3))).max(axis=-1)[1:-1, 1:-1] for one in wide]
        reach = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
        step = cv2.dilate(np.max(steps, axis=0).astype(np.float32), reach)
        rough = (step > SAME_PX * self.scale).astype(np.uint8)
        return cv2.resize(rough, self.size, interpolation=cv2.INTER_NEAREST) > 0

    def _neighbours(self, colours: FloatArray) -> Iterator[tuple[IndexArray, FloatArray]]:
        """Around the cell of every pixel: number (H, W) int32 and colour (H, W, 3) of a cell."""
        import cv2

        rows, columns = np.mgrid[0 : self.grid.height, 0 : self.grid.width]
        for down in range(-REACH, REACH + 1):
            for right in range(-REACH, REACH + 1):
                row = np.clip(rows + down, 0, self.grid.height - 1)
                column = np.clip(columns + right, 0, self.grid.width - 1)
                number = (row * self.grid.width + column).astype(np.float32)
                raised = cv2.resize(number, self.size, interpolation=cv2.INTER_NEAREST)
                colour = cv2.resize(
                    colours[row, column], self.size, interpolation=cv2.INTER_NEAREST
                )
                yield raised.astype(np.int32), colour

    def _nearness(self, index: IndexArray) -> FloatArray:
        row, column = np.divmod(index, self.grid.width)
        y, x = np.ogrid[0 : self.size[1], 0 : self.size[0]]
        right = (x + np.float32(0.5)) / self.cell[0] - (column + np.float32(0.5))
        down = (y + np.float32(0.5)) / self.cell[1] - (row + np.float32(0.5))
        return np.exp((right**2 + down**2) * np.float32(-0.5 / NEAR_CELLS**2))

    def __call__(self, cells: FloatArray) -> FloatArray:
        """(rows, columns, 2) displacements in pixels to (H, W, 2) float32."""
        import cv2

        cells = np.ascontiguousarray(cells, np.float32)
        out = cv2.resize(cells, self.size, interpolation=cv2.INTER_LINEAR)
        if not len(self.pixels):
            return out
        # A cell continued at its slope is a plane over the picture: value at 0, across, along.
        across, along = _slope(cells, 1) / self.cell[0], _slope(cells, 0) / self.cell[1]
        row, column = np.mgrid[0 : self.grid.height, 0 : self.grid.width].astype(
            np.float32
        ) + np.float32(0.5)
        zero = cells - across * (column * self.cell[0])[..., None]
        zero -= along * (row * self.cell[1])[..., None]
        planes = np.concatenate([zero, across, along], axis=-1).reshape(-1, 6)
        mean = functional.embedding_bag(
            self.places,
            torch.from_numpy(planes),
            self.first,
            mode="sum",
            per_sample_weights=self.weights,
        ).numpy()
        y, x = np.divmod(self.pixels, self.size[0])
        x, y = (x + 0.5).astype(np.float32)[:, None], (y + 0.5).astype(np.float32)[:, None]
        out.reshape(-1, 2)[self.pixels] = mean[:, :2] + mean[:, 2:4] * x + mean[:, 4:] * y
        return out


def _slope(cells: FloatArray, axis: int) -> FloatArray:
    """(rows, columns, 2) per cell: the gentler of both sides' steps, none if they disagree."""
    step = np.diff(cells, axis=axis)
    before = np.concatenate([step.take([0], axis=axis), step], axis=axis)
    after = np.concatenate([step, step.take([-1], axis=axis)], axis=axis)
    gentle = np.where(np.abs(before) < np.abs(after), before, after)
    return np.where(before * after > 0, gentle, 0)
