"""What a MOTION document may not contain, and the message that says why."""

from __future__ import annotations

import json
import time

import pytest

from motion_core.document import read_document
from motion_core.document.fields import MAX_POINTS
from motion_core.document.parse import MAX_LAYERS, MAX_TEXT
from motion_core.errors import DocumentError

from .test_parse import document

DRAG = {"id": "k3", "type": "drag", "name": "ear", "points": [[0, 0.1, 0.2], [1, 0.3, 0.4]]}
SPHERE = {"id": "s", "type": "sphere", "center": [0.5, 0.5], "radius": 0.2, "points": [[0, 0, 0]]}
CORNERS = [[0, 0], [1, 0], [0, 1]]
PIN = {"id": "p", "type": "pin", "polygon": CORNERS}
REGION = {"id": "r", "type": "region", "polygon": CORNERS, "keys": [{"t": 0}, {"t": 1}]}


def nested(levels: int) -> list:
    outer: list = []
    inner = outer
    for _ in range(levels):
        inner.append([])
        inner = inner[0]
    return outer


def refusal(source: object) -> str:
    started = time.perf_counter()
    with pytest.raises(DocumentError) as caught:
        read_document(source)
    assert time.perf_counter() - started < 2
    message = str(caught.value)
    assert len(message) < 400
    message.encode("utf-8")
    return message


