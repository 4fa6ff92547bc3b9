"""What a point looks like: patches around points, how alike two are, where a lost one shows up."""

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


@dataclass(frozen=True)
class Likeness:
    """Of N pairs of patches: correlation -1..1 (their brightness and contrast do not count), and
    mean absolute difference in grey levels (brightness does not count)."""

    correlation: NDArray[np.float32]
    difference: NDArray[np.float32]
    contrast: NDArray[np.float32]


def patches_at(grey: Grey, points: Points, side: int = PATCH) -> NDArray[np.uint8]:
    """(N, side * side) sub-pixel patches around points (N, 2); the picture's edge goes on."""
    import cv2

    reach = np.arange(side, dtype=np.float32) - np.float32(side // 2 + 0.5)
    # cv2 counts from the centre of the top-left pixel: 0.5 less than we do.
    x = points[:, :1] + np.tile(reach, side)
    y = points[:, 1:] + np.repeat(reach, side)
    rows = []
    # A remap may have at most 32767 rows.
    for start in range(0, len(points), 30_000):
        part = slice(start, start + 30_000)
        rows.append(
            cv2.remap(grey, x[part], y[part], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )
    return np.concatenate(rows) if rows else np.zeros((0, side * side), np.uint8)


def likeness(seen: NDArray, known: NDArray) -> Likeness:
    """How alike N pairs of patches (N, P) are."""
    a = seen.astype(np.float32)
    b = known.astype(np.float32)
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    power_a = np.einsum("np,np->n", a, a)
    power_b = np.einsum("np,np->n", b, b)
    product = np.einsum("np,np->n", a, b)
    correlation = product / np.sqrt(np.maximum(power_a * power_b, 1e-6))
    contrast = np.sqrt(power_b / b.shape[1])
    np.subtract(a, b, out=a)
    np.abs(a, out=a)
    return Likeness(correlation, a.mean(axis=1), contrast)


def find_again(grey: Grey, tiles: NDArray[np.uint8], near: Points) -> tuple[Points, NDArray]:
    """Where the middles of tiles (N, TILE, TILE) are in a picture, near where they are expected.

    near: (N, 2). Returns points (N, 2) and whether the search came to rest within reach. All tiles
    are searched by one call of Lucas-Kanade between two sheets of tiles.
    """
    import cv2

    count = len(near)
    found = patches_at(grey, near, TILE).reshape(count, TILE, TILE)
    columns = min(count, 64)
    before, after = _sheet(tiles, columns), _sheet(found, columns)
    index = np.arange(count)
    middle = np.stack([index % columns, index // columns], -1) * TILE + TILE // 2
    middle = middle.astype(np.float32)
    moved, good, _ = cv2.calcOpticalFlowPyrLK(
        before, after, middle[:, None], np.empty(0), winSize=WINDOW, maxLevel=SEARCH_LEVELS
    )
    back, good_back, _ = cv2.calcOpticalFlowPyrLK(
        after, before, moved, np.empty(0), winSize=WINDOW, maxLevel=SEARCH_LEVELS
    )
    shift = moved[:, 0] - middle
    within = np.abs(shift).max(axis=1) <= (TILE - WINDOW[0]) / 2
    returned = np.abs(back[:, 0] - middle).max(axis=1) < 0.5
    return (near + shift).astype(np.float32), (good[:, 0] == 1) & (
        good_back[:, 0] == 1
    ) & within & returned


def _sheet(tiles: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    rows = -(-len(tiles) // columns)
    sheet = np.zeros((rows * columns, TILE, TILE), np.uint8)
    sheet[: len(tiles)] = tiles
    grid = sheet.reshape(rows, columns, TILE, TILE).swapaxes(1, 2)
    return np.ascontiguousarray(grid.reshape(rows * TILE, columns * TILE))
