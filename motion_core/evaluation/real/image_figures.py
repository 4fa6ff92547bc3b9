"""Figures of a rendered frame: specks, and pixels that the picture does not explain.

A smooth map may be drawn badly, and a torn one may be hidden; so the frame itself is measured. A
pixel is explained if the picture holds its colour at one of the places that its surroundings came
from: within REACH_PX of the place that the median displacement of its own block of BLOCK_PX, or of
one of the eight blocks around, leads back to, the colour lies in the range of the picture's colours
there, give or take TOLERANCE in every channel.
"""

from __future__ import annotations

import numpy as np

from ...errors import ShapeError
from ...fields.arrays import BoolArray, FloatArray

BLOCK_PX = 8
REACH_PX = 3
TOLERANCE = 0.1
# A speck differs from the median of so many pixels around it by more than this in a channel, and
# covers at most so many pixels.
MEDIAN_PX, SPECK_CONTRAST, MOST_SPECK_PX = 9, 0.15, 24
# In texture it must also differ by more than so many times what pixels in a window of this side
# differ on average.
TEXTURE_PX, TEXTURE_TIMES = 17, 5
# A spot that differs by less than this from so large a fraction of the pixels beside it is the
# corner of something larger.
ALIKE, MOST_ALIKE = 0.05, 0.25
# Cracks of up to this width in what shows the thing belong to it, pixels.
CRACK_PX = 15


def image_figures(
    frame: FloatArray, picture: FloatArray, displacement: FloatArray, inside: BoolArray
) -> dict[str, float]:
    """Figures of a frame that a method drew.

    Args:
        frame: (H, W, 3) 0..1.
        picture: (H, W, 3) 0..1, that it was drawn from.
        displacement: (H, W, 2) pixels, the forward motion that the method has for the frame.
        inside: (H, W) bool, the thing in the picture.

    Returns:
        specks: number of spots of at most MOST_SPECK_PX pixels that stand out from their
        surroundings and are not explained; broken: fraction of the area that shows the thing, its
        cracks included, that is not explained; NaN if the frame does not show the thing.

    Raises:
        ShapeError: the shapes differ.
    """
    if frame.shape != picture.shape or displacement.shape[:2] != frame.shape[:2]:
        raise ShapeError(
            f"frame and motion must be of the picture's size {picture.shape[:2]}; got "
            f"{frame.shape} and {displacement.shape}."
        )
    alien = ~explained(frame, picture, displacement)
    shown = shown_area(displacement, inside)
    return {
        "specks": float(count_specks(frame, alien)),
        "broken": float(alien[shown].mean()) if shown.any() else float("nan"),
    }


