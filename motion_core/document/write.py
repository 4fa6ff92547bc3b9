"""MOTION documents to JSON. Every field is spelled out, so reading gives an equal document."""

from __future__ import annotations

import json
from typing import Any

from .layers import layer_to_dict
from .motion_document import MotionDocument


def document_to_dict(document: MotionDocument) -> dict[str, Any]:
    """The document as plain JSON values (dicts, lists, numbers, strings).

    Its version is the oldest that can hold it, so that older programs read what they can.
    """
    return {
        "version": max([1, *(layer.version for layer in document.layers)]),
        "drawn_on": {"width": document.drawn_on.width, "height": document.drawn_on.height},
        "layers": [layer_to_dict(layer) for layer in document.layers],
    }


def document_to_json(document: MotionDocument) -> str:
    """The document as one line of JSON text, which read_document reads back as an equal document.

    Raises:
        ValueError: A number in it is NaN or infinite.
    """
    return json.dumps(document_to_dict(document), allow_nan=False, separators=(",", ":"))
