"""Prompts of a thing: points that the tracks place on it, and points that they place off it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size
from .motion_segments import MotionSegments
from .track_motion import Motion

# Points of a soft drag that take less of its motion than this mark neither side.
LEAST_ALPHA = 0.5
# A point marks the pixels around it: this fraction of the short side, and at most a third of the
# way to the nearest point of the other side.
SEED_RADIUS, MOST_OF_GAP = 0.015, 1 / 3
# Gaps between points that lie together are marked, too: those of this many spacings, and at most
# this fraction of the short side.
SPACINGS, CLOSED = 0.8, 0.08


@dataclass(frozen=True, eq=False)
class ThingPrompt:
    """What the tracks mark of one thing in the picture.

    Attributes:
        inside: (K, 2) points of the thing, pixels.
        outside: (M, 2) points of the background, pixels.
        rivals: (R, 2) points of other moving things, pixels.
        members: (L,) points of the motion that move with the thing; some may lie on its soft rim.
        speed: greatest displacement relative to the background, pixels.
    """

    inside: FloatArray
    outside: FloatArray
    rivals: FloatArray
    members: IndexArray
    speed: float

    def seeds(
        self, size: Size, canvas: Size, *, alone: bool = False
    ) -> tuple[BoolArray, BoolArray]:
        """(h, w) bool twice: the cells of a grid that are certainly inside, and outside.

        Args:
            size: of the grid.
            canvas: that the points are measured on.
            alone: whether to leave out the rivals.
        """
        radius = SEED_RADIUS * size.short_side
        scale = np.array(size) / np.array(canvas)
        off = self.outside if alone else np.concatenate([self.outside, self.rivals])
        on, off = self.inside * scale, off * scale
        marked = _discs(on, _radii(on, off, radius), size)
        outside = _discs(off, _radii(off, on, radius), size) & ~marked
        return _closed(marked, _spacing(on), CLOSED * size.short_side) & ~outside, outside


def thing_prompts(motion: Motion, segments: MotionSegments) -> list[ThingPrompt]:
    """One prompt per moving segment, slowest first."""
    prompts = []
    for segment in segments.over:
        strong = segment.members[segment.alpha >= LEAST_ALPHA]
        rivals = [other.members for other in segments.over if other is not segment]
        prompts.append(
            ThingPrompt(
                inside=motion.source[strong],
                outside=motion.source[segments.background],
                rivals=motion.source[np.concatenate([*rivals, strong[:0]])],
                members=segment.members,
                speed=segment.speed,
            )
        )
    return prompts


def _radii(points: FloatArray, others: FloatArray, most: float) -> FloatArray:
    """(N,) pixels around each point that it marks."""
    from scipy.spatial import KDTree

    if not len(points) or not len(others):
        return np.full(len(points), most)
    gap, _ = KDTree(others).query(points)
    return np.minimum(most, MOST_OF_GAP * gap)


def _discs(points: FloatArray, radii: FloatArray, size: Size) -> BoolArray:
    """(h, w) bool: cells within a radius of one of the points, at least each point's own cell."""
    import cv2

    canvas = np.zeros((size.height, size.width), np.uint8)
    cells = np.floor(points).astype(np.int64)
    within = ((cells >= 0) & (cells < np.array(size))).all(axis=1)
    for (x, y), radius in zip(cells[within].tolist(), radii[within].tolist(), strict=True):
        cv2.circle(canvas, (x, y), int(radius), 1, -1)
    return canvas > 0


def _spacing(points: FloatArray) -> float:
    """Median distance of points (N, 2) to their nearest neighbour; 0 for fewer than two."""
    from scipy.spatial import KDTree

    if len(points) < 2:
        return 0.0
    return float(np.median(KDTree(points).query(points, k=2)[0][:, 1]))


def _closed(cells: BoolArray, spacing: float, most: float) -> BoolArray:
    """Cells with the gaps between them closed."""
    import cv2

    radius = int(np.ceil(min(SPACINGS * spacing, most)))
    if radius < 1 or not cells.any():
        return cells
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    wide = np.pad(cells.astype(np.uint8), radius)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, disc)
    return closed[radius:-radius, radius:-radius] > 0
