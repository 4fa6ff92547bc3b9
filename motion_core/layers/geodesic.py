"""Distances in a picture along paths that avoid its edges."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..fields.arrays import BoolArray, FloatArray

# Deviation of the Gaussian under which changes of colour are texture, cells.
TEXTURE_CELLS = 1.0
# The price of crossing a cell besides that of its edge, as a fraction of the long side: crossing
# the whole picture costs as much as one edge from black to white.
STEP = 1.0


class EdgeDistances:
    """Geodesic distances between the cells of one picture.

    A path costs the change of colour along it plus its length (Bai and Sapiro 2007, "A geodesic
    framework for fast interactive image and video segmentation"): two cells are near each other
    where no edge lies between them.

    Args:
        picture: (h, w, 3) float32 0..1.
    """

    def __init__(self, picture: FloatArray) -> None:
        self._picture = picture

    def nearer(self, inside: BoolArray, outside: BoolArray) -> BoolArray:
        """(h, w) bool: the cells that are nearer to the seeds inside than to those outside; all of
        them where there are none outside.

        Args:
            inside: (h, w) bool, at least one cell.
            outside: (h, w) bool.
        """
        return self._from(inside) < self._from(outside)

    def _from(self, seeds: BoolArray) -> FloatArray:
        from scipy.sparse.csgraph import dijkstra

        if not seeds.any():
            return np.full(seeds.shape, np.inf)
        found = dijkstra(self._graph, False, np.flatnonzero(seeds), min_only=True)
        return found.reshape(seeds.shape)

    @cached_property
    def _graph(self) -> Any:
        """The cells with their eight neighbours, and the cost of every step."""
        from scipy.sparse import coo_array

        price = STEP / max(self._picture.shape) + self._edges()
        number = np.arange(price.size).reshape(price.shape)
        rows, columns, costs = [], [], []
        for here, there, length in _steps():
            rows.append(number[here].ravel())
            columns.append(number[there].ravel())
            costs.append(length * (price[here] + price[there]).ravel() / 2)
        place = (np.concatenate(rows), np.concatenate(columns))
        return coo_array((np.concatenate(costs), place), shape=(price.size,) * 2).tocsr()

    def _edges(self) -> FloatArray:
        """(h, w) change of colour per cell; 1 from black to white."""
        import cv2

        smooth = cv2.GaussianBlur(self._picture, (0, 0), TEXTURE_CELLS)
        colour = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB) / 100
        slopes = [cv2.Sobel(colour, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))]
        return np.sqrt(sum((slope**2).sum(-1) for slope in slopes))


def _steps() -> list[tuple[Any, Any, float]]:
    """Slices of cells and of their neighbours, and how far apart these are."""
    all_of, first, last = slice(None), slice(None, -1), slice(1, None)
    return [
        ((all_of, first), (all_of, last), 1.0),
        ((first, all_of), (last, all_of), 1.0),
        ((first, first), (last, last), np.sqrt(2.0)),
        ((first, last), (last, first), np.sqrt(2.0)),
    ]
