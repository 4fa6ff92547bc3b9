"""The layers of a MOTION document, each read from its JSON object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from .fields import Fields, Span, describe
from .model import (
    AnyLayer,
    Brush,
    BrushShape,
    CameraGrabLayer,
    Curve,
    DragLayer,
    Easing,
    EasingName,
    Falloff,
    Outside,
    Path,
    PinArea,
    PinLayer,
    Point,
    RegionArea,
    RegionKey,
    RegionLayer,
    SphereLayer,
    TimedPoint,
    Timing,
)

MAX_NAME = 200

COORDINATE = Span(-100, 100, "a fraction of the canvas' width or height")
RADIUS = Span(0, 100, "a fraction of the canvas' short side")
LENGTH = Span(0.0001, 100, "a fraction of the canvas' short side")
CLIP_TIME = Span(0, 1, "a fraction of the clip")
LAYER_TIME = Span(0, 1, "a fraction of the layer's own time")
HANDLE_X = Span(0, 1, "a share of the time")
HANDLE_Y = Span(-1, 2, "a share of the motion")
TURN = Span(-36000, 36000, "degrees")
SCALE = Span(0.001, 1000, "a factor")


def read_layer(raw: object, place: int) -> AnyLayer:
    """The layer that a JSON object says; `place` counts layers from 1, for messages.

    Raises DocumentError, naming the layer and the field, when it is not a valid layer.
    """
    fields = Fields(raw, _label(raw, place))
    kind = fields.choice("type", tuple(_READERS))
    common = {
        "id": fields.text("id", MAX_NAME, least=1),
        "name": fields.text("name", MAX_NAME, ""),
        "enabled": fields.flag("enabled", True),
        "color": fields.color("color"),
        "locked": fields.flag("locked", False),
    }
    layer = _READERS[kind](fields, common)
    fields.finish()
    return layer


def _label(raw: object, place: int) -> str:
    """How messages name a layer: its place and, where they can be told, name, type and id."""
    if not isinstance(raw, dict):
        return f"layer {place}"
    kind, known = raw.get("type"), []
    if isinstance(raw.get("name"), str) and raw["name"]:
        known.append(describe(raw["name"]))
    if isinstance(kind, str) and kind in _READERS:
        known.append(kind)
    if isinstance(raw.get("id"), str):
        known.append(f"id {describe(raw['id'])}")
    return f"layer {place} ({', '.join(known)})" if known else f"layer {place}"


def _drag(fields: Fields, common: Mapping[str, Any]) -> DragLayer:
    return DragLayer(**common, path=_path(fields), brush=_brush(fields))


def _pin(fields: Fields, common: Mapping[str, Any]) -> PinLayer:
    default = PinLayer("")
    area = fields.choice("area", get_args(PinArea), default.area)
    polygon = _polygon(fields)
    points = tuple(
        _point(fields, f"points[{index}]", raw)
        for index, raw in enumerate(fields.entries("points", ()))
    )
    if area == "polygon" and polygon is None and not points:
        fields.refuse("points", 'must have an entry where "polygon" is null', points)
    spacing = fields.number("spacing", LENGTH, default.spacing)
    return PinLayer(**common, area=area, polygon=polygon, points=points, spacing=spacing)


def _sphere(fields: Fields, common: Mapping[str, Any]) -> SphereLayer:
    default = SphereLayer("")
    return SphereLayer(
        **common,
        center=_point(fields, "center", fields.take("center")),
        radius=fields.number("radius", LENGTH),
        path=_path(fields),
        spacing=fields.number("spacing", LENGTH, default.spacing),
    )


def _region(fields: Fields, common: Mapping[str, Any]) -> RegionLayer:
    default = RegionLayer("")
    area = fields.choice("area", get_args(RegionArea), default.area)
    polygon = _polygon(fields)
    if area == "polygon" and polygon is None:
        fields.refuse("polygon", 'must be a list where "area" is "polygon"', polygon)
    pivot = fields.take("pivot", None)
    return RegionLayer(
        **common,
        area=area,
        polygon=polygon,
        keys=_keys(fields),
        pivot=None if pivot is None else _point(fields, "pivot", pivot),
        timing=_timing(fields),
        spacing=fields.number("spacing", LENGTH, default.spacing),
    )


def _camera_grab(fields: Fields, common: Mapping[str, Any]) -> CameraGrabLayer:
    return CameraGrabLayer(**common, path=_path(fields))


_READERS: Mapping[str, Callable[[Fields, Mapping[str, Any]], AnyLayer]] = {
    "drag": _drag,
    "pin": _pin,
    "sphere": _sphere,
    "region": _region,
    "camera_grab": _camera_grab,
}


def _path(fields: Fields) -> Path:
    points: list[TimedPoint] = []
    latest = 0.0
    for index, raw in enumerate(fields.entries("points", least=1)):
        name, form = f"points[{index}]", "[t, x, y] with t null or a number"
        is_timed = not (isinstance(raw, (list, tuple)) and len(raw) == 3 and raw[0] is None)
        timed = raw if is_timed else (latest, *raw[1:])
        t, x, y = fields.numbers(name, timed, (LAYER_TIME, COORDINATE, COORDINATE), form)
        latest = _not_before(fields, f"{name}[0]", t, latest)
        points.append(TimedPoint(t if is_timed else None, x, y))
    curve = fields.choice("curve", get_args(Curve), Path(()).curve)
    return Path(tuple(points), curve, _timing(fields))


def _not_before(fields: Fields, name: str, t: float, latest: float) -> float:
    if t < latest:
        fields.refuse(name, f"must not be before the {latest:g} of an earlier entry", t)
    return t


def _timing(fields: Fields) -> Timing:
    default = Timing()
    start = fields.number("start", CLIP_TIME, default.start)
    end = fields.number("end", CLIP_TIME, default.end)
    if end <= start:
        fields.refuse("end", f'must be after "start", which is {start:g}', end)
    return Timing(
        start=start,
        end=end,
        before=fields.choice("before", get_args(Outside), default.before),
        after=fields.choice("after", get_args(Outside), default.after),
        easing=_easing(fields),
    )


def _easing(fields: Fields) -> Easing:
    raw = fields.take("easing", Timing().easing)
    names: tuple[EasingName, ...] = get_args(EasingName)
    if isinstance(raw, str) and raw in names:
        return names[names.index(raw)]
    form = "one of " + ", ".join(f'"{name}"' for name in names) + " or [x1, y1, x2, y2]"
    x1, y1, x2, y2 = fields.numbers("easing", raw, (HANDLE_X, HANDLE_Y) * 2, form)
    return x1, y1, x2, y2


def _brush(fields: Fields) -> Brush:
    default = Brush()
    brush = Fields(fields.take("brush", {}), fields.where, "brush.")
    read = Brush(
        radius=brush.number("radius", RADIUS, default.radius),
        spacing=brush.number("spacing", LENGTH, default.spacing),
        shape=brush.choice("shape", get_args(BrushShape), default.shape),
        falloff=brush.choice("falloff", get_args(Falloff), default.falloff),
    )
    brush.finish()
    return read


def _keys(fields: Fields) -> tuple[RegionKey, ...]:
    keys: list[RegionKey] = []
    for index, raw in enumerate(fields.entries("keys", least=1)):
        key = Fields(raw, fields.where, f"keys[{index}].")
        t = key.number("t", LAYER_TIME)
        _not_before(key, "t", t, keys[-1].t if keys else 0.0)
        keys.append(
            RegionKey(
                t=t,
                dx=key.number("dx", COORDINATE, 0.0),
                dy=key.number("dy", COORDINATE, 0.0),
                rotate_deg=key.number("rotate_deg", TURN, 0.0),
                scale=key.number("scale", SCALE, 1.0),
            )
        )
        key.finish()
    return tuple(keys)


def _polygon(fields: Fields) -> tuple[Point, ...] | None:
    raw = fields.take("polygon", None)
    if raw is None:
        return None
    corners = fields.entries_of("polygon", raw, least=3)
    return tuple(_point(fields, f"polygon[{index}]", at) for index, at in enumerate(corners))


def _point(fields: Fields, name: str, raw: object) -> Point:
    x, y = fields.numbers(name, raw, (COORDINATE, COORDINATE), "[x, y]")
    return x, y
