"""Sets of cells: connected parts, holes, gaps and outlines."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray

# A hole no larger than this multiple of the seeds in it is the mark of a pin on the thing.
PINHOLE = 4.0
# Gaps up to twice this wide are closed, a fraction of the long side; a hole without a seed of the
# outside is filled up to this fraction of the thing.
GAP, MOST_HOLE = 0.02, 0.2
# Deviation of the Gaussian that rounds the steps of the outline, in cells.
SMOOTH_CELLS = 0.8


def connected(cells: BoolArray, inside: BoolArray) -> BoolArray:
    """The components that contain a seed, and the seeds."""
    import cv2

    cells = cells | inside
    _, label = cv2.connectedComponents(cells.astype(np.uint8), connectivity=4)
    return np.isin(label, np.unique(label[inside]))


def without_gaps(cells: BoolArray, outside: BoolArray) -> BoolArray:
    """Cells (h, w) with what is too narrow for a candidate to follow: notches and cracks closed,
    and holes filled that are small in comparison with the thing. Seeds of the outside stay out."""
    import cv2

    radius = round(GAP * max(cells.shape))
    if radius:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        wide = np.pad(cells.astype(np.uint8), radius + 1)
        closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, disc) > 0
        cells = closed[radius + 1 : -radius - 1, radius + 1 : -radius - 1] & ~outside
    label, area, is_hole = _holes(cells)
    pinned = np.bincount(label[outside], minlength=len(area)) > 0
    return cells | (is_hole & ~pinned & (area <= MOST_HOLE * cells.sum()))[label]


def without_pinholes(cells: BoolArray, outside: BoolArray) -> BoolArray:
    """Cells with the holes filled that consist of hardly more than seeds of the outside."""
    label, area, is_hole = _holes(cells)
    marked = np.bincount(label[outside], minlength=len(area))
    return cells | (is_hole & (area <= PINHOLE * marked))[label]


def _holes(cells: BoolArray) -> tuple[np.ndarray, np.ndarray, BoolArray]:
    """Labels (h, w) of the components of what is not set, and for each its area and whether it is
    a hole: not what is set, nor what the picture's edge reaches."""
    import cv2

    free = np.pad(~cells, 1, constant_values=True).astype(np.uint8)
    count, found = cv2.connectedComponents(free, connectivity=4)
    label = np.asarray(found, np.int64)
    beyond, label = label[0, 0], label[1:-1, 1:-1]
    is_hole = np.ones(count, bool)
    is_hole[[0, beyond]] = False
    return label, np.bincount(label.ravel(), minlength=count), is_hole


def smooth_outline(cells: BoolArray) -> FloatArray:
    """(h, w) float32: cells (h, w) without their steps, one half at the outline."""
    import cv2

    return cv2.GaussianBlur(
        cells.astype(np.float32), (0, 0), SMOOTH_CELLS, borderType=cv2.BORDER_REPLICATE
    )


def outer_outline(cells: BoolArray) -> FloatArray:
    """(h, w) float32: the same, a cell further out.

    Candidates end inside of what they find, and the soft edge is looked for on both sides of the
    outline.
    """
    import cv2

    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return smooth_outline(cv2.dilate(cells.astype(np.uint8), cross) > 0)
