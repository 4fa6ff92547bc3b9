"""The drawn motion as values: what a MOTION document of version 1 says, already checked.

Space is 0..1 of the canvas width and height and may leave that range; lengths (radius, spacing)
are fractions of the canvas' short side. ``start`` and ``end`` are fractions of the clip. Times
inside a layer (``TimedPoint.t``, ``RegionKey.t``) are fractions of the layer's own window
[start, end], so moving or stretching a layer in time edits two numbers and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..geometry import Size

Point = tuple[float, float]
Curve = Literal["recorded", "linear", "catmull_rom"]
Outside = Literal["hold", "absent"]
BrushShape = Literal["round", "square"]
Falloff = Literal["rigid", "gaussian"]
PinArea = Literal["polygon", "mask", "background"]
RegionArea = Literal["polygon", "mask"]
EasingName = Literal["linear", "ease_in", "ease_out", "ease_in_out"]
Easing = EasingName | tuple[float, float, float, float]


class TimedPoint(NamedTuple):
    """A position of the pointer; t None means "spread by arc length"."""

    t: float | None
    x: float
    y: float


class RegionKey(NamedTuple):
    """Where a region is at one time: a shift in fractions of width and height, then a turn and
    a zoom about the region's pivot."""

    t: float
    dx: float = 0.0
    dy: float = 0.0
    rotate_deg: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Timing:
    """When a layer moves within the clip, how it speeds up, and what it does outside."""

    start: float = 0.0
    end: float = 1.0
    before: Outside = "hold"
    after: Outside = "hold"
    easing: Easing = "linear"


@dataclass(frozen=True)
class Brush:
    """The grid of tracks that one pointer carries. Radius 0 is a single track."""

    radius: float = 0.06
    spacing: float = 0.02
    shape: BrushShape = "round"
    falloff: Falloff = "rigid"


@dataclass(frozen=True)
class Path:
    """A drawn line with its timing."""

    points: tuple[TimedPoint, ...]
    curve: Curve = "recorded"
    timing: Timing = Timing()


@dataclass(frozen=True)
class Layer:
    """What every layer has. ``color`` and ``locked`` concern the editor alone."""

    id: str
    name: str = ""
    enabled: bool = True
    color: str | None = None
    locked: bool = False


@dataclass(frozen=True)
class DragLayer(Layer):
    """A brush of tracks carried along a drawn path."""

    path: Path = Path(())
    brush: Brush = Brush()


@dataclass(frozen=True)
class PinLayer(Layer):
    """Tracks that stay where they are: single points, and an area filled at ``spacing``.

    area: "polygon" (None polygon: points only), "mask" (the mask given at expansion) or
    "background" (everything no moving layer covers).
    """

    area: PinArea = "polygon"
    polygon: tuple[Point, ...] | None = None
    points: tuple[Point, ...] = ()
    spacing: float = 0.04


@dataclass(frozen=True)
class SphereLayer(Layer):
    """A ball turned by the pointer about the single axis that carries its first position to its
    current one."""

    center: Point = (0.5, 0.5)
    radius: float = 0.2
    path: Path = Path(())
    spacing: float = 0.02


@dataclass(frozen=True)
class RegionLayer(Layer):
    """An area moved as one piece by keys. ``pivot`` None means the area's centroid."""

    area: RegionArea = "polygon"
    polygon: tuple[Point, ...] | None = None
    keys: tuple[RegionKey, ...] = (RegionKey(0.0),)
    pivot: Point | None = None
    timing: Timing = Timing()
    spacing: float = 0.03


@dataclass(frozen=True)
class CameraGrabLayer(Layer):
    """A scene point grabbed by the pointer; needs depth to become a camera path."""

    path: Path = Path(())


AnyLayer = DragLayer | PinLayer | SphereLayer | RegionLayer | CameraGrabLayer


@dataclass(frozen=True)
class MotionDocument:
    """A whole drawing. ``drawn_on`` is the picture it was drawn over; its aspect decides arc
    lengths, so timing does not change when the document is sampled at another size."""

    drawn_on: Size
    layers: tuple[AnyLayer, ...] = ()
