"""Other densifications of scattered displacements, for comparison with the draft's.

Each maps points (N, 2), their displacements (N, 2) and places (M, 2) to displacements (M, 2).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.interpolate
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from motion_core.draft.completion import pull_push
from motion_core.geometry import Size

Array = NDArray[np.float64]
CELL = 8
SIGMA = 12.0


def nearest(points: Array, moved: Array, places: Array) -> Array:
    """That of the nearest point."""
    return moved[_square_distance(places, points).argmin(1)]


def gaussian(points: Array, moved: Array, places: Array) -> Array:
    """Mean with Gaussian weights, the nearest point where all weights vanish."""
    square = _square_distance(places, points)
    weights = np.exp(-0.5 * (square - square.min(1, keepdims=True)) / SIGMA**2)
    return weights @ moved / weights.sum(1, keepdims=True)


def moving_least_squares(points: Array, moved: Array, places: Array) -> Array:
    """An affine fit around every place, with Gaussian weights."""
    square = _square_distance(places, points)
    weights = np.exp(-0.5 * (square - square.min(1, keepdims=True)) / SIGMA**2)
    arms = points[None] - places[:, None]
    basis = np.concatenate([arms, np.ones((*arms.shape[:2], 1))], axis=2)
    weighted = basis * weights[..., None]
    normal = np.einsum("mni,mnj->mij", weighted, basis) + 1e-3 * np.diag([1, 1, 0])
    return np.linalg.solve(normal, np.einsum("mni,nk->mik", weighted, moved))[:, 2]


def thin_plate(points: Array, moved: Array, places: Array) -> Array:
    """The thin plate spline, slightly smoothed."""
    spline = scipy.interpolate.RBFInterpolator(points, moved, smoothing=1e-3)
    return spline(places)


def membrane(points: Array, moved: Array, places: Array) -> Array:
    """The soap film over a grid that holds on to the points: a Laplace equation."""
    grid = _grid_of(places)
    height, width = grid.height, grid.width
    paths = [_path(count) for count in (width, height)]
    laplacian = scipy.sparse.kronsum(*paths)
    cell = np.clip(np.floor(points / CELL).astype(int), 0, [width - 1, height - 1])
    flat = cell[:, 1] * width + cell[:, 0]
    count = np.bincount(flat, minlength=height * width)
    total = np.stack([np.bincount(flat, column, height * width) for column in moved.T], axis=1)
    hold = 10 * scipy.sparse.diags_array(count.astype(float))
    return scipy.sparse.linalg.spsolve((laplacian + hold).tocsc(), 10 * total)


def pull_push_alone(points: Array, moved: Array, places: Array) -> Array:
    """Pull-push of all points at once."""
    single = [array.astype(np.float32) for array in (points / CELL, moved, np.ones(len(points)))]
    return pull_push(*single, _grid_of(places)).reshape(-1, 2)


def _square_distance(places: Array, points: Array) -> Array:
    return ((places[:, None] - points[None]) ** 2).sum(-1)


def _grid_of(places: Array) -> Size:
    return Size(*(int(side) for side in np.floor(places.max(axis=0) / CELL) + 1))


def _path(count: int) -> scipy.sparse.csr_array:
    """The Laplacian of a row of cells."""
    degree = np.full(count, 2.0)
    degree[[0, -1]] = 1
    ones = -np.ones(count - 1)
    return scipy.sparse.diags_array([ones, degree, ones], offsets=[-1, 0, 1], format="csr")


RIVALS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "nearest point": nearest,
    "Gaussian weights": gaussian,
    "moving least squares": moving_least_squares,
    "thin plate": thin_plate,
    "membrane": membrane,
    "pull-push": pull_push_alone,
}
