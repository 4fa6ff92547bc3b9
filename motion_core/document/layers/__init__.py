"""The types of layers of a MOTION document, one module each, and their registry.

A new type is one module here and its entry in `LAYER_TYPES`; reading, writing, sampling and
expansion ask the layer itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..fields import Fields, describe
from ..layer import Layer
from .camera_grab import CameraGrabLayer
from .drag import Brush, DragLayer
from .pin import PinLayer
from .region import RegionKey, RegionLayer, RegionMotion, sample_region
from .sphere import SphereLayer

__all__ = [
    "LAYER_TYPES",
    "Brush",
    "CameraGrabLayer",
    "DragLayer",
    "PinLayer",
    "RegionKey",
    "RegionLayer",
    "RegionMotion",
    "SphereLayer",
    "layer_to_dict",
    "read_layer",
    "sample_region",
]

LAYER_TYPES: tuple[type[Layer], ...] = (
    DragLayer,
    PinLayer,
    SphereLayer,
    RegionLayer,
    CameraGrabLayer,
)
_BY_KIND: Mapping[str, type[Layer]] = {layer_type.kind: layer_type for layer_type in LAYER_TYPES}
MAX_NAME = 200


def read_layer(raw: object, place: int) -> Layer:
    """Read a layer from a JSON object.

    Args:
        raw: The object.
        place: Number of the layer from 1, for messages.

    Raises:
        DocumentError: The object is not a valid layer; the message names the layer and the field.
    """
    fields = Fields(raw, _label(raw, place))
    kind = fields.choice("type", tuple(_BY_KIND))
    common = {
        "id": fields.text("id", MAX_NAME, least=1),
        "name": fields.text("name", MAX_NAME, ""),
        "enabled": fields.flag("enabled", True),
        "color": fields.color("color"),
        "locked": fields.flag("locked", False),
    }
    layer = _BY_KIND[kind].read(fields, common)
    fields.finish()
    return layer


def layer_to_dict(layer: Layer) -> dict[str, Any]:
    """The layer as plain JSON values, every field spelled out; `read_layer` reads it back."""
    return {
        "id": layer.id,
        "type": layer.kind,
        "name": layer.name,
        "enabled": layer.enabled,
        "color": layer.color,
        "locked": layer.locked,
        **layer.own_fields(),
    }


def _label(raw: object, place: int) -> str:
    """How messages name a layer: its place and, where they are known, name, type and id."""
    if not isinstance(raw, dict):
        return f"layer {place}"
    kind, known = raw.get("type"), []
    if isinstance(raw.get("name"), str) and raw["name"]:
        known.append(describe(raw["name"]))
    if isinstance(kind, str) and kind in _BY_KIND:
        known.append(kind)
    if isinstance(raw.get("id"), str):
        known.append(f"id {describe(raw['id'])}")
    return f"layer {place} ({', '.join(known)})" if known else f"layer {place}"
