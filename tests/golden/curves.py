"""curves.json: lines in pixels, the lengths at which their points lie, and points along them."""

from __future__ import annotations

from typing import Any

import numpy as np

from motion_core.document import make_line

from .collect import numbers

# Handles of a point: the control points before and after it, from it; None for automatic ones.
BEZIERS: dict[str, tuple[list[list[float]], list[list[float] | None]]] = {
    "quarter turn": ([[0, 0], [100, 100]], [[0, 0, 55, 0], [0, -55, 0, 0]]),
    "corner": (
        [[0, 0], [120, 0], [120, 90]],
        [[0, 0, 40, -60], [0, 0, 0, 0], [-70, 0, 30, 5]],
    ),
    "some automatic": (
        [[30, 40], [180, 400], [330, 60], [480, 380]],
        [None, [-80, 0, 160, 0], None, [-10, -90, 0, 0]],
    ),
    "all automatic": ([[30, 40], [180, 400], [330, 60], [480, 380]], [None] * 4),
    "all retracted": ([[0, 0], [30, 40], [30, 140]], [[0.0] * 4] * 3),
    "repeated points": (
        [[10, 10], [10, 10], [200, 50], [200, 50]],
        [[9, 9, 9, 9], [0, 0, 0, 80], [-60, 0, 7, 7], None],
    ),
    "loop": ([[0, 0], [10, 0]], [[0, 0, 300, 200], [-300, 200, 0, 0]]),
}

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
    cases += [_bezier(name, *drawn) for name, drawn in BEZIERS.items()]
    return {"curves.json": {"about": about, "cases": cases}}


def _bezier(
    name: str, points: list[list[float]], handles: list[list[float] | None]
) -> dict[str, Any]:
    rows = np.array([[np.nan] * 4 if one is None else one for one in handles], dtype=np.float64)
    return {**_case(name, points, "bezier", rows), "handles": handles}


def _case(name: str, points: list[list[float]], curve: Any, handles: Any = None) -> dict[str, Any]:
    line = make_line(np.array(points, dtype=np.float64), curve, handles)
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
