"""Rasterisation of a moved mesh into an inverse map: for every pixel, where its content came from.

A pixel belongs to the triangle that its centre lies in. Centres on an edge belong to one side by a
fixed rule (left and upper edges are inside, right and lower ones are not), and the place at which
an edge crosses a row is computed from the edge alone: two triangles that share an edge compute the
same number, so that a mesh without folds covers every pixel exactly once, without cracks.
`reference.py` states the same as a plain loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..fields.arrays import FloatArray, IndexArray
from .window import Window


class _Spans(NamedTuple):
    """Runs of pixels of one row and one triangle, relative to a window."""

    triangle: IndexArray
    row: IndexArray
    first: IndexArray
    stop: IndexArray


def inverse_map(
    positions: FloatArray, rest: FloatArray, triangles: IndexArray, window: Window
) -> tuple[FloatArray, IndexArray]:
    """Where the content of every pixel came from.

    Where a mesh overlaps itself, the triangle with the highest number is on top.

    Args:
        positions: (V, 2) pixels, the vertices in a frame.
        rest: (V, 2) pixels, where they came from.
        triangles: (F, 3) indices of vertices.
        window: the pixels of the frame that are wanted.

    Returns:
        (height, width, 2) float32 pixels, zero where no triangle lies, and (height, width) int64,
        the triangle on each pixel, -1 for none.
    """
    source = np.zeros((window.height * window.width, 2), np.float32)
    shown = np.full(window.height * window.width, -1, np.int64)
    spans = _spans(positions[triangles] - [window.left, window.top], window)
    length = spans.stop - spans.first
    if length.size:
        origin, along = _starts(positions, rest, triangles, window, spans)
        which = np.repeat(np.arange(len(length), dtype=np.int32), length)
        begin = np.cumsum(length) - length
        step = np.arange(len(which)) - np.repeat(begin, length)
        pixel = step + np.repeat(spans.row * window.width + spans.first, length)
        # NumPy assigns in order: of several triangles on one pixel, the last remains.
        source[pixel] = origin[which] + along[which] * step.astype(np.float32)[:, None]
        shown[pixel] = spans.triangle[which]
    shape = (window.height, window.width)
    return source.reshape(*shape, 2), shown.reshape(shape)


def coverage_count(positions: FloatArray, triangles: IndexArray, window: Window) -> IndexArray:
    """(height, width) how many triangles cover each pixel."""
    spans = _spans(positions[triangles] - [window.left, window.top], window)
    change = np.zeros((window.height, window.width + 1), np.int64)
    np.add.at(change, (spans.row, spans.first), 1)
    np.add.at(change, (spans.row, spans.stop), -1)
    return change.cumsum(axis=1)[:, :-1]


def _spans(corners: FloatArray, window: Window) -> _Spans:
    """The pixels of triangles with corners (F, 3, 2), relative to the window."""
    order = np.argsort(corners[..., 1], axis=1, kind="stable")
    x, y = (np.take_along_axis(corners[..., axis], order, 1) for axis in (0, 1))
    # A row belongs to an edge from its upper end, included, to its lower end, excluded.
    rows = _first_centre(y, window.height)
    top, middle, bottom = rows.T
    count = bottom - top
    triangle = np.repeat(np.arange(len(corners)), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - top, count)
    upper = row < middle[triangle]
    centre = row + 0.5
    long = _crossing(x, y, triangle, 0, 2, centre)
    first_corner = np.where(upper, 0, 1)
    short = _crossing(x, y, triangle, first_corner, first_corner + 1, centre)
    ends = _first_centre(np.sort(np.stack([long, short]), axis=0), window.width)
    kept = ends[1] > ends[0]
    return _Spans(triangle[kept], row[kept], ends[0][kept], ends[1][kept])


def _first_centre(places: FloatArray, side: int) -> IndexArray:
    """The first pixel whose centre is at or after a place, in 0..side."""
    return np.clip(np.ceil(places - 0.5), 0, side).astype(np.int64)


def _crossing(x, y, triangle, start, end, centre) -> FloatArray:
    """Where edges between corners `start` and `end`, from above to below, cross rows."""
    x0, y0 = x[triangle, start], y[triangle, start]
    height = y[triangle, end] - y0
    slope = (x[triangle, end] - x0) / np.where(height > 0, height, 1)
    return x0 + (centre - y0) * slope


def _starts(
    positions: FloatArray,
    rest: FloatArray,
    triangles: IndexArray,
    window: Window,
    spans: _Spans,
) -> tuple[FloatArray, FloatArray]:
    """(S, 2) float32 each: the source of the first pixel of each span, and the step per pixel."""
    matrix, corner, source = inverse_affine(positions, rest, triangles)
    chosen = matrix[spans.triangle]
    centre = np.stack([spans.first + window.left, spans.row + window.top], axis=1) + 0.5
    arm = centre - corner[spans.triangle]
    origin = source[spans.triangle] + np.einsum("sij,sj->si", chosen, arm)
    return origin.astype(np.float32), chosen[..., 0].astype(np.float32)


def inverse_affine(
    positions: FloatArray, rest: FloatArray, triangles: IndexArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The map from a frame back to the rest position, in each triangle.

    Returns:
        matrix (F, 2, 2), corner (F, 2) and source (F, 2): a place p of triangle f came from
        source[f] + matrix[f] @ (p - corner[f]).
    """
    moved, still = positions[triangles], rest[triangles]
    now = np.stack([moved[:, 1] - moved[:, 0], moved[:, 2] - moved[:, 0]], axis=-1)
    then = np.stack([still[:, 1] - still[:, 0], still[:, 2] - still[:, 0]], axis=-1)
    area = now[:, 0, 0] * now[:, 1, 1] - now[:, 0, 1] * now[:, 1, 0]
    safe = np.where(area == 0, 1.0, area)
    inverse = np.stack(
        [
            np.stack([now[:, 1, 1], -now[:, 0, 1]], axis=-1),
            np.stack([-now[:, 1, 0], now[:, 0, 0]], axis=-1),
        ],
        axis=1,
    )
    return then @ (inverse / safe[:, None, None]), moved[:, 0], still[:, 0]
