"""Rectangles of pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..fields.arrays import BoolArray


class Window(NamedTuple):
    """A rectangle of pixels: the first column and row, and how many of them; 0 by 0 if empty."""

    left: int
    top: int
    width: int
    height: int

    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of a picture."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )

    def moved(self, right: int, down: int) -> Window:
        """The same rectangle at another place."""
        return Window(self.left + right, self.top + down, self.width, self.height)


NO_PIXELS = Window(0, 0, 0, 0)


def window_of(left: int, top: int, right: int, bottom: int) -> Window:
    """The pixels from (left, top) up to (right, bottom), which is not included."""
    if right <= left or bottom <= top:
        return NO_PIXELS
    return Window(left, top, right - left, bottom - top)


def bounds(mask: BoolArray) -> Window:
    """The smallest window around a mask (H, W)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return NO_PIXELS
    return window_of(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def union(windows: list[Window]) -> Window:
    """The smallest window around several ones."""
    kept = [one for one in windows if one.width]
    if not kept:
        return NO_PIXELS
    return window_of(
        min(one.left for one in kept),
        min(one.top for one in kept),
        max(one.left + one.width for one in kept),
        max(one.top + one.height for one in kept),
    )


def intersection(first: Window, second: Window) -> Window:
    """The pixels of both windows."""
    return window_of(
        max(first.left, second.left),
        max(first.top, second.top),
        min(first.left + first.width, second.left + second.width),
        min(first.top + first.height, second.top + second.height),
    )
