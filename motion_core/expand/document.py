"""Motion prompt expansion: a whole drawing becomes tracks (Motion Prompting, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..document.model import (
    AnyLayer,
    DragLayer,
    MotionDocument,
    PinLayer,
    RegionLayer,
    SphereLayer,
)
from ..geometry import Size
from ..progress import Progress, silent
from ..tracks.model import Tracks, empty_tracks
from ..tracks.select import concat
from ..tracks.visibility import hide_outside
from .drag import drag_footprint, expand_drag
from .footprint import Footprint
from .limits import check_count, checked_clip, layer_label, naming
from .pin import expand_pin
from .region import expand_region, region_footprint
from .sphere import expand_sphere, sphere_footprint


@dataclass(frozen=True, eq=False)
class _Clip:
    """What every layer of one expansion shares."""

    frames: int
    size: Size
    drawn_on: Size
    fps: float | None
    mask: Any


def expand_document(
    document: MotionDocument,
    size: Size,
    frames: int,
    *,
    fps: float | None = None,
    mask: Any = None,
    progress: Progress = silent,
) -> Tracks:
    """The tracks (T, N) of all enabled layers, in their order, on a canvas of `size`.

    Positions depend on time and on the canvas' proportions alone: more frames or pixels give the
    same motion, sampled finer. Points outside the canvas are invisible there. A dot's id follows
    from its layer's id and its place in the layer, so other layers never change it; should two
    layers share an id, the later one's dots are renumbered.

    frames: 1..10,000. mask: (H, W) bool, or numbers that are on above 0.5, for the layers whose
    area is "mask"; any resolution in the canvas' proportions. progress: called per layer.
    Raises TypeError or ValueError (CanvasError and ShapeError for the mask), naming the layer and
    the field: for an enabled camera_grab layer, which needs depth; for more than 1,000,000 dots or
    100,000,000 positions; for an area that holds nothing.
    """
    if not isinstance(document, MotionDocument):
        raise TypeError(
            f"expand_document takes a MotionDocument; got {type(document).__name__}. "
            "Read JSON with read_document first."
        )
    frames, size = checked_clip(frames, size)
    clip = _Clip(frames, size, document.drawn_on, fps, mask)
    layers = [layer for layer in document.layers if layer.enabled]
    has_pins = any(isinstance(layer, PinLayer) for layer in layers)
    footprints = _footprints(layers, clip) if has_pins else []
    parts, dots = [empty_tracks(frames, size, fps=fps)], 0
    for done, layer in enumerate(layers, start=1):
        parts.append(_expand_layer(layer, clip, footprints))
        dots += parts[-1].num_points
        with naming(layer):
            check_count(
                dots, frames, 'this counts the layers before it; raise "spacing" here or there'
            )
        progress(done, len(layers))
    return hide_outside(concat(parts))


def _expand_layer(layer: AnyLayer, clip: _Clip, footprints: Sequence[Footprint]) -> Tracks:
    frames, size, fps = clip.frames, clip.size, clip.fps
    if isinstance(layer, DragLayer):
        return expand_drag(layer, frames=frames, size=size, drawn_on=clip.drawn_on, fps=fps)
    if isinstance(layer, SphereLayer):
        return expand_sphere(layer, frames=frames, size=size, drawn_on=clip.drawn_on, fps=fps)
    if isinstance(layer, RegionLayer):
        return expand_region(layer, frames=frames, size=size, fps=fps, mask=clip.mask)
    if isinstance(layer, PinLayer):
        return expand_pin(
            layer, frames=frames, size=size, fps=fps, mask=clip.mask, footprints=footprints
        )
    raise ValueError(
        f"{layer_label(layer)}: a grabbed camera needs the picture's depth, which a drawing does "
        "not have. Disable the layer, or combine with camera tracks made from depth."
    )


def _footprints(layers: Sequence[AnyLayer], clip: _Clip) -> list[Footprint]:
    found = []
    for layer in layers:
        frames, size, drawn_on = clip.frames, clip.size, clip.drawn_on
        if isinstance(layer, DragLayer):
            found.append(drag_footprint(layer, frames=frames, size=size, drawn_on=drawn_on))
        elif isinstance(layer, SphereLayer):
            found.append(sphere_footprint(layer, frames=frames, size=size, drawn_on=drawn_on))
        elif isinstance(layer, RegionLayer):
            found.append(region_footprint(layer, frames=frames, size=size, mask=clip.mask))
    return found
