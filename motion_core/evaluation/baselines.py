"""Dense motion from tracks without learning: what a learned model has to beat.

Each method spreads the tracks' displacements over a grid of the picture. All read the same
evidence: a point that is hidden for a while is taken to move evenly from where it was last seen to
where it is next seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..tracks.model import Tracks

FloatArray = NDArray[Any]
# The weakest bond between neighbours, so that no place is cut off from all tracks.
LEAST_BOND = 1e-4


@dataclass(frozen=True, eq=False)
class Question:
    """A picture (H, W, 3) float 0..1, tracks on it, and the side G of the grid asked about."""

    image: Tensor
    tracks: Tracks
    grid: int


# From a question to displacements (T, G, G, 2) float32 in pixels of the picture.
Method = Callable[[Question], Tensor]


def rest(question: Question) -> Tensor:
    """Nothing moves: what a model does that ignores its tracks."""
    return torch.zeros(question.tracks.num_frames, question.grid, question.grid, 2)


def nearest(question: Question) -> Tensor:
    """Every place moves as the track that starts nearest."""
    points, shifts = evidence(question.tracks)
    if not len(points):
        return rest(question)
    apart = _squared_distances(centres(question), points)
    return _as_field(shifts[apart.argmin(axis=1)], question)


def gaussian(sigma_frac: float) -> Method:
    """Tracks pull what is near and leave what is far: a Gaussian falloff, never beyond their own
    displacement. sigma_frac: of the short side."""

    def spread(question: Question) -> Tensor:
        points, shifts = evidence(question.tracks)
        if not len(points):
            return rest(question)
        sigma = sigma_frac * question.tracks.size.short_side
        apart = _squared_distances(centres(question), points)
        pull = np.exp(-0.5 * apart / sigma**2)
        return _as_field(pull @ shifts / np.maximum(pull.sum(1, keepdims=True), 1), question)

    return spread


def thin_plate(smoothing: float) -> Method:
    """The smoothest surface through the displacements (Bookstein, "Principal Warps", 1989).

    smoothing: 0 passes through every track. Fewer than three different places leave no plane to
    bend; then the nearest track decides.
    """

    def spread(question: Question) -> Tensor:
        from scipy.interpolate import RBFInterpolator

        points, shifts = _merged(*evidence(question.tracks))
        if not len(points) or np.linalg.matrix_rank(points - points[:1], tol=1e-3) < 2:
            return nearest(question)
        scale = question.tracks.size.short_side
        near = None if len(points) <= 512 else 64
        surface = RBFInterpolator(points / scale, shifts, smoothing=smoothing, neighbors=near)
        return _as_field(surface(centres(question) / scale), question)

    return spread


def laplacian(edge_weight: float, data_weight: float) -> Method:
    """The field with the least difference between neighbours that agrees with the tracks.

    edge_weight: how much less neighbours of different colour are bound; 0 ignores the picture.
    data_weight: how strongly tracks hold their place.
    """

    def spread(question: Question) -> Tensor:
        from scipy.sparse.linalg import splu

        points, shifts = evidence(question.tracks)
        if not len(points):
            return rest(question)
        bonds = _bonds(question, edge_weight)
        reads = _bilinear(question, points)
        matrix = (bonds + data_weight * (reads.T @ reads)).tocsc()
        # Symmetric and positive: no pivoting, and an order that keeps the factors thin.
        solver = splu(
            matrix, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )
        return _as_field(solver.solve(data_weight * (reads.T @ shifts)), question)

    return spread


def evidence(tracks: Tracks) -> tuple[FloatArray, FloatArray]:
    """Starting places (N, 2) and displacements (N, T * 2) of all tracks that are ever seen."""
    seen = tracks.visible.cpu().numpy()
    xy = tracks.xy.cpu().double().numpy()
    keep = np.flatnonzero(seen.any(axis=0))
    frames = np.arange(len(xy))
    filled = np.empty((len(keep), len(xy), 2))
    for row, track in enumerate(keep):
        shown = np.flatnonzero(seen[:, track])
        for axis in range(2):
            filled[row, :, axis] = np.interp(frames, shown, xy[shown, track, axis])
    starts = filled[:, 0]
    return starts, (filled - starts[:, None]).reshape(len(keep), 2 * len(xy))


def _merged(points: FloatArray, shifts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Tracks that start at one place become their mean: no surface passes through both."""
    places, which, counts = np.unique(
        points.round(3), axis=0, return_inverse=True, return_counts=True
    )
    sums = np.zeros((len(places), shifts.shape[1]))
    np.add.at(sums, which.reshape(-1), shifts)
    return places, sums / counts[:, None]


def centres(question: Question) -> FloatArray:
    """(G * G, 2) pixels: the middles of the cells asked about, row by row."""
    width, height = question.tracks.size
    axis = (np.arange(question.grid) + 0.5) / question.grid
    x, y = np.meshgrid(axis * width, axis * height)
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def _as_field(values: FloatArray, question: Question) -> Tensor:
    grid = question.grid
    field = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    return field.view(grid, grid, question.tracks.num_frames, 2).permute(2, 0, 1, 3).contiguous()


def _squared_distances(one: FloatArray, other: FloatArray) -> FloatArray:
    return ((one[:, None] - other[None]) ** 2).sum(-1)


def _bonds(question: Question, edge_weight: float) -> Any:
    """(G * G, G * G) sparse: the graph Laplacian of the grid, weak across edges of colour."""
    from scipy.sparse import coo_matrix, diags

    grid = question.grid
    planes = question.image.permute(2, 0, 1)[None].float()
    small = torch.nn.functional.interpolate(planes, (grid, grid), mode="area")[0].numpy()
    index = np.arange(grid * grid).reshape(grid, grid)
    pairs = [(index[:, :-1], index[:, 1:]), (index[:-1], index[1:])]
    one = np.concatenate([first.ravel() for first, _ in pairs])
    other = np.concatenate([second.ravel() for _, second in pairs])
    colours = small.reshape(3, -1).astype(np.float64)
    apart = ((colours[:, one] - colours[:, other]) ** 2).sum(axis=0)
    bond = np.maximum(np.exp(-edge_weight * apart), LEAST_BOND)
    both = coo_matrix((bond, (one, other)), shape=(grid * grid, grid * grid))
    both = both + both.T
    return diags(np.asarray(both.sum(axis=1)).ravel()) - both


def _bilinear(question: Question, points: FloatArray) -> Any:
    """(N, G * G) sparse: the value of a field at points, from its four nearest cells."""
    from scipy.sparse import coo_matrix

    grid = question.grid
    place = points / np.array(question.tracks.size) * grid - 0.5
    place = np.clip(place, 0, grid - 1)
    low = np.minimum(place.astype(np.int64), max(grid - 2, 0))
    part = place - low
    rows, columns, shares = [], [], []
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        corner = np.minimum(low + [right, down], grid - 1)
        rows.append(np.arange(len(points)))
        columns.append(corner[:, 1] * grid + corner[:, 0])
        shares.append(
            np.abs(1 - right - part[:, 0]) * np.abs(1 - down - part[:, 1]),
        )
    entries = np.concatenate(shares), (np.concatenate(rows), np.concatenate(columns))
    return coo_matrix(entries, shape=(len(points), grid * grid)).tocsr()
