"""Drawing of layers: textures and their backward motion become one frame.

Every map here is a backward map: a field holds, at a place y of the frame, the displacement d of
what is visible there, so that its colour is picture(y - d).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size
from .backward_field import BackwardField

# A picture stretched by more than this tears: what lies behind shows through.
MOST_STRETCH = 12.0
# The border of a thing that has moved by more pixels than this is not stretched at all.
BORDER_PX = 2.0
# From this alpha on a pixel goes along fully, and hides what it covers.
FULL_ALPHA = 0.985
# Below this alpha a pixel rests.
NO_ALPHA = 0.004
# Alpha is searched on a grid of at most so many cells a side, to one part in 2 ** BISECTIONS
# and between those by a straight line.
SEARCH_SIDE = 256
BISECTIONS = 6
# Alphas that differ by more than this from one cell to the next are resolved pixel by pixel.
JUMP = 0.1
GATHER_WIDTH = 1024


@dataclass(frozen=True, eq=False)
class Texture:
    """The pixels of a layer.

    Attributes:
        colours: (h, w, 4) float32, the picture continued by `margin` pixels on every side; four
            channels because OpenCV samples them faster than three.
        alpha: (h, w) 0..1, how much of the layer's motion a pixel takes.
        border: (h, w) 0..1, whether a pixel lies on the border of what moves.
        behind: (H, W, 3) what shows where the layer is torn.
        extent: (2, 2) first and last (x, y) of the pixels whose alpha is above zero.
        margin: pixels by which the picture is continued.
        tears: False for a soft layer, which is stretched without end.
    """

    colours: FloatArray
    alpha: FloatArray
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
    """Source positions of a window's pixels at alpha w: (from_x - w * by_x, from_y - w * by_y).

    Pixel indices of the continued picture, (h, w) float32 each.
    """

    from_x: FloatArray
    from_y: FloatArray
    by_x: FloatArray
    by_y: FloatArray

    def at(self, alpha: FloatArray) -> tuple[FloatArray, FloatArray]:
        x, y = alpha * self.by_x, alpha * self.by_y
        return np.subtract(self.from_x, x, out=x), np.subtract(self.from_y, y, out=y)

    def at_full(self) -> tuple[FloatArray, FloatArray]:
        return self.from_x - self.by_x, self.from_y - self.by_y

    def only(self, index: IndexArray) -> _Maps:
        return _Maps(*(plane.ravel()[index] for plane in self))


def draw_background(out: FloatArray, texture: Texture, field: BackwardField) -> None:
    """Fills `out` (H, W, 3) with the whole picture moved by a field."""
    import cv2

    size = Size(out.shape[1], out.shape[0])
    maps = _maps(Window(0, 0, *size), texture.margin, field, None)
    cv2.cvtColor(_sample(texture.colours, *maps.at_full()), cv2.COLOR_RGBA2RGB, dst=out)


def draw_layer(
    out: FloatArray,
    texture: Texture,
    field: BackwardField,
    background: BackwardField | None,
    drawn: list[Window],
) -> None:
    """Draws a moved layer over `out` (H, W, 3) and adds the window it may have touched to `drawn`.

    A pixel of the picture with alpha a moves by background + a * (field - background). Where the
    layer folds over what it passes, several pixels of the picture reach one of the frame: a fully
    moving one lies on top, below it one that rests, below that the rest of the layer.

    Args:
        out: the frame, drawn into.
        texture: of the layer.
        field: motion of what has alpha one.
        background: motion of what has alpha zero; None when that rests.
        drawn: the windows of the layers below, which stay where this one does not cover them.
    """
    import cv2

    size = Size(out.shape[1], out.shape[0])
    window = _reached(texture, field, background, size)
    if window is None:
        return
    maps = _maps(window, texture.margin, field, background)
    search = _search(texture, maps)
    whole = maps.from_x.shape[::-1]
    alpha = cv2.resize(search.alpha, whole, interpolation=cv2.INTER_LINEAR)
    torn = cv2.resize(search.torn, whole, interpolation=cv2.INTER_LINEAR)
    rim = _resolve_borders(alpha, torn, search, texture, maps)
    colours = _sample(texture.colours, *maps.at(alpha))
    _show_behind(colours, torn, texture, maps)
    rim.mix(colours, texture, maps)
    target = out[window.slices]
    if any(window.meets(other) for other in drawn):
        touched = (alpha > 0) | (torn > 0)
        touched.ravel()[rim.index] = True
        np.copyto(target, colours[..., :3], where=touched[..., None])
    else:
        cv2.cvtColor(colours, cv2.COLOR_RGBA2RGB, dst=target)
    drawn.append(window)


class _Search(NamedTuple):
    """What is visible in a window, on a coarse grid, (h, w) each.

    Attributes:
        layer: alpha of what is visible where the layer is.
        alpha: the same, but zero where something resting lies on top, and one where the layer
            covers all.
        torn: 0..1, how far the picture is torn.
        jumps: where one kind meets another at a different alpha; resolved pixel by pixel.
    """

    layer: FloatArray
    alpha: FloatArray
    torn: FloatArray
    jumps: BoolArray


def _search(texture: Texture, maps: _Maps) -> _Search:
    """Finds what is visible at each place: the alpha w that solves alpha(from - w * by) = w.

    The left side is nowhere below zero nor above one, so that bisection always finds a solution.
    """
    import cv2

    height, width = maps.from_x.shape
    stride = max(2, -(-max(height, width) // SEARCH_SIDE))
    size = (max(1, width // stride), max(1, height // stride))
    small = _Maps(*(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in maps))

    def excess(alpha: FloatArray) -> FloatArray:
        return _sample(texture.alpha, *small.at(alpha)) - alpha

    layer = np.zeros_like(small.from_x)
    step = 1.0
    for _ in range(BISECTIONS):
        step *= 0.5
        layer += cv2.threshold(excess(layer + step), 0, step, cv2.THRESH_BINARY)[1]
    above, below = excess(layer), excess(layer + step)
    layer += step * np.clip(above / np.maximum(above - below, 1e-6), 0, 1)
    covered = _sample(texture.alpha, *small.at_full()) >= FULL_ALPHA
    moves = (_sample(texture.alpha, small.from_x, small.from_y) > NO_ALPHA) & ~covered
    torn = np.zeros_like(layer)
    if texture.tears:
        torn = _torn(layer, texture, small, (width / size[0], height / size[1])) * moves
    alpha = layer * moves + covered
    kind = moves + 2 * covered.astype(np.uint8)
    jumps = (_range(alpha) > JUMP) & (_range(kind) > 0)
    return _Search(layer, alpha, torn, jumps)


def _range(values: FloatArray) -> FloatArray:
    """Greatest difference between the values in each 3 x 3 neighbourhood."""
    import cv2

    square = np.ones((3, 3), np.uint8)
    return cv2.subtract(cv2.dilate(values, square), cv2.erode(values, square))


def _torn(
    alpha: FloatArray, texture: Texture, maps: _Maps, cell: tuple[float, float]
) -> FloatArray:
    """How far the picture is torn, 0..1: where it is stretched too much, and along borders.

    Where a step of one pixel in the frame is a step of 1 - pull in the picture, the picture is
    stretched by 1 / (1 - pull).
    """
    import cv2

    even = cv2.blur(alpha, (5, 5))
    slope_x = cv2.Sobel(even, cv2.CV_32F, 1, 0, ksize=1, scale=0.5 / cell[0])
    slope_y = cv2.Sobel(even, cv2.CV_32F, 0, 1, ksize=1, scale=0.5 / cell[1])
    pull = maps.by_x * slope_x + maps.by_y * slope_y
    stretched = np.clip((pull - (1 - 1 / MOST_STRETCH)) * (2.5 * MOST_STRETCH), 0, 1)
    moved = np.sqrt(maps.by_x**2 + maps.by_y**2)
    border = _sample(texture.border, *maps.at(alpha))
    border *= np.clip((moved - BORDER_PX) * (0.5 / BORDER_PX), 0, 1)
    return cv2.dilate(cv2.max(stretched, border), np.ones((3, 3), np.uint8))


class _Rim(NamedTuple):
    """Pixels just outside an occluder, and the part of each that shows it: anti-aliasing.

    Attributes:
        index: (K,) flat indices.
        weight: (K,) 0..1.
    """

    index: IndexArray
    weight: FloatArray

    def mix(self, colours: FloatArray, texture: Texture, maps: _Maps) -> None:
        """Mixes them in place."""
        if len(self.index):
            top = _gather(texture.colours, *maps.only(self.index).at_full())
            _blend(colours, self.index, self.weight, top)


def _resolve_borders(
    alpha: FloatArray, torn: FloatArray, search: _Search, texture: Texture, maps: _Maps
) -> _Rim:
    """Decides pixel by pixel, in place, where the coarse search found a jump."""
    import cv2

    jumps = search.jumps.astype(np.uint8)
    jumps = cv2.resize(jumps, alpha.shape[::-1], interpolation=cv2.INTER_NEAREST)
    index = np.flatnonzero(jumps)
    if not len(index):
        return _Rim(index, np.zeros(0, np.float32))
    here = maps.only(index)
    covered, nearly = _covered(texture.alpha, *here.at_full())
    resting = _gather(texture.alpha, here.from_x, here.from_y)[:, 0]
    moves = (resting > NO_ALPHA) & ~covered
    rows, columns = np.divmod(index, alpha.shape[1])
    cell_x = (columns + np.float32(0.5)) * (search.layer.shape[1] / alpha.shape[1]) - 0.5
    cell_y = (rows + np.float32(0.5)) * (search.layer.shape[0] / alpha.shape[0]) - 0.5
    layer = _gather(search.layer, cell_x.astype(np.float32), cell_y.astype(np.float32))[:, 0]
    alpha.ravel()[index] = np.where(covered, np.float32(1), layer * moves)
    torn.ravel()[index] *= moves
    rim = nearly > 0
    return _Rim(index[rim], nearly[rim])


def _covered(alpha: FloatArray, x: FloatArray, y: FloatArray) -> tuple[BoolArray, FloatArray]:
    """(K,) whether what comes from (x, y) is full, and for what is not 0..1 how near it is to
    it, by the distance in pixels that follows from its slope."""
    full = _gather(alpha, x, y)[:, 0]
    across = _gather(alpha, x + 1, y)[:, 0] - full
    along = _gather(alpha, x, y + 1)[:, 0] - full
    distance = (FULL_ALPHA - full) / np.maximum(np.sqrt(across**2 + along**2), 1e-4)
    return full >= FULL_ALPHA, np.where(full < FULL_ALPHA, np.clip(1 - distance, 0, 1), 0)


def _show_behind(colours: FloatArray, torn: FloatArray, texture: Texture, maps: _Maps) -> None:
    index = np.flatnonzero(torn > 0)
    if len(index):
        here = maps.only(index)
        behind = _gather(texture.behind, here.from_x - texture.margin, here.from_y - texture.margin)
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
    x, y = (np.resize(axis, (rows, GATHER_WIDTH)) for axis in (x, y))
    return _sample(picture, x, y).reshape(rows * GATHER_WIDTH, -1)[:count]


def _maps(
    window: Window, margin: int, field: BackwardField, background: BackwardField | None
) -> _Maps:
    x = np.arange(window.left + margin, window.right + margin, dtype=np.float32)
    y = np.arange(window.top + margin, window.bottom + margin, dtype=np.float32)
    from_x, from_y = np.meshgrid(x, y)
    by_x, by_y = (np.ascontiguousarray(axis) for axis in field.over(*window))
    if background is not None:
        background_x, background_y = background.over(*window)
        from_x, from_y, by_x, by_y = (
            from_x - background_x,
            from_y - background_y,
            by_x - background_x,
            by_y - background_y,
        )
    return _Maps(from_x, from_y, by_x, by_y)


def _reached(
    texture: Texture, field: BackwardField, background: BackwardField | None, size: Size
) -> Window | None:
    """Around the cells whose way back into the picture may cross something with alpha."""
    at = field.centres
    rest = at if background is None else at - background.values
    moved = at - field.values
    first, last = texture.extent
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
