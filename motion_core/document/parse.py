"""Strict reading of MOTION documents from JSON.

Everything that a version does not define is refused, with a message that names the layer and the
field, because silent repairs would lose content.
"""

from __future__ import annotations

from typing import Any

from ..errors import DocumentError, FormatError
from ..geometry import Size, checked_size
from ..regular_files import decode_text
from ..safe_json import parse_json
from .fields import Fields, describe
from .layer import Layer
from .layers import read_layer
from .motion_document import MotionDocument
from .upgrade import upgraded

MAX_TEXT = 4 * 1024 * 1024
MAX_LAYERS = 1000


def read_document(source: str | bytes | dict[str, Any]) -> MotionDocument:
    """Read a MotionDocument.

    Args:
        source: JSON text, UTF-8 bytes or an already parsed object.

    Raises:
        TypeError: The source is of another type.
        DocumentError: The source is not a complete, valid document of a supported version.
    """
    if not isinstance(source, (str, bytes, bytearray, dict)):
        raise TypeError(f"a MOTION document is text, bytes or a dict; got {describe(source)}.")
    raw = source if isinstance(source, dict) else _parsed(source)
    if not isinstance(raw, dict):
        raise DocumentError(f"a MOTION document is an object {{...}}; got {describe(raw)}.")
    fields = Fields(upgraded(raw), "document")
    fields.take("version")
    drawn_on = _canvas(fields)
    layers = fields.entries("layers", most=MAX_LAYERS)
    fields.finish()
    return MotionDocument(drawn_on, _layers(layers))


def _parsed(source: str | bytes | bytearray) -> object:
    if len(source) > MAX_TEXT:
        raise DocumentError(
            f"the MOTION document is {len(source):,} characters long; at most {MAX_TEXT:,} are "
            "read. Record fewer points per path."
        )
    try:
        text = source if isinstance(source, str) else decode_text(bytes(source))
        return parse_json(text, pairs_hook=_without_repeats)
    except FormatError as error:
        raise DocumentError(f"the MOTION document cannot be read: {error}") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise DocumentError(
                f"the MOTION document gives the field {describe(name)} twice in one object; keep "
                "one of them."
            )
        found[name] = value
    return found


def _canvas(document: Fields) -> Size:
    fields = Fields(document.take("drawn_on"), "document", "drawn_on.")
    width, height = fields.take("width"), fields.take("height")
    fields.finish()
    for name, side in (("width", width), ("height", height)):
        if isinstance(side, bool) or not isinstance(side, int):
            fields.refuse(name, "must be a whole number of pixels", side)
    try:
        return checked_size(width, height)
    except ValueError as error:
        raise DocumentError(f'document: "drawn_on": {error}') from None


def _layers(raw_layers: list[Any]) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    places: dict[str, int] = {}
    for place, raw in enumerate(raw_layers, start=1):
        layer = read_layer(raw, place)
        if layer.id in places:
            raise DocumentError(
                f'layer {place}: "id" {describe(layer.id)} is already that of layer '
                f"{places[layer.id]}; give every layer its own."
            )
        places[layer.id] = place
        layers.append(layer)
    return tuple(layers)