LAYERS = {
    "spacing below 0": (
        {**DRAG, "brush": {"spacing": -1}},
        'layer 1 ("ear", drag, id "k3"): "brush.spacing" must be a number from 0.0001 to 100 '
        "(a fraction of the canvas' short side); got -1.",
    ),
    "spacing 0": ({**DRAG, "brush": {"spacing": 0}}, '"brush.spacing" must be a number'),
    "radius below 0": ({**DRAG, "brush": {"radius": -0.1}}, '"brush.radius" must be a number'),
    "radius as text": ({**DRAG, "brush": {"radius": "1"}}, 'got "1".'),
    "radius as bool": ({**DRAG, "brush": {"radius": True}}, "got true."),
    "brush unknown field": (
        {**DRAG, "brush": {"size": 1}},
        'unknown field "size" in "brush"; known: radius, spacing, shape, falloff.',
    ),
    "brush shape": ({**DRAG, "brush": {"shape": "star"}}, '"brush.shape" must be one of "round"'),
    "brush falloff": ({**DRAG, "brush": {"falloff": None}}, "got null."),
    "brush as list": ({**DRAG, "brush": []}, '"brush" must be an object {...}; got a list of 0.'),
    "type unknown": ({**DRAG, "type": "warp"}, '"type" must be one of "drag", "pin"'),
    "type missing": ({"id": "a"}, 'layer 1 (id "a"): "type" is missing.'),
    "type as list": ({**DRAG, "type": nested(50_000)}, "got a list of 1."),
    "unknown field": ({**DRAG, "polygon": CORNERS}, 'unknown field "polygon"; known: type, id'),
    "id missing": ({k: DRAG[k] for k in ("type", "points")}, 'layer 1 (drag): "id" is missing.'),
    "id empty": ({**DRAG, "id": ""}, "must be a text of 1 to 200 characters"),
    "id as number": ({**DRAG, "id": 3}, '"id" must be a text'),
    "id half character": ({**DRAG, "id": "a\ud800"}, "without half ones"),
    "name too long": ({**DRAG, "name": "x" * 201}, '"name" must be a text of 0 to 200'),
    "enabled as number": ({**DRAG, "enabled": 1}, '"enabled" must be true or false; got 1.'),
    "color word": ({**DRAG, "color": "red"}, '"color" must be a color'),
    "color line end": ({**DRAG, "color": "#ff8800\n"}, r'got "#ff8800\n".'),
    "points missing": ({"id": "a", "type": "drag"}, '"points" is missing.'),
    "points empty": ({**DRAG, "points": []}, '"points" must have 1 to 20,000 entries'),
    "points as object": ({**DRAG, "points": {}}, '"points" must be a list; got an object.'),
    "points too many": ({**DRAG, "points": [[0, 0, 0]] * (MAX_POINTS + 1)}, "a list of 20001."),
    "point of two": ({**DRAG, "points": [[0, 0]]}, '"points[0]" must be [t, x, y]'),
    "point untimed of two": ({**DRAG, "points": [[None, 0]]}, '"points[0]" must be [t, x, y]'),
    "point deep": ({**DRAG, "points": nested(50_000)}, "got a list of 1."),
    "point x null": ({**DRAG, "points": [[0, None, 0]]}, '"points[0][1]" must be a number'),
    "point y infinite": ({**DRAG, "points": [[0, 0, 1e999]]}, '"points[0][2]" must be'),
    "point y nan": ({**DRAG, "points": [[0, 0, float("nan")]]}, "got nan."),
    "point far away": ({**DRAG, "points": [[0, 100.5, 0]]}, "from -100 to 100"),
    "point huge": ({**DRAG, "points": [[0, 10**5000, 0]]}, "more than 18 digits"),
    "time above 1": ({**DRAG, "points": [[1.5, 0, 0]]}, '"points[0][0]" must be a number from 0'),
    "time as bool": ({**DRAG, "points": [[True, 0, 0]]}, "got true."),
    "time running back": (
        {**DRAG, "points": [[0.5, 0, 0], [None, 0, 0], [0.4, 0, 0]]},
        '"points[2][0]" must not be before the 0.5 of an earlier entry; got 0.4.',
    ),
    "curve unknown": ({**DRAG, "curve": "bspline"}, '"curve" must be one of "recorded"'),
    "easing unknown": ({**DRAG, "easing": "bounce"}, '"easing" must be one of "linear"'),
    "easing of three": ({**DRAG, "easing": [0, 0, 1]}, "or [x1, y1, x2, y2]; got a list of 3."),
    "easing x out": ({**DRAG, "easing": [1.1, 0, 1, 1]}, '"easing[0]" must be a number from 0'),
    "easing y out": ({**DRAG, "easing": [0, 9, 1, 1]}, '"easing[1]" must be a number from -1 to 2'),
    "start below 0": ({**DRAG, "start": -0.1}, '"start" must be a number from 0 to 1'),
    "end at start": (
        {**DRAG, "start": 0.5, "end": 0.5},
        '"end" must be after "start", which is 0.5; got 0.5.',
    ),
    "before unknown": ({**DRAG, "before": "loop"}, '"before" must be one of "hold", "absent"'),
    "sphere radius 0": ({**SPHERE, "radius": 0}, '"radius" must be a number from 0.0001'),
    "sphere center missing": (
        {k: v for k, v in SPHERE.items() if k != "center"},
        '"center" is missing.',
    ),
    "sphere center of three": ({**SPHERE, "center": [0, 0, 0]}, '"center" must be [x, y]'),
    "pin of nothing": (
        {"id": "p", "type": "pin"},
        '"points" must have an entry where "polygon" is null; got a list of 0.',
    ),
    "pin timed point": ({**PIN, "points": [[0, 0.1, 0.2]]}, '"points[0]" must be [x, y]'),
    "polygon of two": ({**PIN, "polygon": CORNERS[:2]}, '"polygon" must have 3 to 20,000'),
    "polygon corner": ({**PIN, "polygon": [*CORNERS, 5]}, '"polygon[3]" must be [x, y]; got 5.'),
    "pin area": ({**PIN, "area": "everything"}, '"area" must be one of "polygon", "mask"'),
    "pin easing": ({**PIN, "easing": "linear"}, 'unknown field "easing"'),
    "region without polygon": (
        {**REGION, "polygon": None},
        '"polygon" must be a list where "area" is "polygon"; got null.',
    ),
    "region background": ({**REGION, "area": "background"}, '"area" must be one of "polygon"'),
    "keys empty": ({**REGION, "keys": []}, '"keys" must have 1 to'),
    "key without time": ({**REGION, "keys": [{}]}, '"keys[0].t" is missing.'),
    "key as list": ({**REGION, "keys": [[0, 0]]}, '"keys[0]" must be an object'),
    "key unknown field": ({**REGION, "keys": [{"t": 0, "x": 1}]}, 'unknown field "x" in "keys[0]"'),
    "key running back": (
        {**REGION, "keys": [{"t": 0.5}, {"t": 0.25}]},
        '"keys[1].t" must not be before the 0.5 of an earlier entry; got 0.25.',
    ),
    "key scale 0": ({**REGION, "keys": [{"t": 0, "scale": 0}]}, '"keys[0].scale" must be'),
    "key turn": ({**REGION, "keys": [{"t": 0, "rotate_deg": 1e9}]}, '"keys[0].rotate_deg" must'),
    "pivot": ({**REGION, "pivot": [0]}, '"pivot" must be [x, y]; got a list of 1.'),
    "layer as number": (5, "layer 1: must be an object {...}; got 5."),
}  # fmt: skip


