"""The triangle mesh under a layer: a regular grid, clipped to where the layer is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import ShapeError
from ..fields.arrays import BoolArray, FloatArray, IndexArray

# Fewer opaque parts than one step of 8 bits are not drawn.
LEAST_ALPHA = 1 / 512
# Vertices of a mesh, about: enough to bend, few enough to be solved for at once.
FEWEST_CELLS, MOST_CELLS = 300, 1600
# Cells per handle, so that neighbouring handles do not share a triangle.
CELLS_PER_HANDLE = 3.0
LEAST_SPACING = 4.0
# Places compared with all vertices at once.
CHUNK = 1024


@dataclass(frozen=True, eq=False)
class TriangleMesh:
    """Triangles over the plane of a picture, at rest.

    Attributes:
        vertices: (V, 2) float64 pixels; the top-left pixel covers [0, 1) x [0, 1).
        triangles: (F, 3) int64 indices of vertices, each with positive area:
            (b - a) x (c - a) > 0 with y downwards.
        spacing: distance of neighbouring vertices along an axis, pixels.
    """

    vertices: FloatArray
    triangles: IndexArray
    spacing: float

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 2:
            raise ShapeError(f"vertices must be (V, 2); got {self.vertices.shape}.")
        if self.triangles.ndim != 2 or self.triangles.shape[1] != 3:
            raise ShapeError(f"triangles must be (F, 3); got {self.triangles.shape}.")
        if len(self.triangles) and doubled_areas(self.vertices, self.triangles).min() <= 0:
            raise ValueError("every triangle must have a positive area; turn its corners around.")

    @cached_property
    def components(self) -> IndexArray:
        """(V,) the number of the connected part that each vertex belongs to."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        first = self.triangles.ravel()
        second = np.roll(self.triangles, -1, axis=1).ravel()
        count = len(self.vertices)
        ties = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
        return connected_components(ties, directed=False)[1].astype(np.int64)

    @cached_property
    def _cells(self) -> tuple[IndexArray, IndexArray]:
        """The lowest cell (x, y) of the grid, and (rows, columns, 2) triangles, -1 for none."""
        middle = self.vertices[self.triangles].mean(axis=1)
        cell = np.floor(middle / self.spacing).astype(np.int64)
        low = cell.min(axis=0)
        columns, rows = cell.max(axis=0) - low + 1
        table = np.full((rows, columns, 2), -1, np.int64)
        order = np.arange(len(cell))
        # Triangles come in pairs, one pair for each cell.
        table[cell[:, 1] - low[1], cell[:, 0] - low[0], order % 2] = order
        return low, table

    def locate(self, places: FloatArray) -> MeshPlaces:
        """The triangles that places lie in; a place outside is tied to the nearest vertex.

        Args:
            places: (P, 2) pixels.
        """
        count = len(places)
        corners, weights = np.zeros((count, 3), np.int64), np.zeros((count, 3))
        weights[:, 0] = 1
        if not len(self.triangles):
            return MeshPlaces(corners, weights, np.zeros((count, 2)), np.zeros(count, bool))
        low, table = self._cells
        column, row = (np.floor(places / self.spacing).astype(np.int64) - low).T
        rows, columns = table.shape[:2]
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        pair = table[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]
        inside &= pair[:, 0] >= 0
        found = np.zeros(count, bool)
        for triangle in pair.T:
            trial = barycentric(self.vertices[self.triangles[triangle]], places)
            takes = inside & ~found & (trial.min(axis=1) >= -1e-9)
            corners[takes], weights[takes] = self.triangles[triangle[takes]], trial[takes]
            found |= takes
        for part in np.array_split(np.flatnonzero(~found), 1 + count // CHUNK):
            apart = ((places[part, None] - self.vertices[None]) ** 2).sum(-1)
            corners[part, 0] = apart.argmin(axis=1)
        rest = np.einsum("pk,pkc->pc", weights, self.vertices[corners])
        return MeshPlaces(corners, weights, places - rest, found)


@dataclass(frozen=True, eq=False)
class MeshPlaces:
    """Places tied to a mesh: each is a weighted mean of vertices plus a constant offset.

    Attributes:
        corners: (P, 3) indices of vertices.
        weights: (P, 3) their weights, which sum to one.
        offset: (P, 2) pixels from that mean to the place; zero inside the mesh.
        inside: (P,) bool, whether the place lies in a triangle.
    """

    corners: IndexArray
    weights: FloatArray
    offset: FloatArray
    inside: BoolArray

    def at(self, positions: FloatArray) -> FloatArray:
        """(..., P, 2) pixels: where the places are when the vertices are at (..., V, 2)."""
        return np.einsum("pk,...pkc->...pc", self.weights, positions[..., self.corners, :]) + (
            self.offset
        )


def barycentric(corners: FloatArray, places: FloatArray) -> FloatArray:
    """(P, 3) weights of the corners (P, 3, 2) of triangles that give places (P, 2)."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    arm = places - corners[:, 0]
    area = _cross(first, second)
    v, w = _cross(arm, second) / area, _cross(first, arm) / area
    return np.stack([1 - v - w, v, w], axis=1)


def doubled_areas(positions: FloatArray, triangles: IndexArray) -> FloatArray:
    """(..., F) twice the signed areas of triangles with vertices at (..., V, 2), square pixels."""
    corner = positions[..., triangles[:, 0], :]
    return _cross(
        positions[..., triangles[:, 1], :] - corner, positions[..., triangles[:, 2], :] - corner
    )


def mesh_spacing(area: float, handles: int) -> float:
    """The spacing of vertices, pixels, for a layer of an area (square pixels) with so many handles:
    finer for small layers and many handles."""
    cells = min(max(FEWEST_CELLS, CELLS_PER_HANDLE * handles), MOST_CELLS)
    return max(math.sqrt(max(area, 1.0) / cells), LEAST_SPACING)


def mesh_of(
    alpha: FloatArray, spacing: float, *, margin: float, origin: tuple[int, int] = (0, 0)
) -> TriangleMesh:
    """The mesh of a layer's support.

    Args:
        alpha: (H, W) 0..1.
        spacing: pixels between neighbouring vertices.
        margin: pixels around the support that the mesh covers as well; at least the reach of the
            filter that samples the layer, so that the rim of the mesh is never visible.
        origin: (x, y) pixels, where the first pixel of `alpha` lies in the picture.

    Returns:
        The triangles of all cells that touch the support, two a cell; none without a support.
    """
    import cv2

    pad = math.ceil(margin)
    support = np.pad((alpha > LEAST_ALPHA).astype(np.uint8), pad)
    support = cv2.dilate(support, np.ones((2 * pad + 1, 2 * pad + 1), np.uint8))
    rows, columns = np.nonzero(support)
    low = np.floor((np.array(origin) - pad) / spacing).astype(np.int64)
    high = np.floor((np.array(origin) + support.shape[::-1] - pad) / spacing).astype(np.int64)
    table = np.zeros((high - low + 1)[::-1], bool)
    for down in (0.0, 1 - 1e-9):
        # Both corners of every pixel: a cell is needed if it covers any of it.
        row = np.floor((rows + (down + origin[1] - pad)) / spacing).astype(np.int64)
        for right in (0.0, 1 - 1e-9):
            column = np.floor((columns + (right + origin[0] - pad)) / spacing).astype(np.int64)
            table[row - low[1], column - low[0]] = True
    return _grid_mesh(table, low, spacing)


def _grid_mesh(cells: BoolArray, low: IndexArray, spacing: float) -> TriangleMesh:
    """Two triangles for every cell (rows, columns) that is set; `low` (x, y) is the first one's
    place among all cells of the plane."""
    row, column = np.nonzero(cells)
    wide = cells.shape[1] + 1
    a = row * wide + column
    b, c, d = a + 1, a + wide + 1, a + wide
    turned = (row + column) % 2 == 1
    first = np.where(turned[:, None], np.stack([a, b, d], 1), np.stack([a, b, c], 1))
    second = np.where(turned[:, None], np.stack([b, c, d], 1), np.stack([a, c, d], 1))
    corners = np.stack([first, second], axis=1).reshape(-1, 3)
    used, triangles = np.unique(corners, return_inverse=True)
    y, x = np.divmod(used, wide)
    vertices = (np.stack([x, y], axis=1) + low) * float(spacing)
    return TriangleMesh(vertices, triangles.reshape(-1, 3).astype(np.int64), float(spacing))


def _cross(first: FloatArray, second: FloatArray) -> FloatArray:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
