"""Tracks relative to the picture: where each point starts and how far it has gone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size
from ..tracks.model import Tracks

MOST_POINTS = 4096
# No picture is that large, and no square of it overflows.
FARTHEST_PX = 1e6


@dataclass(frozen=True, eq=False)
class Motion:
    """Points of the picture and their displacements.

    Attributes:
        source: (N, 2) float32, where each point is in the picture, pixels of `canvas`.
        shift: (T, N, 2) float32, how far it has gone; zero where it is not visible.
        visible: (T, N) bool.
        late: (N,) bool, first visible after frame 0, so that `source` is a guess.
        canvas: width and height in pixels.
    """

    source: FloatArray
    shift: FloatArray
    visible: BoolArray
    late: BoolArray
    canvas: Size


def motion_of(tracks: Tracks) -> Motion:
    """The motion that tracks define for a picture.

    A point that is first visible after frame 0 is taken to have rested until then: its place in
    the picture is its first visible position. Points never visible are dropped; of more than
    MOST_POINTS points an even choice is kept (a preview cannot show more).
    """
    visible = tracks.visible.cpu().numpy()
    keep = np.flatnonzero(visible.any(axis=0))
    xy = np.clip(tracks.xy.cpu().numpy()[:, keep], -FARTHEST_PX, FARTHEST_PX)
    visible = visible[:, keep]
    first = visible.argmax(axis=0) if len(keep) else np.arange(0)
    source = xy[first, np.arange(len(keep))]
    chosen = _thinned(source, tracks.size)
    source, visible = source[chosen], visible[:, chosen]
    shift = np.where(visible[..., None], xy[:, chosen] - source, np.float32(0))
    return Motion(source, shift, visible, first[chosen] > 0, tracks.size)


def _thinned(source: FloatArray, canvas: Size) -> IndexArray:
    """At most MOST_POINTS indices: one point of every cell, then a second of every cell, ..."""
    if len(source) <= MOST_POINTS:
        return np.arange(len(source))
    cell = np.clip(np.floor(source * (64 / max(canvas))).astype(np.int64), -1, 64)
    key = cell[:, 1] * 66 + cell[:, 0]
    order = np.argsort(key, kind="stable")
    _, start, count = np.unique(key[order], return_index=True, return_counts=True)
    rank = np.empty(len(source), np.int64)
    rank[order] = np.arange(len(source)) - np.repeat(start, count)
    return np.sort(np.argsort(rank, kind="stable")[:MOST_POINTS])
