"""Checks of plain numbers at the doors of the track functions."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Any

MAX_FRAMES = 100_000


def whole_number(name: str, value: Any, *, least: int | None = 0, most: int | None = None) -> int:
    """`value` as an int within limits.

    Args:
        name: What errors call the value.
        value: Anything that has `__index__`, except bool.
        least: The smallest allowed number, None for no limit.
        most: The largest allowed number, None for no limit.

    Raises:
        TypeError: `value` is not a whole number.
        ValueError: `value` is out of range.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number; got {value!r}.")
    number = operator.index(value)
    if least is not None and number < least:
        raise ValueError(f"{name} must be {least} or more; got {number}.")
    if most is not None and number > most:
        raise ValueError(f"{name} must be {most} or less; got {number}.")
    return number


def finite_number(name: str, value: Any) -> float:
    """`value` as a finite float.

    Raises TypeError when it is not a number, ValueError for NaN and infinities.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number; got {value!r}.")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite; got {number}.")
    return number


def positive_number(name: str, value: Any) -> float:
    """`value` as a finite float above zero. Raises what finite_number raises."""
    number = finite_number(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be above 0; got {number}.")
    return number


def number_from_zero(name: str, value: Any) -> float:
    """`value` as a finite float of zero or more. Raises what finite_number raises."""
    number = finite_number(name, value)
    if number < 0:
        raise ValueError(f"{name} must be 0 or more; got {number}.")
    return number
