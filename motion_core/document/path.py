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


class Handles(NamedTuple):
    """The control points of a Bezier curve before and after a point, from that point, in fractions
    of the canvas' width and height."""

    in_dx: float
    in_dy: float
    out_dx: float
    out_dy: float


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
    """A drawn line with its timing.

    Attributes:
        points: What the pointer passes.
        curve: How the line runs between them.
        timing: When it does.
        handles: For each point its handles, or None for those that "catmull_rom" implies; None for
            none at all. Only the curve "bezier" uses them.
    """

    points: tuple[TimedPoint, ...]
    curve: Curve = "recorded"
    timing: Timing = Timing()
    handles: tuple[Handles | None, ...] | None = None

    @property
    def version(self) -> int:
        """The first version of the document that can hold this path."""
        return 1 if self.curve != "bezier" and self.handles is None else 2
