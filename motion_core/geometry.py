"""Canvas sizes.

Pixels have corners: the top-left pixel covers [0, 1) x [0, 1) and its centre is (0.5, 0.5), so
resizing is one multiplication and quantising is ``floor``.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_SIDE = 65536
ASPECT_TOLERANCE = 0.02


class Size(NamedTuple):
    """Width and height of a canvas in pixels."""

    width: int
    height: int

    @property
    def short_side(self) -> int:
        """The smaller side: lengths in a MOTION document are fractions of it."""
        return min(self.width, self.height)

    def scaled(self, factor: float) -> Size:
        """The size whose sides are `factor` times as long, rounded, at least 1 pixel each."""
        return Size(*(max(1, round(side * factor)) for side in self))

    def even(self) -> Size:
        """The size less the last column and row of odd sides: H.264 encodes even sides only.

        A side of one pixel stays.
        """
        return Size(*(max(1, side - side % 2) for side in self))

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def same_proportions(first: Size, second: Size) -> bool:
    """Whether two sizes can be the same picture at different resolutions.

    Their aspect ratios differ by at most 2 %, or the smaller size is less than a pixel off: it is
    often the larger one divided by a number and rounded.
    """
    small, large = sorted((first, second))
    width, height = (small.height * large.width, small.width * large.height)
    if abs(width / height - 1) <= ASPECT_TOLERANCE:
        return True
    off = (small.width - width / large.height, small.height - height / large.width)
    return min(abs(side) for side in off) < 1


def checked_size(width: int, height: int) -> Size:
    """A Size whose sides are whole numbers in 1..65536.

    Raises TypeError for sides that are not integers, ValueError for sides out of range.
    """
    for name, side in (("width", width), ("height", height)):
        if isinstance(side, bool) or not hasattr(side, "__index__"):
            raise TypeError(f"canvas {name} must be a whole number of pixels; got {side!r}.")
        if not 1 <= int(side) <= MAX_SIDE:
            raise ValueError(f"canvas {name} must be 1..{MAX_SIDE} pixels; got {side}.")
    return Size(int(width), int(height))
