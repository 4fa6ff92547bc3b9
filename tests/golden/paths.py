"""paths.json: sample_path for every curve, easing, window and kind of timing."""

from __future__ import annotations

from typing import Any

from motion_core.document import read_document, sample_path
from motion_core.geometry import Size

from .collect import numbers

DRAWN_ON = Size(832, 480)
ASKED_FOR = Size(640, 640)

POINTS: dict[str, list[list[float | None]]] = {
    "recorded": [[0, 0.1, 0.2], [0.1, 0.15, 0.6], [0.45, 0.5, 0.3], [0.8, 0.8, 0.9], [1, 0.9, 0.1]],
    "untimed": [[None, 0.1, 0.2], [None, 0.15, 0.6], [None, 0.5, 0.3], [None, 0.9, 0.1]],
    "mixed": [[None, 0.1, 0.2], [0.3, 0.15, 0.6], [None, 0.5, 0.3], [0.6, 0.8, 0.9], [None, 1, 1]],
    "late and early": [[0.25, 0.1, 0.2], [None, 0.5, 0.5], [0.7, 0.9, 0.1]],
    "jump": [[0, 0.1, 0.2], [0.5, 0.3, 0.2], [0.5, 0.7, 0.6], [1, 0.9, 0.9]],
    "rest": [[0, 0.1, 0.2], [0.3, 0.6, 0.2], [0.6, 0.6, 0.2], [1, 0.9, 0.9]],
    "single": [[None, 0.4, 0.7]],
    "outside": [[None, -0.5, 0.2], [None, 1.5, 0.8]],
}
EASINGS: tuple[Any, ...] = (
    "linear",
    "ease_in",
    "ease_out",
    "ease_in_out",
    [0.68, -0.55, 0.265, 1.55],
)
WINDOWS: dict[str, dict[str, Any]] = {
    "whole clip": {},
    "hold": {"start": 0.25, "end": 0.75},
    "absent": {"start": 0.25, "end": 0.75, "before": "absent", "after": "absent"},
    "absent before": {"start": 0.3, "end": 1.0, "before": "absent"},
    "absent after": {"start": 0.0, "end": 0.6, "after": "absent"},
}
CURVES = ("recorded", "linear", "catmull_rom")


HANDLES: dict[str, list[list[float] | None]] = {
    "untimed": [[0, 0, 0.1, -0.2], None, [-0.2, 0, 0.1, 0], [0, 0, 0, 0]],
    "mixed": [None, [0, 0, 0, 0], [0, 0.1, 0, -0.3], None, [-0.1, -0.1, 0, 0]],
    "single": [[0.1, 0.1, 0.2, 0.2]],
}


def golden_cases() -> dict[str, dict[str, Any]]:
    about = (
        "sample_path: a path's fields as in a MOTION document, the canvas drawn on, the canvas "
        "and frame count asked for; expected pointer in pixels and presence per frame"
    )
    others = [points for points in POINTS if points != "mixed"]
    cases = [_case(points, curve, "linear", "whole clip") for points in others for curve in CURVES]
    cases += [
        _case("mixed", curve, easing, window)
        for curve in CURVES
        for easing in EASINGS
        for window in WINDOWS
    ]
    cases += [
        _case("recorded", "catmull_rom", "ease_in_out", "hold", frames=n) for n in (0, 1, 2, 49)
    ]
    cases += [
        _case(points, "bezier", easing, window, handles=handles)
        for points, handles in HANDLES.items()
        for easing, window in (("linear", "whole clip"), (EASINGS[-1], "hold"))
    ]
    cases.append(_case("mixed", "catmull_rom", "linear", "whole clip", handles=HANDLES["mixed"]))
    return {"paths.json": {"about": about, "cases": cases}}


def _case(
    points: str, curve: str, easing: Any, window: str, frames: int = 9, handles: Any = None
) -> dict[str, Any]:
    path = {"points": POINTS[points], "curve": curve, "easing": easing, **WINDOWS[window]}
    if handles is not None:
        path["handles"] = handles
    raw = {
        "version": 1 if handles is None else 2,
        "drawn_on": DRAWN_ON._asdict(),
        "layers": [{"id": "a", "type": "camera_grab", **path}],
    }
    layer: Any = read_document(raw).layers[0]
    found = sample_path(layer.path, frames=frames, size=ASKED_FOR, drawn_on=DRAWN_ON)
    return {
        "name": f"{points} points, {curve}, {easing}, {window}, {frames} frames"
        + ("" if handles is None else ", handles"),
        "path": path,
        "drawn_on": DRAWN_ON._asdict(),
        "size": ASKED_FOR._asdict(),
        "frames": frames,
        "xy": numbers(found.xy),
        "present": found.present.tolist(),
    }
