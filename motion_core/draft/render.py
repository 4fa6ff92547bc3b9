"""Rendering: one picture, how it is cut into sheets, and their motion become one frame.

Every map here answers "where does this come from": a field holds, at a place y of the frame, the
displacement d of what is seen there, so that its colour is picture(y - d).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size
from .field import Field

# A picture stretched by more than this tears: what lies behind shows through.
MOST_STRETCH = 12.0
# The border of a thing that has moved by more pixels than this is not stretched at all.
BORDER_PX = 2.0
# From this share on a pixel goes along fully, and hides what it covers.
FULL_SHARE = 0.985
# Below this share a pixel rests.
NO_SHARE = 0.004
# The share is searched on a grid of at most so many cells a side, to one part in 2 ** BISECTIONS
# and between those by a straight line.
SEARCH_SIDE = 256
BISECTIONS = 6
# Shares that differ by more than this from one cell to the next are settled pixel by pixel.
JUMP = 0.1
GATHER_WIDTH = 1024


@dataclass(frozen=True, eq=False)
class Paint:
    """What a sheet is painted with.

    colours: (h, w, 4) float32, the picture continued by `margin` pixels on every side; four
             channels because OpenCV samples them faster than three.
    share:   (h, w) how much of the sheet's motion a pixel takes, 0..1.
    border:  (h, w) 0..1, whether a pixel lies on the border of what moves.
    behind:  (H, W, 3) what shows where the sheet is torn.
    extent:  (2, 2) first and last (x, y) of the pixels that have a share.
    tears:   False for a soft sheet, which is stretched without end.
    """

    colours: FloatArray
    share: FloatArray
    border: FloatArray
    behind: FloatArray
    extent: FloatArray
    margin: int
    tears: bool = True


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

    def at(self, share: FloatArray) -> tuple[FloatArray, FloatArray]:
        x, y = share * self.by_x, share * self.by_y
        return np.subtract(self.from_x, x, out=x), np.subtract(self.from_y, y, out=y)

    def at_full(self) -> tuple[FloatArray, FloatArray]:
        return self.from_x - self.by_x, self.from_y - self.by_y

    def only(self, index: IndexArray) -> _Maps:
        return _Maps(*(one.ravel()[index] for one in self))


def draw_base(out: FloatArray, paint: Paint, field: Field) -> None:
    """Fills `out` (H, W, 3) with the whole picture moved by a field."""
    import cv2

    size = Size(out.shape[1], out.shape[0])
    maps = _maps(Window(0, 0, *size), paint.margin, field, None)
    cv2.cvtColor(_sample(paint.colours, *maps.at_full()), cv2.COLOR_RGBA2RGB, dst=out)


def draw_sheet(
    out: FloatArray, paint: Paint, field: Field, base: Field | None, drawn: list[Window]
) -> None:
    """Draws a moved sheet over `out` (H, W, 3) and adds the window it may have touched to `drawn`.

    field: motion of what has a full share. base: motion of what has none; None when that rests.
    drawn: the windows of the sheets below, which stay where this one does not cover them.

    A pixel of the picture with share a moves by base + a * (field - base). Where the sheet folds
    over what it passes, several pixels of the picture reach one of the frame: a fully moving one
    lies on top, below it one that rests, below that the rest of the sheet.
    """
    import cv2

    size = Size(out.shape[1], out.shape[0])
    window = _reached(paint, field, base, size)
    if window is None:
        return
    maps = _maps(window, paint.margin, field, base)
    search = _search(paint, maps)
    whole = maps.from_x.shape[::-1]
    share = cv2.resize(search.share, whole, interpolation=cv2.INTER_LINEAR)
    torn = cv2.resize(search.torn, whole, interpolation=cv2.INTER_LINEAR)
    rim = _settle_borders(share, torn, search, paint, maps)
    colours = _sample(paint.colours, *maps.at(share))
    _show_behind(colours, torn, paint, maps)
    rim.mix(colours, paint, maps)
    target = out[window.slices]
    if any(window.meets(other) for other in drawn):
        touched = (share > 0) | (torn > 0)
        touched.ravel()[rim.index] = True
        np.copyto(target, colours[..., :3], where=touched[..., None])
    else:
        cv2.cvtColor(colours, cv2.COLOR_RGBA2RGB, dst=target)
    drawn.append(window)


class _Search(NamedTuple):
    """What is seen in a window, on a coarse grid, (h, w) each.

    sheet: share of what is seen if the sheet is seen. share: the same, but zero where something
    resting lies on top, and one where the sheet covers all. torn: 0..1, how far the picture is
    torn. jumps: where one kind meets another at a different share; settled pixel by pixel.
    """

    sheet: FloatArray
    share: FloatArray
    torn: FloatArray
    jumps: BoolArray


def _search(paint: Paint, maps: _Maps) -> _Search:
    """Finds what is seen at each place: the share w that solves share(from - w * by) = w.

    The left side is nowhere below zero nor above one, so that bisection always finds a solution.
    """
    import cv2

    height, width = maps.from_x.shape
    stride = max(2, -(-max(height, width) // SEARCH_SIDE))
    size = (max(1, width // stride), max(1, height // stride))
    small = _Maps(*(cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in maps))

    def excess(share: FloatArray) -> FloatArray:
        return _sample(paint.share, *small.at(share)) - share

    sheet = np.zeros_like(small.from_x)
    step = 1.0
    for _ in range(BISECTIONS):
        step *= 0.5
        sheet += cv2.threshold(excess(sheet + step), 0, step, cv2.THRESH_BINARY)[1]
    above, below = excess(sheet), excess(sheet + step)
    sheet += step * np.clip(above / np.maximum(above - below, 1e-6), 0, 1)
    covered = _sample(paint.share, *small.at_full()) >= FULL_SHARE
    moves = (_sample(paint.share, small.from_x, small.from_y) > NO_SHARE) & ~covered
    torn = np.zeros_like(sheet)
    if paint.tears:
        torn = _torn(sheet, paint, small, (width / size[0], height / size[1])) * moves
    share = sheet * moves + covered
    kind = moves + 2 * covered.astype(np.uint8)
    jumps = (_range(share) > JUMP) & (_range(kind) > 0)
    return _Search(sheet, share, torn, jumps)


def _range(values: FloatArray) -> FloatArray:
    """Greatest difference between the values in each 3 x 3 neighbourhood."""
    import cv2

    square = np.ones((3, 3), np.uint8)
    return cv2.subtract(cv2.dilate(values, square), cv2.erode(values, square))


def _torn(share: FloatArray, paint: Paint, maps: _Maps, cell: tuple[float, float]) -> FloatArray:
    """How far the picture is torn, 0..1: where it is stretched too much, and along borders.

    Where a step of one pixel in the frame is a step of 1 - pull in the picture, the picture is
    stretched by 1 / (1 - pull).
    """
    import cv2

    even = cv2.blur(share, (5, 5))
    slope_x = cv2.Sobel(even, cv2.CV_32F, 1, 0, ksize=1, scale=0.5 / cell[0])
    slope_y = cv2.Sobel(even, cv2.CV_32F, 0, 1, ksize=1, scale=0.5 / cell[1])
    pull = maps.by_x * slope_x + maps.by_y * slope_y
    stretched = np.clip((pull - (1 - 1 / MOST_STRETCH)) * (2.5 * MOST_STRETCH), 0, 1)
    moved = np.sqrt(maps.by_x**2 + maps.by_y**2)
    border = _sample(paint.border, *maps.at(share))
    border *= np.clip((moved - BORDER_PX) * (0.5 / BORDER_PX), 0, 1)
    return cv2.dilate(cv2.max(stretched, border), np.ones((3, 3), np.uint8))


class _Rim(NamedTuple):
    """Pixels just outside of what covers them, and how much of it they show: anti-aliasing.

    index: (K,) flat. weight: (K,) 0..1.
    """

    index: IndexArray
    weight: FloatArray

    def mix(self, colours: FloatArray, paint: Paint, maps: _Maps) -> None:
        """Mixes them in place."""
        if len(self.index):
            top = _gather(paint.colours, *maps.only(self.index).at_full())
            _blend(colours, self.index, self.weight, top)


def _settle_borders(
    share: FloatArray, torn: FloatArray, search: _Search, paint: Paint, maps: _Maps
) -> _Rim:
    """Decides pixel by pixel, in place, where the coarse search found a jump."""
    import cv2

    jumps = search.jumps.astype(np.uint8)
    jumps = cv2.resize(jumps, share.shape[::-1], interpolation=cv2.INTER_NEAREST)
    index = np.flatnonzero(jumps)
    if not len(index):
        return _Rim(index, np.zeros(0, np.float32))
    here = maps.only(index)
    covered, nearly = _covered(paint.share, *here.at_full())
    resting = _gather(paint.share, here.from_x, here.from_y)[:, 0]
    moves = (resting > NO_SHARE) & ~covered
    rows, columns = np.divmod(index, share.shape[1])
    cell_x = (columns + np.float32(0.5)) * (search.sheet.shape[1] / share.shape[1]) - 0.5
    cell_y = (rows + np.float32(0.5)) * (search.sheet.shape[0] / share.shape[0]) - 0.5
    sheet = _gather(search.sheet, cell_x.astype(np.float32), cell_y.astype(np.float32))[:, 0]
    share.ravel()[index] = np.where(covered, np.float32(1), sheet * moves)
    torn.ravel()[index] *= moves
    rim = nearly > 0
    return _Rim(index[rim], nearly[rim])


def _covered(share: FloatArray, x: FloatArray, y: FloatArray) -> tuple[BoolArray, FloatArray]:
    """(K,) whether what comes from (x, y) is full, and for what is not 0..1 how near it is to
    it, by the distance in pixels that its slope tells."""
    full = _gather(share, x, y)[:, 0]
    across = _gather(share, x + 1, y)[:, 0] - full
    along = _gather(share, x, y + 1)[:, 0] - full
    distance = (FULL_SHARE - full) / np.maximum(np.sqrt(across**2 + along**2), 1e-4)
    return full >= FULL_SHARE, np.where(full < FULL_SHARE, np.clip(1 - distance, 0, 1), 0)


def _show_behind(colours: FloatArray, torn: FloatArray, paint: Paint, maps: _Maps) -> None:
    index = np.flatnonzero(torn > 0)
    if len(index):
        here = maps.only(index)
        behind = _gather(paint.behind, here.from_x - paint.margin, here.from_y - paint.margin)
        _blend(colours, index, torn.ravel()[index], behind)


def _blend(colours: FloatArray, index: IndexArray, weight: FloatArray, over: FloatArray) -> None:
    """Mixes `over` (K, C) into the pixels at flat `index`, in place."""
    flat = colours.reshape(-1, colours.shape[-1])[:, : over.shape[1]]
    below = flat[index]
    flat[index] = below + weight[:, None] * (over - below)


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


def _maps(window: Window, margin: int, field: Field, base: Field | None) -> _Maps:
    x = np.arange(window.left + margin, window.right + margin, dtype=np.float32)
    y = np.arange(window.top + margin, window.bottom + margin, dtype=np.float32)
    from_x, from_y = np.meshgrid(x, y)
    by_x, by_y = (np.ascontiguousarray(one) for one in field.over(*window))
    if base is not None:
        base_x, base_y = base.over(*window)
        from_x, from_y, by_x, by_y = from_x - base_x, from_y - base_y, by_x - base_x, by_y - base_y
    return _Maps(from_x, from_y, by_x, by_y)


def _reached(paint: Paint, field: Field, base: Field | None, size: Size) -> Window | None:
    """Around the cells whose way back into the picture may cross something with a share."""
    at = field.centres
    rest = at if base is None else at - base.values
    moved = at - field.values
    first, last = paint.extent
    hit = (np.minimum(rest, moved) <= last + 2 * field.cell).all(-1)
    hit &= (np.maximum(rest, moved) >= first - 2 * field.cell).all(-1)
    across, along = np.flatnonzero(hit.any(0)), np.flatnonzero(hit.any(1))
    if not len(across):
        return None
    # The first cell is that of the ring.
    window = Window(
        max(0, int(across[0] - 1) * field.cell),
        max(0, int(along[0] - 1) * field.cell),
        min(size.width, int(across[-1]) * field.cell),
        min(size.height, int(along[-1]) * field.cell),
    )
    return window if window.left < window.right and window.top < window.bottom else None
