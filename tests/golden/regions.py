"""regions.json: sample_region for every easing and window, and its corner cases."""

from __future__ import annotations

from typing import Any

from motion_core.document import read_document, sample_region
from motion_core.geometry import Size

from .collect import numbers
from .paths import EASINGS, WINDOWS

SIZE = Size(640, 480)
KEYS: dict[str, list[dict[str, float]]] = {
    "one key": [{"t": 0.5, "dx": 0.1, "dy": -0.2, "rotate_deg": 45, "scale": 2}],
    "journey": [
        {"t": 0.1, "rotate_deg": 20},
        {"t": 0.35, "dx": 0.25, "dy": 0.1, "rotate_deg": 190, "scale": 2},
        {"t": 0.6, "dx": 0.5, "rotate_deg": -30, "scale": 0.5},
        {"t": 0.9, "dx": 0.5, "dy": -0.5, "rotate_deg": 125},
    ],
    "jump": [{"t": 0}, {"t": 0.5, "dx": 0.1}, {"t": 0.5, "dx": 0.6, "scale": 3}, {"t": 1}],
    "half turn": [{"t": 0}, {"t": 0.5, "rotate_deg": 180}, {"t": 1, "rotate_deg": 0}],
    "three turns": [{"t": 0, "rotate_deg": 30}, {"t": 1, "rotate_deg": 1110}],
    "across north": [{"t": 0, "rotate_deg": 350}, {"t": 1, "rotate_deg": 10}],
}


def golden_cases() -> dict[str, dict[str, Any]]:
    about = (
        "sample_region: a region's keys and timing as in a MOTION document; expected shift in "
        "pixels, turn in degrees and zoom per frame"
    )
    cases = [_case(keys, "linear", "whole clip") for keys in KEYS if keys != "journey"]
    cases += [_case("journey", easing, window) for easing in EASINGS for window in WINDOWS]
    cases += [_case("journey", "ease_in", "hold", frames=frames) for frames in (0, 1, 2, 33)]
    return {"regions.json": {"about": about, "cases": cases}}


def _case(keys: str, easing: Any, window: str, frames: int = 9) -> dict[str, Any]:
    layer = {"keys": KEYS[keys], "easing": easing, **WINDOWS[window]}
    raw = {
        "version": 1,
        "drawn_on": SIZE._asdict(),
        "layers": [{"id": "a", "type": "region", "area": "mask", **layer}],
    }
    region: Any = read_document(raw).layers[0]
    moved = sample_region(region, frames=frames, size=SIZE)
    return {
        "name": f"{keys}, {easing}, {window}, {frames} frames",
        "region": layer,
        "size": SIZE._asdict(),
        "frames": frames,
        "shift": numbers(moved.shift),
        "rotate_deg": numbers(moved.rotate_deg),
        "scale": numbers(moved.scale),
        "present": moved.present.tolist(),
    }
