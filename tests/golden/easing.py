"""easing.json: every preset and some handles at even fractions of the time."""

from __future__ import annotations

from typing import Any

import numpy as np

from motion_core.document import ease_value

from .collect import numbers

EASINGS: tuple[Any, ...] = (
    "linear",
    "ease_in",
    "ease_out",
    "ease_in_out",
    (0.25, 0.1, 0.25, 1.0),
    (0.68, -0.55, 0.265, 1.55),
    (0.5, -1.0, 0.5, 2.0),
    (0.0, 0.0, 1.0, 1.0),
    (0.0, 1.0, 0.0, 1.0),
    (1.0, 0.0, 0.0, 1.0),
    (1.0, 0.0, 1.0, 0.0),
)


def golden_cases() -> dict[str, dict[str, Any]]:
    shares = np.arange(-1, 22) / 20
    about = "ease_value(easing, u): the share of motion done when the share u of the time is over"
    cases = [
        {
            "name": easing if isinstance(easing, str) else ", ".join(map(str, easing)),
            "easing": easing if isinstance(easing, str) else list(easing),
            "u": shares.tolist(),
            "expected": numbers(ease_value(easing, shares)),
        }
        for easing in EASINGS
    ]
    return {"easing.json": {"about": about, "cases": cases}}
