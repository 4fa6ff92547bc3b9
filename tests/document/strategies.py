"""Hypothesis strategies for arbitrary valid MOTION documents."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st

from motion_core.document import (
    Brush,
    CameraGrabLayer,
    Curve,
    DragLayer,
    Easing,
    Handles,
    Layer,
    MotionDocument,
    Outside,
    Path,
    PinLayer,
    RegionKey,
    RegionLayer,
    SphereLayer,
    TimedPoint,
    Timing,
)
from motion_core.document.easing import EasingName
from motion_core.document.layers.drag import BrushShape, Falloff
from motion_core.geometry import Size

coordinates = st.floats(-100, 100)
shares = st.floats(0, 1)
lengths = st.floats(0.0001, 100)
points = st.tuples(coordinates, coordinates)
polygons = st.lists(points, min_size=3, max_size=6).map(tuple)
canvases = st.builds(Size, st.integers(1, 65536), st.integers(1, 65536))
names = st.text('aZ0 "\\/\n\x00\x7fé耳\u2028😀', max_size=8)
colors = st.sampled_from([None, "#000000", "#fF8800", "#123abc"])


def easings() -> st.SearchStrategy[Easing]:
    handle_y = st.floats(-1, 2)
    handles = st.tuples(shares, handle_y, shares, handle_y)
    return st.sampled_from(get_args(EasingName)) | handles


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    start, end = sorted(draw(st.lists(shares, min_size=2, max_size=2, unique=True)))
    outside = st.sampled_from(get_args(Outside))
    return Timing(start, end, draw(outside), draw(outside), draw(easings()))


@st.composite
def paths(draw: st.DrawFn) -> Path:
    places = draw(st.lists(points, min_size=1, max_size=6))
    times: list[float | None] = sorted(draw(shares) for _ in places)
    hidden = draw(st.lists(st.booleans(), min_size=len(places), max_size=len(places)))
    timed = [
        TimedPoint(None if is_hidden else t, x, y)
        for (x, y), t, is_hidden in zip(places, times, hidden, strict=True)
    ]
    own = st.none() | st.builds(Handles, *[coordinates] * 4)
    handles = draw(st.none() | st.lists(own, min_size=len(timed), max_size=len(timed)).map(tuple))
    curve = draw(st.sampled_from(get_args(Curve)))
    return Path(tuple(timed), curve, draw(timings()), handles)


@st.composite
def region_keys(draw: st.DrawFn) -> tuple[RegionKey, ...]:
    times = sorted(draw(st.lists(shares, min_size=1, max_size=5)))
    turns, scales = st.floats(-36000, 36000), st.floats(0.001, 1000)
    return tuple(
        RegionKey(t, draw(coordinates), draw(coordinates), draw(turns), draw(scales)) for t in times
    )


def brushes() -> st.SearchStrategy[Brush]:
    return st.builds(
        Brush,
        radius=st.floats(0, 100),
        spacing=lengths,
        shape=st.sampled_from(get_args(BrushShape)),
        falloff=st.sampled_from(get_args(Falloff)),
    )


@st.composite
def pins(draw: st.DrawFn, **common: Any) -> PinLayer:
    area = draw(st.sampled_from(["polygon", "mask", "background"]))
    polygon = draw(st.none() | polygons)
    least = 1 if area == "polygon" and polygon is None else 0
    singles = tuple(draw(st.lists(points, min_size=least, max_size=4)))
    return PinLayer(**common, area=area, polygon=polygon, points=singles, spacing=draw(lengths))


@st.composite
def regions(draw: st.DrawFn, **common: Any) -> RegionLayer:
    area = draw(st.sampled_from(["polygon", "mask"]))
    return RegionLayer(
        **common,
        area=area,
        polygon=draw(polygons if area == "polygon" else st.none() | polygons),
        keys=draw(region_keys()),
        pivot=draw(st.none() | points),
        timing=draw(timings()),
        spacing=draw(lengths),
    )


@st.composite
def layers(draw: st.DrawFn, identity: str) -> Layer:
    common = {
        "id": identity,
        "name": draw(names),
        "enabled": draw(st.booleans()),
        "color": draw(colors),
        "locked": draw(st.booleans()),
    }
    kind = draw(st.sampled_from(["drag", "pin", "sphere", "region", "camera_grab"]))
    if kind == "drag":
        return DragLayer(**common, path=draw(paths()), brush=draw(brushes()))
    if kind == "sphere":
        ball = {"center": draw(points), "radius": draw(lengths), "spacing": draw(lengths)}
        return SphereLayer(**common, **ball, path=draw(paths()))
    if kind == "camera_grab":
        return CameraGrabLayer(**common, path=draw(paths()))
    return draw(pins(**common) if kind == "pin" else regions(**common))


@st.composite
def documents(draw: st.DrawFn) -> MotionDocument:
    identities = draw(st.lists(names.filter(bool), max_size=4, unique=True))
    return MotionDocument(draw(canvases), tuple(draw(layers(identity)) for identity in identities))
