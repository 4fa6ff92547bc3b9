"""Drawings for tests: short ways to say a layer, and strategies that draw any."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from motion_core.document import (
    Brush,
    DragLayer,
    Layer,
    MotionDocument,
    Path,
    PinLayer,
    RegionKey,
    RegionLayer,
    SphereLayer,
    TimedPoint,
    Timing,
)
from motion_core.geometry import Size

WIDE = Size(200, 100)
BOX = ((0.2, 0.2), (0.6, 0.2), (0.6, 0.8), (0.2, 0.8))


def line(*points: tuple[float, float], timing: Timing | None = None) -> Path:
    """Straight from point to point at constant speed."""
    timed = tuple(TimedPoint(None, x, y) for x, y in points)
    return Path(timed, "linear", timing or Timing())


def document(*layers: Layer, drawn_on: Size = WIDE) -> MotionDocument:
    return MotionDocument(drawn_on, layers)


fractions = st.integers(-200, 1200).map(lambda thousandth: thousandth / 1000)
points = st.tuples(fractions, fractions)
lengths = st.sampled_from([0.04, 0.05, 0.071, 0.1])
windows = st.sampled_from([(0.0, 1.0), (0.25, 1.0), (0.0, 0.5), (0.3, 0.8)])
timings = st.builds(
    lambda window, before, after, easing: Timing(*window, before, after, easing),
    windows,
    st.sampled_from(["hold", "absent"]),
    st.sampled_from(["hold", "absent"]),
    st.sampled_from(["linear", "ease_in_out"]),
)
paths = st.builds(
    lambda drawn, timing: line(*drawn, timing=timing),
    st.lists(points, min_size=1, max_size=4),
    timings,
)
brushes = st.builds(
    Brush,
    st.sampled_from([0.0, 0.05, 0.1, 0.2]),
    lengths,
    st.sampled_from(["round", "square"]),
    st.sampled_from(["rigid", "gaussian"]),
)
keys = st.lists(
    st.tuples(fractions, fractions, st.floats(-180, 180), st.floats(0.5, 2)), min_size=1, max_size=3
).map(
    lambda rows: tuple(
        RegionKey(index / max(len(rows) - 1, 1), *row) for index, row in enumerate(rows)
    )
)


def layers(kind: str, name: str) -> st.SearchStrategy[Any]:
    """Any layer of a kind with a given id."""
    if kind == "drag":
        return st.builds(
            lambda path, brush: DragLayer(name, path=path, brush=brush), paths, brushes
        )
    if kind == "sphere":
        return st.builds(
            lambda center, path, spacing: SphereLayer(
                name, center=center, radius=0.2, path=path, spacing=spacing
            ),
            points,
            paths,
            lengths,
        )
    if kind == "region":
        return st.builds(
            lambda keys, timing, spacing: RegionLayer(
                name, polygon=BOX, keys=keys, timing=timing, spacing=spacing
            ),
            keys,
            timings,
            lengths,
        )
    return st.builds(
        lambda area, spots, spacing: PinLayer(
            name, area=area, polygon=BOX, points=tuple(spots), spacing=spacing
        ),
        st.sampled_from(["polygon", "background"]),
        st.lists(points, max_size=3),
        lengths,
    )


@st.composite
def documents(draw: st.DrawFn) -> MotionDocument:
    kinds = draw(st.lists(st.sampled_from(["drag", "sphere", "region", "pin"]), max_size=4))
    return document(*(draw(layers(kind, f"{kind} {place}")) for place, kind in enumerate(kinds)))
