"""The smoothest field that agrees with the tracks: a sparse linear system on the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..geometry import Size
from ..progress import Progress, silent
from .arrays import FloatArray
from .scattered import Handles, ScatteredDensifier

# The weakest edge of the graph, so that no cell is cut off from all handles.
LEAST_WEIGHT = 1e-4
# Of 100, 300, 1000, 3000 and 10000 the best on validation scenes, with few tracks and with a drag.
EDGE_WEIGHT = 3000.0


@dataclass(frozen=True)
class Laplacian(ScatteredDensifier):
    """The field with the least difference between neighbours that agrees with the tracks.

    Attributes:
        edge_weight: how fast the weight between neighbours falls with the squared distance of
            their colours; 0 ignores the picture.
        data_weight: weight of the tracks' displacements against smoothness.
    """

    edge_weight: float = 0.0
    data_weight: float = 30.0

    def spread(self, handles: Handles, image: Tensor, progress: Progress = silent) -> FloatArray:
        """See ScatteredDensifier.spread."""
        from scipy.sparse.linalg import splu

        smoothness = graph_laplacian(image, self.grid, self.edge_weight)
        sampling = bilinear_matrix(handles, self.grid)
        matrix = (smoothness + self.data_weight * (sampling.T @ sampling)).tocsc()
        # Symmetric and positive: no pivoting, and an order that keeps the factors thin.
        solver = splu(
            matrix, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )
        return solver.solve(self.data_weight * (sampling.T @ handles.shifts))


def make_edge_aware() -> Laplacian:
    """A Laplacian whose motion may break along edges of colour."""
    return Laplacian(edge_weight=EDGE_WEIGHT)


def graph_laplacian(image: Tensor, grid: Size, edge_weight: float) -> Any:
    """(cells, cells) sparse: the graph Laplacian of the grid, weak across edges of colour."""
    from scipy.sparse import coo_matrix, diags

    columns, rows = grid
    planes = image.detach().cpu().permute(2, 0, 1)[None].float()
    small = torch.nn.functional.interpolate(planes, (rows, columns), mode="area")[0].numpy()
    index = np.arange(rows * columns).reshape(rows, columns)
    pairs = [(index[:, :-1], index[:, 1:]), (index[:-1], index[1:])]
    first = np.concatenate([start.ravel() for start, _ in pairs])
    second = np.concatenate([end.ravel() for _, end in pairs])
    colours = small.reshape(3, -1).astype(np.float64)
    apart = ((colours[:, first] - colours[:, second]) ** 2).sum(axis=0)
    weight = np.maximum(np.exp(-edge_weight * apart), LEAST_WEIGHT)
    adjacency = coo_matrix((weight, (first, second)), shape=(rows * columns, rows * columns))
    adjacency = adjacency + adjacency.T
    return diags(np.asarray(adjacency.sum(axis=1)).ravel()) - adjacency


def bilinear_matrix(handles: Handles, grid: Size) -> Any:
    """(N, cells) sparse: the value of a field at the handles, from the four nearest cells."""
    from scipy.sparse import coo_matrix

    sides = np.array(grid)
    place = handles.points / np.array(handles.size) * sides - 0.5
    place = np.clip(place, 0, sides - 1)
    low = np.minimum(place.astype(np.int64), np.maximum(sides - 2, 0))
    part = place - low
    rows, columns, weights = [], [], []
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        corner = np.minimum(low + [right, down], sides - 1)
        rows.append(np.arange(len(place)))
        columns.append(corner[:, 1] * grid.width + corner[:, 0])
        weights.append(np.abs(1 - right - part[:, 0]) * np.abs(1 - down - part[:, 1]))
    entries = np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))
    return coo_matrix(entries, shape=(len(place), grid.width * grid.height)).tocsr()
