"""What drags move in the picture, so that the rest can be held still beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..document.dots.footprint import Footprint
from ..document.dots.limits import checked_clip
from ..document.layer import ExpansionContext, Handle, Layer
from ..document.motion_document import MotionDocument
from ..geometry import Size
from ..progress import Progress, silent
from ..tracks.start import thin_evenly

if TYPE_CHECKING:
    from ..layers.dragged_thing import ThingFinder

# A picture is searched for the things of so many drags; each costs up to half a second.
MOST_THINGS = 8
# So many dots of a brush at most mark a thing, and so many pins what it is not.
MOST_MARKS, MOST_PINS = 1024, 256


@dataclass(frozen=True, eq=False)
class DraggedThings:
    """The outlines of what drags move.

    Attributes:
        cells: (h, w) bool by the id of a layer: the part of the picture that goes along with it.
        at: by the same ids, where the drag takes hold: x and y in fractions of the canvas.
        unknown: the names of the drags whose things were not found.
    """

    cells: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    at: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    unknown: tuple[str, ...] = ()

    def note(self) -> str | None:
        """A sentence about how the rest keeps clear; None where nothing was looked for."""
        if not self.cells and not self.unknown:
            return None
        by_distance = f"{', '.join(self.unknown)} by distance, for no outline was found there"
        if not self.cells:
            return f"The rest keeps clear of {by_distance}."
        found = "The rest keeps clear of what the drags move, cut out of the image"
        return f"{found}; of {by_distance}." if self.unknown else f"{found}."

    def footprints(self, layer: Layer, context: ExpansionContext) -> tuple[Footprint, ...]:
        """Where the thing of a layer is at every frame; none for one without an outline."""
        cells, handle = self.cells.get(layer.id), layer.handle(context)
        if cells is None or handle is None:
            return ()
        return (_footprint(cells, handle, context.size),)


NOTHING_DRAGGED = DraggedThings()


def dragged_things(
    document: MotionDocument,
    image: Tensor | None,
    size: Size,
    *,
    mask: Any = None,
    progress: Progress = silent,
) -> DraggedThings:
    """Cuts what drags move out of the picture, where a layer holds the rest of it still.

    Spheres and regions say themselves what they cover. Of a drag only the brush is drawn, and it is
    a handle: the thing around it is found in the picture (`layers.dragged_thing`). Nothing depends
    on where a drag leads, nor on time.

    Args:
        document: The drawing.
        image: (H, W, 3) float 0..1, of the size; None for none.
        size: The canvas in pixels.
        mask: As in `expand_document`.
        progress: Called with (drags done, all of them), also between pieces of the work on one.

    Returns:
        The outlines; empty without an image, where no layer holds the rest, or nothing is dragged.

    Raises:
        TypeError, ShapeError, CanvasError, ValueError: The image is not as above, or what
            `expand_document` refuses.
    """
    _, size = checked_clip(1, size)
    layers = [layer for layer in document.layers if layer.enabled]
    if image is None or not any(layer.holds_the_rest for layer in layers):
        return NOTHING_DRAGGED
    context = ExpansionContext(1, size, document.drawn_on, mask=mask)
    handles = [(layer, layer.handle(context)) for layer in layers]
    dragged = [(layer, handle) for layer, handle in handles if handle is not None]
    if not dragged:
        return NOTHING_DRAGGED
    total = min(len(dragged), MOST_THINGS)
    finder = _finder(image, size, lambda: progress(0, total))
    pins = _pins(layers, context)
    cells, at, unknown = {}, {}, []
    for done, (layer, handle) in enumerate(dragged):
        marks = _few(handle.points, size, MOST_MARKS)
        found = finder.outline(marks, pins) if done < MOST_THINGS else None
        if found is None:
            unknown.append(layer.name or f"drag {done + 1}")
        else:
            cells[layer.id] = found
            x, y = (handle.points.mean(axis=0) / np.array(size)).tolist()
            at[layer.id] = (x, y)
        progress(min(done + 1, total), total)
    return DraggedThings(MappingProxyType(cells), MappingProxyType(at), tuple(unknown))


def _finder(image: Tensor, size: Size, tick: Any) -> ThingFinder:
    # The network is imported where it is needed first.
    from ..layers.dragged_thing import ThingFinder

    return ThingFinder(image, size, tick)


def _pins(layers: list[Layer], context: ExpansionContext) -> np.ndarray:
    """(M, 2) px: where a person pinned the picture, which is on no dragged thing."""
    still = replace(context, footprints=())
    places = [np.zeros((0, 2), np.float32)]
    for layer in layers:
        if layer.is_hidden_by_others and not layer.holds_the_rest:
            places.append(layer.expand(still).xy[0].numpy())
    return _few(np.concatenate(places), context.size, MOST_PINS)


def _few(points: np.ndarray, size: Size, most: int) -> np.ndarray:
    """An even choice among points (K, 2) px."""
    return points[thin_evenly(torch.from_numpy(points), max(size), most).numpy()]


def _footprint(cells: np.ndarray, handle: Handle, size: Size) -> Footprint:
    """A thing that is carried along with its handle. What the frame cuts off goes on past it."""
    import cv2

    canvas, grid = np.array(size, float), np.array(cells.shape[::-1])
    off = 1 - cells.astype(np.uint8)
    away = cv2.distanceTransform(off, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    away = np.asarray(away) * float((canvas / grid).mean())

    def holds(pose: np.ndarray, points: np.ndarray, margin: float) -> np.ndarray:
        place = np.floor((points - pose) * (grid / canvas)).astype(np.int64)
        column, row = np.clip(place, 0, grid - 1).T
        return away[row, column] <= margin

    return Footprint(handle.shift, handle.present, holds)
