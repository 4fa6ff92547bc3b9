"""Motion prompt expansion: a whole drawing becomes tracks (Motion Prompting, section 4)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..document.dots.footprint import Footprint
from ..document.dots.limits import checked_clip
from ..document.layer import ExpansionContext, Layer
from ..document.motion_document import MotionDocument
from ..geometry import Size
from ..progress import Progress, silent
from ..tracks.model import Tracks, empty_tracks
from ..tracks.select import concat
from ..tracks.visibility import hide_outside
from .dragged import NOTHING_DRAGGED, DraggedThings

logger = logging.getLogger(__name__)

# Footprints made between two calls of progress.
FOOTPRINTS = 32


def expand_document(
    document: MotionDocument,
    size: Size,
    frames: int,
    *,
    fps: float | None = None,
    mask: Any = None,
    things: DraggedThings = NOTHING_DRAGGED,
    progress: Progress = silent,
) -> Tracks:
    """The tracks of all enabled layers, in their order, on a canvas of `size`.

    Positions depend on time and on the canvas' proportions alone: more frames or pixels give the
    same motion, sampled finer. Points outside the canvas are invisible there. A dot's id follows
    from its layer's id and its place in the layer, so other layers never change it; should two
    layers share an id, the later one's dots are renumbered. A camera layer makes no tracks;
    `expansion_notes` says so, and the log at level INFO.

    Args:
        document: The drawing.
        size: The canvas of the tracks in pixels.
        frames: 1..10,000.
        fps: Frames per second, kept with the tracks; None for unknown.
        mask: (H, W) bool, or numbers that are on above 0.5, for the layers whose area is "mask";
            any resolution in the canvas' proportions.
        things: Of `dragged_things`: layers that hold the rest keep clear of them.
        progress: Called with (layers done, all of them), also between pieces of the work on one.

    Returns:
        Tracks (T, N).

    Raises:
        TypeError: `document` is not a MotionDocument, or `frames` not a whole number.
        ValueError: Naming the layer and the field: more than 1,000,000 dots or 100,000,000
            positions, or an area that holds nothing.
        CanvasError: The mask has other proportions than the canvas.
        ShapeError: The mask is not (H, W).
    """
    _check_document(document)
    frames, size = checked_clip(frames, size)
    layers = [layer for layer in document.layers if layer.enabled]
    piecewise = _piecewise(progress, 0, len(layers))
    context = ExpansionContext(frames, size, document.drawn_on, fps, mask, progress=piecewise)
    if any(layer.is_hidden_by_others for layer in layers):
        context = replace(context, footprints=_footprints(layers, context, things))
    parts = [empty_tracks(frames, size, fps=fps)]
    for done, layer in enumerate(layers, start=1):
        context = replace(context, progress=_piecewise(progress, done - 1, len(layers)))
        parts.append(layer.expand(context))
        context = replace(context, dots=context.dots + parts[-1].num_points)
        progress(done, len(layers))
    for note in expansion_notes(document):
        logger.info(note)
    return hide_outside(concat(parts))


def _check_document(document: object) -> None:
    if not isinstance(document, MotionDocument):
        raise TypeError(
            f"expand_document takes a MotionDocument; got {type(document).__name__}. "
            "Read JSON with read_document first."
        )


def expansion_notes(document: MotionDocument) -> tuple[str, ...]:
    """A sentence for each enabled layer that expansion makes no tracks of, naming the layer."""
    notes = (layer.expansion_note() for layer in document.layers if layer.enabled)
    return tuple(note for note in notes if note is not None)


def _footprints(
    layers: Sequence[Layer], context: ExpansionContext, things: DraggedThings
) -> tuple[Footprint, ...]:
    found: list[Footprint | None] = []
    for place, layer in enumerate(layers, start=1):
        found += [layer.footprint(context), *things.footprints(layer, context)]
        if place % FOOTPRINTS == 0:
            context.progress(place, len(layers))
    return tuple(footprint for footprint in found if footprint is not None)


def _piecewise(progress: Progress, layers_done: int, layers: int) -> Progress:
    """The progress of one layer: the bar stands still, and the work can be stopped."""

    def between(done: int, total: int) -> None:
        progress(layers_done, layers)

    return between
