"""documents.json: whole MOTION documents with what every layer does at several T, W and H."""

from __future__ import annotations

from typing import Any

from motion_core.document import Layer, read_document
from motion_core.geometry import Size

from .collect import numbers

TARGETS = ((1, 64, 64), (5, 832, 480), (16, 512, 512), (9, 480, 832))

HEAD_TURN = {
    "version": 1,
    "drawn_on": {"width": 832, "height": 480},
    "layers": [
        {
            "id": "k3f9", "type": "sphere", "name": "head", "color": "#ff8800",
            "center": [0.42, 0.38], "radius": 0.25,
            "points": [[0, 0.4, 0.35], [0.2, 0.43, 0.36], [0.7, 0.5, 0.4], [1, 0.52, 0.4]],
            "easing": "ease_out",
        },
        {
            "id": "b71c", "type": "drag", "name": "ear",
            "points": [[None, 0.2, 0.3], [None, 0.25, 0.2], [None, 0.35, 0.22]],
            "curve": "catmull_rom", "easing": "ease_in_out", "start": 0.2, "end": 0.8,
            "before": "absent", "brush": {"radius": 0.05, "falloff": "gaussian"},
        },
        {"id": "00aa", "type": "pin", "name": "stand", "area": "background"},
    ],
}  # fmt: skip
BALLOON = {
    "version": 1,
    "drawn_on": {"width": 512, "height": 768},
    "layers": [
        {
            "id": "r1", "type": "region", "name": "balloon", "locked": True,
            "polygon": [[0.3, 0.5], [0.6, 0.45], [0.7, 0.7], [0.35, 0.75]],
            "keys": [
                {"t": 0, "rotate_deg": 350},
                {"t": 0.4, "dx": 0.05, "dy": -0.2, "rotate_deg": 10, "scale": 0.8},
                {"t": 0.4, "dx": 0.05, "dy": -0.25, "rotate_deg": 10, "scale": 0.8},
                {"t": 0.9, "dx": 0.2, "dy": -0.5, "rotate_deg": 190, "scale": 0.25},
            ],
            "easing": [0.68, -0.55, 0.265, 1.55], "start": 0.1, "after": "absent", "end": 0.9,
        },
        {"id": "r2", "type": "region", "area": "mask", "enabled": False, "pivot": [0.5, 0.5],
         "keys": [{"t": 0.5, "dx": 0.1}]},
        {"id": "c", "type": "camera_grab", "points": [[0, 0.5, 0.5], [1, 0.7, 0.45]]},
        {"id": "p", "type": "pin", "points": [[0.1, 0.9], [0.9, 0.9]]},
    ],
}  # fmt: skip
EMPTY = {"version": 1, "drawn_on": {"width": 64, "height": 48}, "layers": []}
# Version 2: its documents stand apart, so that those of version 1 and their spoiled copies stay.
SWING = {
    "version": 2,
    "drawn_on": {"width": 832, "height": 480},
    "layers": [
        {
            "id": "a", "type": "drag", "name": "swing", "curve": "bezier",
            "points": [[None, 0.2, 0.3], [0.4, 0.5, 0.6], [None, 0.8, 0.3]],
            "handles": [[0, 0, 0, 0.3], None, [0, 0.3, 0, 0]], "easing": "ease_out",
        },
        {
            "id": "b", "type": "sphere", "center": [0.4, 0.4], "radius": 0.2, "curve": "linear",
            "points": [[0, 0.4, 0.4], [1, 0.5, 0.4]], "handles": [None, [-0.1, 0.1, 0, 0]],
        },
        {"id": "c", "type": "camera_grab", "points": [[0, 0.5, 0.5], [1, 0.7, 0.45]],
         "curve": "bezier", "handles": None},
        {"id": "d", "type": "pin", "points": [[0.1, 0.9]]},
    ],
}  # fmt: skip
NEWER = {"swing": SWING}
DOCUMENTS = {"head turn": HEAD_TURN, "balloon": BALLOON, "empty": EMPTY}


def golden_cases() -> dict[str, dict[str, Any]]:
    about = (
        "whole documents: per layer the pointer (xy) or the region's motion at every frame, null "
        "for pins"
    )
    cases = [
        _case(name, raw, frames, Size(width, height))
        for name, raw in (DOCUMENTS | NEWER).items()
        for frames, width, height in TARGETS
    ]
    return {"documents.json": {"about": about, "cases": cases}}


def _case(name: str, raw: dict[str, Any], frames: int, size: Size) -> dict[str, Any]:
    document = read_document(raw)
    layers = [_sampled(layer, frames, size, document.drawn_on) for layer in document.layers]
    return {
        "name": f"{name}, {frames} frames of {size}",
        "document": raw,
        "size": size._asdict(),
        "frames": frames,
        "layers": layers,
    }


def _sampled(layer: Layer, frames: int, size: Size, drawn_on: Size) -> dict[str, Any] | None:
    motion = layer.sample(frames=frames, size=size, drawn_on=drawn_on)
    if motion is None:
        return None
    arrays = vars(motion)
    return {
        name: array.tolist() if array.dtype == bool else numbers(array)
        for name, array in arrays.items()
    }
