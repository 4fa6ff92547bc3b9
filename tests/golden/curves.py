"""curves.json: lines in pixels, the lengths at which their points lie, and points along them."""

from __future__ import annotations

from typing import Any

import numpy as np

from motion_core.document import make_line

from .collect import numbers

LINES: dict[str, list[list[float]]] = {
    "one point": [[7, 8]],
    "two points": [[0, 0], [30, 40]],
    "right angle": [[0, 0], [30, 40], [30, 140]],
    "wave": [[30, 40], [180, 400], [330, 60], [480, 380], [500, 300]],
    "there and back": [[100, 100], [300, 100], [100, 100]],
    "repeated points": [[10, 10], [10, 10], [200, 50], [200, 50], [200, 50], [90, 300], [90, 300]],
    "only repeated points": [[5, 5], [5, 5], [5, 5]],
    "close pair": [[0, 0], [100, 0], [101, 1], [200, 100]],
    "far outside": [[-5000, 20], [300, -9000], [70000, 400]],
}


def golden_cases() -> dict[str, dict[str, Any]]:
    about = (
        "make_line(points, curve): distance along the line of each point, whole length, and the "
        "positions at distances from 5 px before the line to 5 px beyond it"
    )
    cases = [
        _case(name, points, curve)
        for name, points in LINES.items()
        for curve in ("recorded", "linear", "catmull_rom")
    ]
    return {"curves.json": {"about": about, "cases": cases}}


def _case(name: str, points: list[list[float]], curve: Any) -> dict[str, Any]:
    line = make_line(np.array(points, dtype=np.float64), curve)
    inside = np.array(numbers(np.linspace(0, line.length, 13)))
    distances = np.concatenate([[-5.0], inside, [line.length + 5.0]])
    return {
        "name": f"{name}, {curve}",
        "curve": curve,
        "points": points,
        "point_lengths": numbers(line.point_lengths),
        "length": numbers(line.length),
        "distances": numbers(distances),
        "expected": numbers(line.at(np.array(numbers(distances)))),
    }
