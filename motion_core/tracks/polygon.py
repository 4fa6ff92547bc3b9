"""Points inside polygons by the even-odd rule, at a cost that is known before the work starts."""

from __future__ import annotations

import numpy as np

from ..progress import Progress, silent

# Points times edges, where an edge meets only the points beside it.
MAX_CROSSINGS = 4_000_000_000
# Crossings between two calls of progress: below a tenth of a second.
PIECE = 8_000_000
# What an edge, and what a row with all its edges, costs beside its crossings.
CALL, ROW = 2_000, 5_000


def is_inside(points: np.ndarray, corners: np.ndarray, progress: Progress = silent) -> np.ndarray:
    """Which points lie inside a polygon.

    A point on a left or top edge is inside, on a right or bottom edge outside. Points in rows, such
    as those of a grid, are compared row by row with all edges; others edge by edge with the points
    beside it.

    Args:
        points: (N, 2) float64.
        corners: (K, 2) float64, closed automatically.
        progress: Called with (crossings done, all of them) at least every PIECE crossings.

    Returns:
        (N,) bool.

    Raises:
        ValueError: Points and corners are too many together.
    """
    order = np.argsort(points[:, 1], kind="stable")
    y = points[order, 1]
    ends = np.roll(corners, -1, axis=0)
    is_down = corners[:, 1] <= ends[:, 1]
    edges = np.where(
        is_down[:, None, None], np.stack([corners, ends], 1), np.stack([ends, corners], 1)
    )
    starts, stops = (np.searchsorted(y, edges[:, end, 1]) for end in (0, 1))
    rows = np.flatnonzero(np.concatenate([[True], y[1:] != y[:-1]])) if len(y) else np.zeros(0, int)
    by_edge = int((stops - starts).sum()) + CALL * int((stops > starts).sum())
    by_row = len(rows) * (4 * len(edges) + ROW)
    if min(by_edge, by_row) > MAX_CROSSINGS:
        raise ValueError(
            f"a polygon of {len(corners):,} corners takes too long with {len(points):,} points; "
            "draw it with fewer corners or raise the spacing."
        )
    inside = np.zeros(len(points), dtype=bool)
    x = points[order, 0]
    if by_row < by_edge:
        inside[order] = _by_row(x, y, rows, edges, progress)
    else:
        inside[order] = _by_edge(x, y, starts, stops, edges, progress)
    return inside


def edge_x(start: np.ndarray, end: np.ndarray, y: np.ndarray | float) -> np.ndarray | float:
    """x of an edge at height y, the same whichever end comes first."""
    (x0, y0), (x1, y1) = (start, end) if start[1] <= end[1] else (end, start)
    return x0 + (y - y0) * ((x1 - x0) / (y1 - y0))


def _by_row(
    x: np.ndarray, y: np.ndarray, rows: np.ndarray, edges: np.ndarray, progress: Progress
) -> np.ndarray:
    """(N,) bool of points in rows of equal y: an odd number of edges is on their right."""
    inside, done = np.zeros(len(x), dtype=bool), 0
    for place, (first, last) in enumerate(zip(rows, [*rows[1:], len(x)], strict=True)):
        height = float(y[first])
        (x0, y0), (x1, y1) = _ends(edges, height)
        crossings = np.sort(x0 + (height - y0) * ((x1 - x0) / (y1 - y0)))
        right = len(crossings) - np.searchsorted(crossings, x[first:last], side="right")
        inside[first:last] = right % 2 == 1
        done += len(edges)
        if done > PIECE:
            progress(place + 1, len(rows))
            done = 0
    return inside


def _ends(edges: np.ndarray, height: float) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """((x0, y0), (x1, y1)) of the edges that cross a height, the upper ends first."""
    crossing = edges[(edges[:, 0, 1] <= height) & (height < edges[:, 1, 1])]
    return (crossing[:, 0, 0], crossing[:, 0, 1]), (crossing[:, 1, 0], crossing[:, 1, 1])


def _by_edge(
    x: np.ndarray,
    y: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    edges: np.ndarray,
    progress: Progress,
) -> np.ndarray:
    """(N,) bool of points sorted by y: every edge flips the points on its left."""
    flips, done = np.zeros(len(x), dtype=bool), 0
    crossed = np.flatnonzero(stops > starts)
    for place, edge in enumerate(crossed):
        beside = slice(starts[edge], stops[edge])
        flips[beside] ^= x[beside] < edge_x(edges[edge, 0], edges[edge, 1], y[beside])
        done += CALL + beside.stop - beside.start
        if done > PIECE:
            progress(place + 1, len(crossed))
            done = 0
    return flips
