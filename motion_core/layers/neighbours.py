"""Adjacency of points: their Voronoi cells on a raster of the picture.

The raster also gives the cells' areas within the picture and within reach of their points, which
the dual triangulation (scipy.spatial.Delaunay) does not; its edges differ at cells that touch
outside of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fields.arrays import FloatArray, IndexArray
from ..geometry import Size

RASTER_SIDE = 160


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The Voronoi cells of N points.

    Attributes:
        edges: (E, 2) pairs of points whose cells touch.
        area: (N,) fraction 0..1 of the picture that is nearest to each point and no further than
            `reach` from it.
        rim: (N,) fraction 0..1 of the picture's outermost pixels that is nearest to each point.
    """

    edges: IndexArray
    area: FloatArray
    rim: FloatArray


def find_neighbours(points: FloatArray, canvas: Size, reach: float) -> Neighbours:
    """Neighbours among points (N, 2), pixels of `canvas`; points in one raster cell count too."""
    import cv2

    factor = RASTER_SIDE / max(canvas)
    grid = Size(*(max(2, round(side * factor)) for side in canvas))
    cell = np.clip(np.floor(points * factor).astype(np.int64), 0, np.array(grid) - 1)
    flat = cell[:, 1] * grid.width + cell[:, 0]
    _, owner, spot = np.unique(flat, return_index=True, return_inverse=True)
    empty = np.ones((grid.height, grid.width), np.uint8)
    empty.ravel()[flat] = 0
    far, raw_labels = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = raw_labels.astype(np.int64)
    point_of = np.zeros(int(labels.max()) + 1, np.int64)
    point_of[labels.ravel()[flat[owner]]] = owner
    nearest = point_of[labels]
    near = nearest[far <= reach * factor]
    rim = np.concatenate([nearest[0], nearest[-1], nearest[:, 0], nearest[:, -1]])
    # Points in one cell share its area.
    crowd = np.bincount(spot)[spot]
    area, rim = (
        np.bincount(cells, minlength=len(points))[owner][spot] / (crowd * whole)
        for cells, whole in ((near, nearest.size), (rim, len(rim)))
    )
    together = np.stack([owner[spot], np.arange(len(points))], axis=1)
    return Neighbours(_touching(nearest, together, len(points)), area, rim)


def _touching(nearest: IndexArray, together: IndexArray, count: int) -> IndexArray:
    pairs = [together]
    for first, second in ((nearest[:, 1:], nearest[:, :-1]), (nearest[1:], nearest[:-1])):
        differ = first != second
        pairs.append(np.stack([first[differ], second[differ]], axis=1))
    edges = np.sort(np.concatenate(pairs), axis=1)
    edges = edges[edges[:, 0] != edges[:, 1]]
    keys = np.unique(edges[:, 0] * count + edges[:, 1])
    return np.stack([keys // count, keys % count], axis=1)


def components(count: int, edges: IndexArray) -> IndexArray:
    """(count,) the lowest index that each point is connected to through `edges`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = edges.T
    graph = coo_array((np.ones(len(edges), np.int8), (first, second)), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    _, lowest = np.unique(label, return_index=True)
    return lowest[label]
