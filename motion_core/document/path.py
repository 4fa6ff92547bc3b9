"""A drawn line and its timing: what every layer that follows the pointer holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from .curves import Curve
from .easing import Easing

Point = tuple[float, float]
Outside = Literal["hold", "absent"]


class TimedPoint(NamedTuple):
    """A position of the pointer; t None means "spread by arc length"."""

    t: float | None
    x: float
    y: float


@dataclass(frozen=True)
class Timing:
    """When a layer moves within the clip, how it speeds up, and what it does outside.

    Attributes:
        start: Start of the layer's window, a fraction of the clip.
        end: End of the window, after `start`.
        before: "hold" keeps the first position before the window, "absent" shows no tracks.
        after: The same for the last position after the window.
        easing: How the layer's own time is bent.
    """

    start: float = 0.0
    end: float = 1.0
    before: Outside = "hold"
    after: Outside = "hold"
    easing: Easing = "linear"


@dataclass(frozen=True)
class Path:
    """A drawn line with its timing."""

    points: tuple[TimedPoint, ...]
    curve: Curve = "recorded"
    timing: Timing = Timing()