@pytest.mark.parametrize("case", LAYERS)
def test_a_broken_layer_is_named_with_its_field(case: str) -> None:
    layer, wanted = LAYERS[case]
    message = refusal(document(layer))
    assert message.startswith("layer 1")
    assert wanted in message


def test_layers_count_from_one_and_carry_name_type_and_id() -> None:
    assert refusal(document(PIN, {**DRAG, "start": 2})).startswith(
        'layer 2 ("ear", drag, id "k3"): "start"'
    )


def test_two_layers_of_one_id() -> None:
    assert refusal(document(PIN, DRAG, {**SPHERE, "id": "p"})) == (
        'layer 3: "id" "p" is already that of layer 1; give every layer its own.'
    )


def without(name: str) -> dict:
    return {key: value for key, value in document().items() if key != name}


DOCUMENTS = {
    "empty text": ("", "line 1, column 1: not JSON (Expecting value)."),
    "cut off": ('{"version": 1,', "not JSON"),
    "trailing text": ('{"version": 1} x', "Extra data"),
    "list": ("[]", "is an object {...}; got a list of 0."),
    "null": ("null", "got null."),
    "no UTF-8": (b'{"version": "\xff"}', "byte 13: expected UTF-8"),
    "NaN": ('{"version": 1, "layers": NaN}', "NaN is not a JSON number"),
    "Infinity": ('{"version": 1, "layers": [-Infinity]}', "-Infinity is not a JSON number"),
    "huge exponent": ('{"version": 1e400}', "1e400 is beyond the range of a float"),
    "endless digits": ('{"version": ' + "9" * 3_000_000 + "}", "a number of 3,000,000 digits"),
    "field twice": ('{"version": 1, "version": 1}', 'gives the field "version" twice'),
    "deep lists": ("[" * 1_000_000, "nested deeper than 64"),
    "deep objects": ('{"a":' * 500_000, "nested deeper than 64"),
    "50 MB": ("x" * 50_000_000, "50,000,000 characters long; at most 4,194,304"),
    "50 MB of bytes": (b"[" * 50_000_000, "50,000,000 characters long"),
    "unknown field": ({**document(), "fps": 24}, 'document: unknown field "fps"; known: version'),
    "layers missing": (without("layers"), 'document: "layers" is missing.'),
    "layers as object": ({**document(), "layers": {}}, '"layers" must be a list'),
    "layers too many": (document(*[DRAG] * (MAX_LAYERS + 1)), "must have 0 to 1,000 entries"),
    "canvas missing": (without("drawn_on"), '"drawn_on" is missing.'),
    "canvas as list": ({**document(), "drawn_on": [8, 8]}, '"drawn_on" must be an object'),
    "canvas height missing": ({**document(), "drawn_on": {"width": 8}}, '"drawn_on.height" is'),
    "canvas depth": (
        {**document(), "drawn_on": {"width": 8, "height": 8, "depth": 8}},
        'unknown field "depth" in "drawn_on"',
    ),
    "canvas width 0": (
        {**document(), "drawn_on": {"width": 0, "height": 8}},
        '"drawn_on": canvas width must be 1..65536 pixels; got 0.',
    ),
    "canvas half pixel": (
        {**document(), "drawn_on": {"width": 8, "height": 8.5}},
        '"drawn_on.height" must be a whole number of pixels; got 8.5.',
    ),
}


@pytest.mark.parametrize("case", DOCUMENTS)
def test_a_broken_document_is_refused_quickly_with_the_reason(case: str) -> None:
    source, wanted = DOCUMENTS[case]
    assert wanted in refusal(source)


@pytest.mark.parametrize("source", [None, 5, [document()], ("a",)])
def test_other_kinds_of_source_are_a_type_error(source: object) -> None:
    with pytest.raises(TypeError, match="is text, bytes or a dict"):
        read_document(source)


def test_the_largest_allowed_path_is_read() -> None:
    points = [[i / MAX_POINTS, 0.5, 0.25] for i in range(MAX_POINTS)]
    text = json.dumps(document({**DRAG, "points": points}))
    assert len(text) < MAX_TEXT
    assert len(read_document(text).layers[0].path.points) == MAX_POINTS