def explained(frame: FloatArray, picture: FloatArray, displacement: FloatArray) -> BoolArray:
    """(H, W) bool: pixels of a frame whose colour the picture explains; see the module."""
    import cv2

    height, width = picture.shape[:2]
    window = np.ones((2 * REACH_PX + 1, 2 * REACH_PX + 1), np.uint8)
    pixels = np.ascontiguousarray(picture, np.float32)
    low, high = cv2.erode(pixels, window) - TOLERANCE, cv2.dilate(pixels, window) + TOLERANCE
    blocks = _block_medians(backward(displacement))
    rows, columns = blocks.shape[:2]
    around = np.pad(blocks, ((1, 1), (1, 1), (0, 0)), mode="edge")
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    found = np.zeros((height, width), bool)
    for down in range(3):
        for right in range(3):
            moved = around[down : down + rows, right : right + columns]
            moved = moved.repeat(BLOCK_PX, 0).repeat(BLOCK_PX, 1)[:height, :width]
            places = x - moved[..., 0], y - moved[..., 1]
            least, most = (
                cv2.remap(bound, *places, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
                for bound in (low, high)
            )
            found |= ((frame >= least) & (frame <= most)).all(axis=-1)
    return found


def count_specks(frame: FloatArray, alien: BoolArray) -> int:
    """Spots that stand out from all that surrounds them and hold a pixel that is not explained."""
    import cv2

    levels = np.ascontiguousarray((frame.clip(0, 1) * 255).round().astype(np.uint8))
    around = cv2.medianBlur(levels, MEDIAN_PX).astype(np.float32)
    contrast = np.abs(levels - around).max(axis=-1)
    texture = cv2.blur(contrast, (TEXTURE_PX, TEXTURE_PX))
    stands_out = contrast > np.maximum(255 * SPECK_CONTRAST, TEXTURE_TIMES * texture)
    count, labels, facts, _ = cv2.connectedComponentsWithStats(
        stands_out.astype(np.uint8), connectivity=8
    )
    small = facts[:, cv2.CC_STAT_AREA] <= MOST_SPECK_PX
    strange = np.bincount(labels[alien], minlength=count) > 0
    alone = _alike_beside(frame, labels, count) < MOST_ALIKE
    return int((small & strange & alone)[1:].sum())


def _alike_beside(frame: FloatArray, labels: np.ndarray, count: int) -> FloatArray:
    """(count,) for each spot the fraction of its steps outwards that hardly change the colour."""
    beside, alike = np.zeros(count), np.zeros(count)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        rows, columns = labels.shape
        here = slice(0, rows - down), slice(max(0, -right), columns - max(0, right))
        there = slice(down, rows), slice(max(0, right), columns - max(0, -right))
        near = np.abs(frame[here] - frame[there]).max(axis=-1) <= ALIKE
        first, second = labels[here], labels[there]
        outwards = first != second
        for spot in (first[outwards], second[outwards]):
            beside += np.bincount(spot, minlength=count)
            alike += np.bincount(spot, near[outwards], minlength=count)
    return alike / np.maximum(beside, 1)


def shown_area(displacement: FloatArray, inside: BoolArray) -> BoolArray:
    """(H, W) bool: the pixels of the frame that show the thing, with cracks of up to CRACK_PX."""
    import cv2

    height, width = inside.shape
    row, column, kept = _targets(displacement)
    shown = np.zeros((height, width), np.uint8)
    counts = kept & inside.ravel()
    shown[row[counts], column[counts]] = 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CRACK_PX, CRACK_PX))
    padded = np.pad(shown, CRACK_PX)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc)
    return np.asarray(closed)[CRACK_PX:-CRACK_PX, CRACK_PX:-CRACK_PX] > 0


def backward(displacement: FloatArray) -> FloatArray:
    """(H, W, 2) float32: what a pixel of the frame has been displaced by.

    Every pixel of the picture is put down where it goes, faster ones over slower ones; between them
    the nearest one counts.
    """
    import cv2

    height, width = displacement.shape[:2]
    row, column, kept = _targets(displacement)
    shift = displacement.reshape(-1, 2)
    order = np.argsort(np.linalg.norm(shift, axis=-1), kind="stable")
    order = order[kept[order]]
    source = np.full((height, width), -1, np.int64)
    source[row[order], column[order]] = order
    if not len(order):
        return np.zeros_like(displacement)
    empty = (source < 0).astype(np.uint8)
    _, found = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = np.asarray(found, np.int64)
    known = np.zeros(int(labels.max()) + 1, np.int64)
    known[labels[empty == 0]] = source[empty == 0]
    return shift[known[labels]].astype(np.float32)


def _targets(displacement: FloatArray) -> tuple[np.ndarray, np.ndarray, BoolArray]:
    """Rows and columns (H * W,) that the pixels go to, and which of them stay in the frame."""
    height, width = displacement.shape[:2]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    column = np.round(x + displacement[..., 0]).astype(np.int64).ravel()
    row = np.round(y + displacement[..., 1]).astype(np.int64).ravel()
    kept = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return row, column, kept


def _block_medians(values: FloatArray) -> FloatArray:
    """(rows, columns, 2) medians of blocks of BLOCK_PX pixels; partial blocks are filled up."""
    height, width = values.shape[:2]
    rows, columns = -(-height // BLOCK_PX), -(-width // BLOCK_PX)
    filling = ((0, rows * BLOCK_PX - height), (0, columns * BLOCK_PX - width), (0, 0))
    blocks = np.pad(values, filling, mode="edge").reshape(rows, BLOCK_PX, columns, BLOCK_PX, 2)
    return np.median(blocks, axis=(1, 3)).astype(np.float32)
