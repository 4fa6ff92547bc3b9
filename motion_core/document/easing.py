"""How motion speeds up and slows down: presets and cubic Bezier curves, as in CSS.

An easing maps the fraction of time that has passed, 0..1, to the fraction of motion that is done.
The curve runs from (0, 0) to (1, 1) with two handles (x1, y1) and (x2, y2); x must stay within
0..1, y may overshoot (CSS Easing Functions Level 1, section 2.3).

JavaScript repeats this arithmetic step by step. Plain bisection always makes the same number of
halvings, so both languages stop at the same place even where the curve is vertical and a stop by
residual would be ambiguous.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt

EasingName = Literal["linear", "ease_in", "ease_out", "ease_in_out"]
Easing = EasingName | tuple[float, float, float, float]
FloatArray = npt.NDArray[np.float64]
Fractions = TypeVar("Fractions", float, FloatArray)

PRESETS: Mapping[str, tuple[float, float, float, float]] = {
    "ease_in": (0.42, 0.0, 1.0, 1.0),
    "ease_out": (0.0, 0.0, 0.58, 1.0),
    "ease_in_out": (0.42, 0.0, 0.58, 1.0),
}
HALVINGS = 60


def ease_value(easing: Easing, u: Fractions) -> Fractions:
    """The fraction of the motion that is done when the fraction `u` of the time has passed.

    Args:
        easing: A preset or the handles (x1, y1, x2, y2).
        u: A number or array; outside 0..1 it is clamped.

    Returns:
        The same shape as `u`, float64: exactly 0 at u = 0 and exactly 1 at u = 1; in between it may
        leave 0..1 where the handles overshoot.

    Raises:
        ValueError: An unknown preset, or handles that are not four finite numbers with x1 and x2 in
            0..1.
    """
    fraction = np.clip(np.asarray(u, dtype=np.float64), 0.0, 1.0)
    eased = fraction if easing == "linear" else _on_curve(_handles(easing), fraction)
    return cast(Fractions, float(eased) if np.ndim(u) == 0 else eased)


def _handles(easing: Easing) -> tuple[float, float, float, float]:
    if isinstance(easing, str):
        if easing not in PRESETS:
            names = ", ".join(["linear", *PRESETS])
            raise ValueError(f"easing must be one of {names} or (x1, y1, x2, y2); got {easing!r}.")
        return PRESETS[easing]
    if len(easing) != 4 or not np.isfinite(easing).all():
        raise ValueError(f"easing handles must be four numbers (x1, y1, x2, y2); got {easing!r}.")
    if not (0.0 <= easing[0] <= 1.0 and 0.0 <= easing[2] <= 1.0):
        raise ValueError(f"easing handles need x1 and x2 in 0..1, or time runs back; got {easing}.")
    return easing


def _on_curve(handles: tuple[float, float, float, float], fraction: FloatArray) -> FloatArray:
    x1, y1, x2, y2 = handles
    low, high = np.zeros_like(fraction), np.ones_like(fraction)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        is_before = _bezier(x1, x2, middle) < fraction
        low, high = np.where(is_before, middle, low), np.where(is_before, high, middle)
    eased = _bezier(y1, y2, 0.5 * (low + high))
    return np.where(fraction <= 0.0, 0.0, np.where(fraction >= 1.0, 1.0, eased))


def _bezier(first: float, second: float, s: FloatArray) -> FloatArray:
    rest = 1.0 - s
    return 3.0 * first * s * rest * rest + 3.0 * second * s * s * rest + s * s * s
