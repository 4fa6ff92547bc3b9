"""Appearance of points: patches, their cross-correlation, and the search for lost points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Points = NDArray[np.float32]

# Sides of a patch that is compared, and of a tile that is searched, in pixels; both odd.
PATCH = 11
TILE = 41
WINDOW = (15, 15)
SEARCH_LEVELS = 1
# Pixels cut at once.
MAX_COORDINATES = 16_000_000


@dataclass(frozen=True)
class PatchSimilarity:
    """Similarity of N pairs of patches.

    Attributes:
        correlation: (N,) normalised cross-correlation, -1..1; brightness and contrast cancel.
        difference: (N,) mean absolute difference in grey levels; brightness cancels.
        contrast: (N,) standard deviation of the reference patch in grey levels.
    """

    correlation: NDArray[np.float32]
    difference: NDArray[np.float32]
    contrast: NDArray[np.float32]


def patches_at(grey: Grey, points: Points, side: int = PATCH) -> NDArray[np.uint8]:
    """Cut sub-pixel patches; the picture is extended by its edge pixels.

    Args:
        grey: (H, W) uint8.
        points: (N, 2) pixels, the centres of the patches.
        side: Side of a patch in pixels, odd.

    Returns:
        (N, side * side) uint8.
    """
    import cv2

    reach = np.arange(side, dtype=np.float32) - np.float32(side // 2 + 0.5)
    # cv2 counts from the centre of the top-left pixel: 0.5 less than we do.
    across, down = np.tile(reach, side), np.repeat(reach, side)
    # A remap may have at most 32767 rows, and the coordinates take eight bytes per pixel.
    portion = min(30_000, MAX_COORDINATES // (side * side))
    rows = []
    for start in range(0, len(points), portion):
        some = points[start : start + portion]
        x, y = some[:, :1] + across, some[:, 1:] + down
        rows.append(cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return np.concatenate(rows) if rows else np.zeros((0, side * side), np.uint8)


def ncc(patches: NDArray, references: NDArray) -> PatchSimilarity:
    """Normalised cross-correlation of N pairs of patches (N, P), and their difference."""
    a = patches.astype(np.float32)
    b = references.astype(np.float32)
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    power_a = np.einsum("np,np->n", a, a)
    power_b = np.einsum("np,np->n", b, b)
    product = np.einsum("np,np->n", a, b)
    correlation = product / np.sqrt(np.maximum(power_a * power_b, 1e-6))
    contrast = np.sqrt(power_b / b.shape[1])
    np.subtract(a, b, out=a)
    np.abs(a, out=a)
    return PatchSimilarity(correlation, a.mean(axis=1), contrast)


class Search:
    """A search for tiles (N, TILE, TILE) in a picture, near their expected centres (N, 2).

    All tiles are searched by one call of Lucas-Kanade between two mosaics of tiles.

    Attributes:
        found: (N, 2) the positions of the tiles.
        good: (N,) bool, whether the search converged within reach.
    """

    def __init__(self, grey: Grey, tiles: NDArray[np.uint8], near: Points) -> None:
        count = len(near)
        columns = min(count, 64)
        # Whole pixels suffice as a start; they are copied instead of interpolated.
        corner = np.floor(near).astype(np.intp)
        self._before, self._after = _mosaic(tiles, columns), _mosaic(_cut(grey, corner), columns)
        index = np.arange(count)
        middle = np.stack([index % columns, index // columns], -1) * TILE + TILE // 2
        self._middle = middle.astype(np.float32)
        self._moved, rests = _followed(self._before, self._after, self._middle)
        shift = self._moved - self._middle
        self.found = np.asarray(corner + 0.5 + shift, np.float32)
        self.good = rests & (np.abs(shift).max(axis=1) <= (TILE - WINDOW[0]) / 2)

    def returns(self, which: NDArray) -> NDArray[np.bool_]:
        """Whether the reverse search ends at the start, for a selection of the tiles."""
        if not len(which):
            return np.zeros(0, dtype=bool)
        back, rests = _followed(self._after, self._before, self._moved[which])
        return rests & (np.abs(back - self._middle[which]).max(axis=1) < 0.5)


def _followed(before: Grey, after: Grey, points: Points) -> tuple[Points, NDArray[np.bool_]]:
    import cv2

    moved, good, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points[:, None], np.empty(0), winSize=WINDOW, maxLevel=SEARCH_LEVELS
    )
    return np.asarray(moved[:, 0], np.float32), good[:, 0] == 1


def _cut(grey: Grey, corner: NDArray[np.intp]) -> NDArray[np.uint8]:
    """(N, TILE, TILE) around pixels (N, 2); the picture is extended by its edge pixels."""
    import cv2

    reach = TILE // 2
    wide = cv2.copyMakeBorder(grey, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    every = np.lib.stride_tricks.sliding_window_view(np.asarray(wide, np.uint8), (TILE, TILE))
    return every[corner[:, 1], corner[:, 0]]


def _mosaic(tiles: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    rows = -(-len(tiles) // columns)
    mosaic = np.zeros((rows * columns, TILE, TILE), np.uint8)
    mosaic[: len(tiles)] = tiles
    grid = mosaic.reshape(rows, columns, TILE, TILE).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(rows * TILE, columns * TILE))
