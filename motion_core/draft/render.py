"""Rendering: one picture, how it is cut into sheets, and their motion become one frame.

Every map here answers "where does this come from": a field holds, at a place y of the frame, the
displacement d of what is seen there, so that its colour is picture(y - d).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..geometry import Size
from .motion import BoolArray, FloatArray, IndexArray

# A picture stretched by more than this tears: what lies behind shows through; along the
# border of a thing it tears sooner.
MOST_STRETCH, BORDER_STRETCH = 12.0, 3.0
# From this share on a pixel goes along fully, and hides what it covers.
FULL_SHARE = 0.985
# Below this share a pixel rests.
NO_SHARE = 0.004
# A share found that differs by more from the share where it leads lies across a border.
MOST_MISFIT = 0.15
SEARCH_SIDE = 256
BISECTIONS = 6
GATHER_WIDTH = 1024


@dataclass(frozen=True, eq=False)
class Paint:
    """What a sheet is painted with.

    colours: (h, w, 4) float32: red, green, blue, share: how much of the sheet's motion a pixel
             takes. The picture is continued by `margin` pixels on every side.
    share:   (h, w) the last channel on its own.
    behind:  (H, W, 3) what shows where the sheet is torn.
    extent:  (2, 2) first and last (x, y) pixel of the picture that has a share.
    """

    colours: FloatArray
    share: FloatArray
    behind: FloatArray
    border: FloatArray
    extent: FloatArray
    margin: int


class Window(NamedTuple):
    """A rectangle of the frame, its right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def meets(self, other: Window) -> bool:
        """Whether the two have a pixel in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


class _Maps(NamedTuple):
    """Where a window's pixels come from at share w: (from_x - w * by_x, from_y - w * by_y).

    Pixel indices of the continued picture, (h, w) float32 each.
    """

    from_x: FloatArray
    from_y: FloatArray
    by_x: FloatArray
    by_y: FloatArray

    def at(self, share: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        return self.from_x - share * self.by_x, self.from_y - share * self.by_y

    def only(self, index: IndexArray) -> _Maps:
        return _Maps(*(one.ravel()[index] for one in self))


def draw_base(out: FloatArray, paint: Paint, field: FloatArray) -> None:
    """Fills `out` (H, W, 3) with the whole picture moved by a coarse field (gh, gw, 2)."""
    import cv2

    size = Size(out.shape[1], out.shape[0])
    maps = _maps(Window(0, 0, *size), size, paint.margin, field, None)
    cv2.cvtColor(_sample(paint.colours, *maps.at(1.0)), cv2.COLOR_RGBA2RGB, dst=out)


def draw_sheet(
    out: FloatArray,
    paint: Paint,
    field: FloatArray,
    base: FloatArray | None,
    drawn: list[Window],
) -> None:
    """Draws a moved sheet over `out` (H, W, 3) and adds the window it may have touched to `drawn`.

    field: (gh, gw, 2) displacement of what has a full share. base: (gh, gw, 2) displacement of
    what has none; None when that rests. drawn: the windows of the sheets below, which stay where
    this one does not cover them.

    A pixel of the picture with share a moves by base + a * (field - base). Where the sheet folds
    over what it passes, several pixels of the picture reach one of the frame; a fully moving one
    lies on top.
    """
    import cv2

    size = Size(out.shape[1], out.shape[0])
    window = _reached(paint, field, base, size)
    if window is None:
        return
    maps = _maps(window, size, paint.margin, field, base)
    share, pull = _search(paint.share, maps)
    rests = _sample(paint.share, *maps.at(0.0))
    share *= cv2.threshold(rests, NO_SHARE, 1, cv2.THRESH_BINARY)[1]
    covers = _sample(paint.share, *maps.at(1.0))
    covers = cv2.threshold(covers, FULL_SHARE, 1, cv2.THRESH_BINARY)[1]
    share = cv2.max(share, covers)
    colours = _sample(paint.colours, *maps.at(share))
    torn = _tear(colours, share, pull, paint, maps)
    _smooth_rim(colours, covers, paint, maps)
    touched = None
    if any(window.meets(other) for other in drawn):
        touched = (cv2.dilate(covers, np.ones((3, 3))) > 0) | (share > 0) | torn
    _paste(out[window.slices], colours, touched)
    drawn.append(window)


def _search(shares: FloatArray, maps: _Maps) -> tuple[FloatArray, FloatArray]:
    """The share of what is seen at each place, and how far the picture is torn there, 0..1.

    The share w at a place solves shares(from - w * by) = w. Its left side is nowhere below zero
    nor above one, so that bisection always finds a solution. Done on a coarser grid.
    """
    import cv2

    height, width = maps.from_x.shape
    stride = max(2, -(-max(height, width) // SEARCH_SIDE))
    size = (max(1, width // stride), max(1, height // stride))
    small = _Maps(*(cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in maps))

    def excess(share: FloatArray) -> FloatArray:
        return _sample(shares, *small.at(share)) - share

    low = np.zeros_like(small.from_x)
    step = 1.0
    for _ in range(BISECTIONS):
        step *= 0.5
        low += cv2.threshold(excess(low + step), 0, step, cv2.THRESH_BINARY)[1]
    above, below = excess(low), excess(low + step)
    low += step * np.clip(above / np.maximum(above - below, 1e-6), 0, 1)
    even = cv2.blur(low, (5, 5))
    slope_x = cv2.Sobel(even, cv2.CV_32F, 1, 0, ksize=1, scale=0.5 * size[0] / width)
    slope_y = cv2.Sobel(even, cv2.CV_32F, 0, 1, ksize=1, scale=0.5 * size[1] / height)
    pull = cv2.dilate(small.by_x * slope_x + small.by_y * slope_y, np.ones((5, 5), np.uint8))
    share = cv2.resize(low, (width, height), interpolation=cv2.INTER_LINEAR)
    return share, cv2.resize(pull, (width, height), interpolation=cv2.INTER_LINEAR)


def _tear(
    colours: FloatArray, share: FloatArray, pull: FloatArray, paint: Paint, maps: _Maps
) -> BoolArray:
    """Shows what lies behind where the picture is torn; returns where that may be.

    Where a step of one pixel in the frame is a step of 1 - pull in the picture, the picture is
    stretched by 1 / (1 - pull). A share that does not lead to a pixel of that share was
    interpolated across a border: it leads nowhere.
    """
    import cv2

    misfit = cv2.absdiff(cv2.extractChannel(colours, 3), share) > MOST_MISFIT
    torn = misfit | ((share > 0) & (share < 1))
    index = np.flatnonzero(torn)
    if len(index):
        here = maps.only(index)
        border = _gather(paint.border, *here.at(share.ravel()[index]))[:, 0]
        moved = np.sqrt(here.by_x**2 + here.by_y**2)
        part = np.clip((pull.ravel()[index] - (1 - 1 / MOST_STRETCH)) * (2.5 * MOST_STRETCH), 0, 1)
        part = np.maximum(part, border * np.clip(moved / 4 - 0.5, 0, 1))
        part = np.where(misfit.ravel()[index], np.float32(1), part)
        x, y = here.at(0.0)
        behind = _gather(paint.behind, x - paint.margin, y - paint.margin)
        flat = colours.reshape(-1, 4)[:, :3]
        flat[index] += part[:, None] * (behind - flat[index])
    return torn


def _smooth_rim(colours: FloatArray, covers: FloatArray, paint: Paint, maps: _Maps) -> None:
    """Mixes the pixels just outside of what covers with it, so that its outline is not jagged."""
    import cv2

    mask = (covers * 255).astype(np.uint8)
    rim = cv2.subtract(cv2.dilate(mask, np.ones((3, 3), np.uint8)), mask)
    index = np.flatnonzero(rim)
    if not len(index):
        return
    weight = cv2.blur(mask, (3, 3)).ravel()[index, None] * np.float32(1 / 255)
    top = _gather(paint.colours, *maps.only(index).at(1.0))
    flat = colours.reshape(-1, 4)
    flat[index] += weight * (top - flat[index])


def _paste(out: FloatArray, colours: FloatArray, touched: BoolArray | None) -> None:
    if touched is None:
        out[:] = colours[..., :3]
    else:
        np.copyto(out, colours[..., :3], where=touched[..., None])


def _sample(picture: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Bilinear values at pixel indices; past the edge the last pixel goes on."""
    import cv2

    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _gather(picture: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """(K, C) bilinear values at K places; in rows, because remap limits the sides of its maps."""
    count = len(x)
    rows = -(-count // GATHER_WIDTH)
    x, y = (np.resize(one, (rows, GATHER_WIDTH)) for one in (x, y))
    return _sample(picture, x, y).reshape(rows * GATHER_WIDTH, -1)[:count]


def _maps(
    window: Window, size: Size, margin: int, field: FloatArray, base: FloatArray | None
) -> _Maps:
    import cv2

    x = np.arange(window.left + margin, window.right + margin, dtype=np.float32)
    y = np.arange(window.top + margin, window.bottom + margin, dtype=np.float32)
    from_x, from_y = np.meshgrid(x, y)
    whole = cv2.resize(field, size, interpolation=cv2.INTER_LINEAR)
    by_x, by_y = cv2.split(whole[window.slices])
    if base is not None:
        whole = cv2.resize(base, size, interpolation=cv2.INTER_LINEAR)
        base_x, base_y = cv2.split(whole[window.slices])
        from_x, from_y, by_x, by_y = from_x - base_x, from_y - base_y, by_x - base_x, by_y - base_y
    return _Maps(from_x, from_y, by_x, by_y)


def _reached(paint: Paint, field: FloatArray, base: FloatArray | None, size: Size) -> Window | None:
    """Cells of the field whose way back into the picture may cross something with a share."""
    rows, columns = field.shape[:2]
    cell = np.array([size.width / columns, size.height / rows], np.float32)
    at = np.stack(np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5), -1) * cell
    rest = at if base is None else at - base
    moved = at - field
    first, last = paint.extent
    hit = np.minimum(rest, moved) <= last + 2 * cell
    hit &= np.maximum(rest, moved) >= first - 2 * cell
    across = np.flatnonzero(hit.all(-1).any(0))
    along = np.flatnonzero(hit.all(-1).any(1))
    if not len(across):
        return None
    left, top = int(across[0] * cell[0]), int(along[0] * cell[1])
    right, bottom = (across[-1] + 1) * cell[0], (along[-1] + 1) * cell[1]
    return Window(left, top, min(size.width, math.ceil(right)), min(size.height, math.ceil(bottom)))
