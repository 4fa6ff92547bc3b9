"""Comparison of frame rates: 23.976, 23.98 and 24000/1001 are one rate, 24 is another."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any, cast

# Relative. NTSC's rates differ from the whole ones by 1e-3, their printed forms by less than this.
RATE_TOLERANCE = 5e-4
NTSC = 1000 / 1001
# Frames per second: from a frame in a quarter of an hour to the fastest cameras.
LOWEST_RATE, HIGHEST_RATE = 1e-3, 1e5


def checked_rate(value: Any, name: str = "fps") -> float | None:
    """A number of frames per second, or None for an unknown one.

    Args:
        value: 0.001..100,000, or None.
        name: What errors call the value.

    Raises:
        TypeError: It is not a number; true and false are none.
        ValueError: It is NaN or out of range.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a positive number or None; got {value!r:.60}.")
    rate = cast(float, value)  # not converted yet: a whole number may be too large for float
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(
            f"{name} must be a positive number, {LOWEST_RATE:g} to {HIGHEST_RATE:,.0f} frames per "
            f"second, or None when unknown; got {rate!r:.60}."
        )
    return float(rate)


def same_rate(rate: float, other: float) -> bool:
    """Whether two numbers of frames per second are one rate, up to how it is printed."""
    return math.isclose(rate, other, rel_tol=RATE_TOLERANCE)


def common_rate(rates: Iterable[float]) -> float | None:
    """The one rate that all are, in its most exact form; None for no rates or for several.

    The most exact form is the one nearest to a whole number or to a whole number times 1000/1001;
    among equally near ones, the first.
    """
    known = list(rates)
    if not known:
        return None
    exact = min(known, key=_inexactness)
    return exact if all(same_rate(rate, exact) for rate in known) else None


def _inexactness(rate: float) -> float:
    standard = (round(rate), round(rate / NTSC) * NTSC)
    return min(abs(rate - value) for value in standard) / rate
