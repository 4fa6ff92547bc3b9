"""Reading and writing MOTION documents: defaults, every layer type, exact round trips."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.document import (
    Brush,
    CameraGrabLayer,
    DragLayer,
    MotionDocument,
    Path,
    PinLayer,
    RegionKey,
    RegionLayer,
    SphereLayer,
    TimedPoint,
    Timing,
    document_to_dict,
    document_to_json,
    read_document,
)
from motion_core.errors import DocumentError
from motion_core.geometry import Size

from .strategies import documents, names


def document(*layers: dict) -> dict:
    return {"version": 1, "drawn_on": {"width": 832, "height": 480}, "layers": list(layers)}


def only_layer(layer: dict) -> object:
    return read_document(document(layer)).layers[0]


def test_an_empty_document_is_legal() -> None:
    assert read_document(document()) == MotionDocument(Size(832, 480), ())


def test_a_drag_in_full() -> None:
    layer = only_layer(
        {
            "id": "k3", "type": "drag", "name": "ear", "enabled": False, "color": "#fF8800",
            "locked": True, "points": [[0, 0.25, 1], [None, -0.5, 2], [1, 100, 0]],
            "curve": "catmull_rom", "easing": [0.1, -0.5, 0.9, 1.5], "start": 0.25, "end": 0.5,
            "before": "absent", "after": "absent",
            "brush": {"radius": 0, "spacing": 0.01, "shape": "square", "falloff": "gaussian"},
        }
    )  # fmt: skip
    assert layer == DragLayer(
        "k3", "ear", False, "#fF8800", True,
        path=Path(
            (TimedPoint(0, 0.25, 1), TimedPoint(None, -0.5, 2), TimedPoint(1, 100, 0)),
            "catmull_rom",
            Timing(0.25, 0.5, "absent", "absent", (0.1, -0.5, 0.9, 1.5)),
        ),
        brush=Brush(0, 0.01, "square", "gaussian"),
    )  # fmt: skip


def test_what_is_left_out_has_the_defaults_of_the_model() -> None:
    path = {"points": [[None, 0.5, 0.5]]}
    point = Path((TimedPoint(None, 0.5, 0.5),))
    corners = [[0, 0], [1, 0], [0, 1]]
    polygon = ((0, 0), (1, 0), (0, 1))
    assert only_layer({"id": "a", "type": "drag", **path}) == DragLayer("a", path=point)
    assert only_layer({"id": "a", "type": "camera_grab", **path}) == CameraGrabLayer(
        "a", path=point
    )
    ball = {"center": [0.25, 0.5], "radius": 0.125}
    assert only_layer({"id": "a", "type": "sphere", **ball, **path}) == SphereLayer(
        "a", center=(0.25, 0.5), radius=0.125, path=point
    )
    assert only_layer({"id": "a", "type": "pin", "polygon": corners}) == PinLayer(
        "a", polygon=polygon
    )
    assert only_layer(
        {"id": "a", "type": "region", "polygon": corners, "keys": [{"t": 0.5}]}
    ) == RegionLayer("a", polygon=polygon, keys=(RegionKey(0.5),))


def test_pins_and_regions_in_full() -> None:
    assert only_layer(
        {"id": "a", "type": "pin", "area": "background", "points": [[0, 1]], "spacing": 0.1}
    ) == PinLayer("a", area="background", points=((0, 1),), spacing=0.1)
    key = {"t": 1, "dx": 0.5, "dy": -0.5, "rotate_deg": -90, "scale": 2}
    assert only_layer(
        {"id": "a", "type": "region", "area": "mask", "keys": [key], "pivot": [0.5, 0.25],
         "easing": "ease_out", "start": 0.5, "spacing": 0.2}
    ) == RegionLayer(
        "a", area="mask", keys=(RegionKey(1, 0.5, -0.5, -90, 2),), pivot=(0.5, 0.25),
        timing=Timing(start=0.5, easing="ease_out"), spacing=0.2,
    )  # fmt: skip


def test_text_bytes_and_dict_say_the_same() -> None:
    raw = document({"id": "耳", "type": "drag", "points": [[0, 0.1, 0.2]]})
    text = json.dumps(raw, ensure_ascii=False)
    wanted = read_document(raw)
    assert read_document(text) == wanted
    assert read_document(text.encode()) == wanted
    assert read_document(b"\xef\xbb\xbf" + text.encode()) == wanted


def test_reading_leaves_the_dict_alone() -> None:
    raw = document({"id": "a", "type": "drag", "points": [[0, 0.1, 0.2]], "brush": {"radius": 1}})
    before = copy.deepcopy(raw)
    read_document(raw)
    assert raw == before


@pytest.mark.slow
@settings(max_examples=100)
@given(documents())
def test_any_document_survives_writing_and_reading(drawn: MotionDocument) -> None:
    assert read_document(document_to_dict(drawn)) == drawn
    text = document_to_json(drawn)
    assert read_document(text) == drawn
    assert document_to_json(read_document(text)) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn) -> dict:
    """A valid document's dict in which one value, anywhere, was replaced, lost or added."""
    raw = document_to_dict(draw(documents().filter(lambda drawn: drawn.layers)))
    at: object = raw
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = draw(st.sampled_from(keys))
        if not (isinstance(at[key], (dict, list)) and at[key] and draw(st.booleans())):
            break
        at = at[key]
    how = draw(st.sampled_from(["replace", "lose", "add"]))
    if how == "lose":
        del at[key]
    elif how == "replace" or isinstance(at, list):
        at[key] = draw(json_values)
    else:
        at[draw(names)] = draw(json_values)
    return raw


@pytest.mark.slow
@settings(max_examples=200)
@given(damaged())
def test_a_damaged_document_is_refused_or_still_means_what_it_says(raw: dict) -> None:
    try:
        drawn = read_document(raw)
    except DocumentError as error:
        assert len(str(error)) < 400
    else:
        assert read_document(document_to_json(drawn)) == drawn


@given(json_values)
def test_any_json_value_is_refused_without_a_stumble(value: object) -> None:
    with pytest.raises(DocumentError):
        read_document(json.dumps(value))
