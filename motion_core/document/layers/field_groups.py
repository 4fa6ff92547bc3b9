"""Fields that several types of layer share, read from JSON and written back."""

from __future__ import annotations

from typing import Any, get_args

from ..curves import Curve
from ..easing import Easing, EasingName
from ..fields import Fields, Span
from ..path import Handles, Outside, Path, Point, TimedPoint, Timing

COORDINATE = Span(-100, 100, "a fraction of the canvas' width or height")
RADIUS = Span(0, 100, "a fraction of the canvas' short side")
LENGTH = Span(0.0001, 100, "a fraction of the canvas' short side")
CLIP_TIME = Span(0, 1, "a fraction of the clip")
LAYER_TIME = Span(0, 1, "a fraction of the layer's own time")
HANDLE_X = Span(0, 1, "a fraction of the time")
HANDLE_Y = Span(-1, 2, "a fraction of the motion")
HANDLES = (COORDINATE,) * 4


def read_path(fields: Fields) -> Path:
    """The fields "points", "curve", "handles" and those of the timing."""
    points: list[TimedPoint] = []
    latest = 0.0
    for index, raw in enumerate(fields.entries("points", least=1)):
        name, form = f"points[{index}]", "[t, x, y] with t null or a number"
        is_timed = not (isinstance(raw, (list, tuple)) and len(raw) == 3 and raw[0] is None)
        timed = raw if is_timed else (latest, *raw[1:])
        t, x, y = fields.numbers(name, timed, (LAYER_TIME, COORDINATE, COORDINATE), form)
        latest = not_before(fields, f"{name}[0]", t, latest)
        points.append(TimedPoint(t if is_timed else None, x, y))
    curve = fields.choice("curve", get_args(Curve), Path(()).curve)
    handles = _handles(fields, len(points))
    return Path(tuple(points), curve, read_timing(fields), handles)


def path_fields(path: Path) -> dict[str, Any]:
    """The fields that `read_path` reads; "handles" only where there are any."""
    points = [list(point) for point in path.points]
    fields = {"points": points, "curve": path.curve, **timing_fields(path.timing)}
    if path.handles is not None:
        fields["handles"] = [None if one is None else list(one) for one in path.handles]
    return fields


def _handles(fields: Fields, count: int) -> tuple[Handles | None, ...] | None:
    raw = fields.take("handles", None)
    if raw is None:
        return None
    entries = fields.entries_of("handles", raw)
    if len(entries) != count:
        fields.refuse("handles", f"must have one entry for each of the {count} points", raw)
    form = "null or [in_dx, in_dy, out_dx, out_dy]"
    return tuple(
        None if entry is None else Handles(*fields.numbers(f"handles[{i}]", entry, HANDLES, form))
        for i, entry in enumerate(entries)
    )


def not_before(fields: Fields, name: str, t: float, latest: float) -> float:
    """`t`, refused where it lies before `latest`, the time of an earlier entry."""
    if t < latest:
        fields.refuse(name, f"must not be before the {latest:g} of an earlier entry", t)
    return t


def read_timing(fields: Fields) -> Timing:
    """The fields "start", "end", "before", "after" and "easing"."""
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


def timing_fields(timing: Timing) -> dict[str, Any]:
    """The fields that `read_timing` reads."""
    is_preset = isinstance(timing.easing, str)
    return {
        "easing": timing.easing if is_preset else list(timing.easing),
        "start": timing.start,
        "end": timing.end,
        "before": timing.before,
        "after": timing.after,
    }


def _easing(fields: Fields) -> Easing:
    raw = fields.take("easing", Timing().easing)
    names: tuple[EasingName, ...] = get_args(EasingName)
    if isinstance(raw, str) and raw in names:
        return names[names.index(raw)]
    form = "one of " + ", ".join(f'"{name}"' for name in names) + " or [x1, y1, x2, y2]"
    x1, y1, x2, y2 = fields.numbers("easing", raw, (HANDLE_X, HANDLE_Y) * 2, form)
    return x1, y1, x2, y2


def read_polygon(fields: Fields) -> tuple[Point, ...] | None:
    """The field "polygon": three corners or more, or None."""
    raw = fields.take("polygon", None)
    if raw is None:
        return None
    corners = fields.entries_of("polygon", raw, least=3)
    return tuple(read_point(fields, f"polygon[{index}]", at) for index, at in enumerate(corners))


def polygon_field(polygon: tuple[Point, ...] | None) -> list[list[float]] | None:
    """The value that `read_polygon` reads."""
    return None if polygon is None else [list(corner) for corner in polygon]


def read_point(fields: Fields, name: str, raw: object) -> Point:
    """A raw value as the position [x, y]; `name` is how messages call it."""
    x, y = fields.numbers(name, raw, (COORDINATE, COORDINATE), "[x, y]")
    return x, y
