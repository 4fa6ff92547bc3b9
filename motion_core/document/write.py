"""MOTION documents to JSON. Every field is spelled out, so reading gives an equal document."""

from __future__ import annotations

import json
from typing import Any

from .model import (
    AnyLayer,
    CameraGrabLayer,
    DragLayer,
    Layer,
    MotionDocument,
    Path,
    PinLayer,
    RegionLayer,
    SphereLayer,
    Timing,
)
from .upgrade import VERSION


def document_to_dict(document: MotionDocument) -> dict[str, Any]:
    """The document as plain JSON values (dicts, lists, numbers, strings), of the newest version."""
    return {
        "version": VERSION,
        "drawn_on": {"width": document.drawn_on.width, "height": document.drawn_on.height},
        "layers": [_layer(layer) for layer in document.layers],
    }


def document_to_json(document: MotionDocument) -> str:
    """The document as one line of JSON text, from which read_document gives an equal document.

    Raises ValueError if a number in it is NaN or infinite, which JSON cannot say.
    """
    return json.dumps(document_to_dict(document), allow_nan=False, separators=(",", ":"))


def _layer(layer: AnyLayer) -> dict[str, Any]:
    if isinstance(layer, DragLayer):
        brush = {
            "radius": layer.brush.radius,
            "spacing": layer.brush.spacing,
            "shape": layer.brush.shape,
            "falloff": layer.brush.falloff,
        }
        return {**_common("drag", layer), **_path(layer.path), "brush": brush}
    if isinstance(layer, SphereLayer):
        ball = {"center": list(layer.center), "radius": layer.radius, "spacing": layer.spacing}
        return {**_common("sphere", layer), **ball, **_path(layer.path)}
    if isinstance(layer, CameraGrabLayer):
        return {**_common("camera_grab", layer), **_path(layer.path)}
    return _pin(layer) if isinstance(layer, PinLayer) else _region(layer)


def _common(kind: str, layer: Layer) -> dict[str, Any]:
    return {
        "id": layer.id,
        "type": kind,
        "name": layer.name,
        "enabled": layer.enabled,
        "color": layer.color,
        "locked": layer.locked,
    }


def _pin(layer: PinLayer) -> dict[str, Any]:
    return {
        **_common("pin", layer),
        "area": layer.area,
        "polygon": _polygon(layer),
        "points": [list(point) for point in layer.points],
        "spacing": layer.spacing,
    }


def _region(layer: RegionLayer) -> dict[str, Any]:
    return {
        **_common("region", layer),
        "area": layer.area,
        "polygon": _polygon(layer),
        "keys": [key._asdict() for key in layer.keys],
        "pivot": None if layer.pivot is None else list(layer.pivot),
        "spacing": layer.spacing,
        **_timing(layer.timing),
    }


def _polygon(layer: PinLayer | RegionLayer) -> list[list[float]] | None:
    return None if layer.polygon is None else [list(corner) for corner in layer.polygon]


def _path(path: Path) -> dict[str, Any]:
    points = [list(point) for point in path.points]
    return {"points": points, "curve": path.curve, **_timing(path.timing)}


def _timing(timing: Timing) -> dict[str, Any]:
    is_preset = isinstance(timing.easing, str)
    return {
        "easing": timing.easing if is_preset else list(timing.easing),
        "start": timing.start,
        "end": timing.end,
        "before": timing.before,
        "after": timing.after,
    }
