"""What may be typed or pasted where coordinates belong."""

from __future__ import annotations

import json

from motion_core.formats import parse_coordinates, parse_pairs
from motion_core.geometry import Size

from .case import Case

SIZE = Size(64, 48)
POINT = '{"x": 1, "y": 2}'


def refused(name, text, says, parse=parse_coordinates, size=SIZE):
    """text: a function, so that 50 MB are made only when the case runs."""
    return Case(f"text: {name}", lambda folder: parse(text(), size), says)


def read(name, text, shape, parse=parse_coordinates):
    return Case(f"text: {name}", lambda folder: tuple(parse(text(), SIZE).xy.shape) == shape)


def runs_no_code(folder):
    marker = folder / "ran"
    text = f"[__import__('pathlib').Path({str(marker)!r}).touch()]"
    try:
        parse_coordinates(text, SIZE)
    finally:
        assert not marker.exists()


def track_of(points):
    return "[" + ",".join([POINT] * points) + "]"


CASES = [
    refused("empty", lambda: "", "not JSON"),
    refused("blank", lambda: " \n ", "not JSON"),
    refused("null", lambda: "null", "expected a list of tracks; got NoneType"),
    refused("a number", lambda: "3", "expected a list of tracks"),
    refused("an object", lambda: "{}", "expected a list of tracks"),
    refused("a drawn motion", lambda: '{"version": 1, "layers": []}', "expand it"),
    refused("points of an editor", lambda: '{"positive": [], "negative": []}', "'positive'"),
    refused("deep lists", lambda: "[" * 100_000 + "]" * 100_000, "deeper than 8"),
    refused("10 MB of brackets", lambda: "[" * 10_000_000, "deeper than 8"),
    refused("deep objects", lambda: '[{"x":' * 50_000, "deeper than 8"),
    refused("50 MB", lambda: "[" + track_of(1_000_000) + " " * 35_000_000 + "]", "at most"),
    refused("10 MB of one number", lambda: "[" + "1" * 10_000_000 + "]", "track 0"),
    refused("14 MB of commas", lambda: "[" + "1," * 7_000_000 + "1]", "more than 2,000,000"),
    refused("300,000 empty tracks", lambda: "[" + "[]," * 300_000 + "[]]", "at most 200,000"),
    refused("300,000 empty strings", lambda: "[" + '"",' * 300_000 + '""]', "at most 200,000"),
    refused("10 MB of single quotes", lambda: "[" + "'" * 10_000_000, "not JSON"),
    refused("10 MB of backslashes", lambda: "['" + "\\" * 10_000_000, "backslashes"),
    refused("5,000 digits", lambda: '[{"x": ' + "9" * 5000 + ', "y": 1}]', "frame 0, track 0.*inf"),
    refused("NaN", lambda: '[{"x": NaN, "y": 1}]', "NaN is not a JSON number"),
    refused("Infinity", lambda: '[{"x": 1, "y": -Infinity}]', "-Infinity is not a JSON number"),
    refused("1e999", lambda: '[{"x": 1e999, "y": 1}]', "frame 0, track 0"),
    refused("number in quotes", lambda: '[{"x": "1", "y": 2}]', "track 0, point 0.*'1'"),
    refused("true", lambda: '[{"x": true, "y": 2}]', "track 0, point 0.*True"),
    refused("null number", lambda: '[{"x": null, "y": 2}]', "track 0, point 0"),
    refused("no y", lambda: '[{"x": 1}]', "track 0, point 0"),
    refused("another field", lambda: '[{"x": 1, "y": 2, "z": 3}]', "'z'"),
    refused("x twice", lambda: '[{"x": 1, "x": 2}]', "track 0, point 0"),
    refused("list for a number", lambda: '[{"x": [1], "y": 2}]', "track 0, point 0"),
    refused("tracks of two lengths", lambda: f"[{track_of(3)}, {track_of(2)}]", "track 1 has 2"),
    refused("track and point mixed", lambda: f"[{track_of(2)}, {POINT}]", "track 1"),
    refused("point and track mixed", lambda: f"[{POINT}, {track_of(2)}]", "track 0, point 1"),
    refused("batch of batches", lambda: f"[[{track_of(2)}]]", "track 0, point 0"),
    refused("cut off", lambda: track_of(3)[:-4], "line 1, column"),
    refused("two documents", lambda: track_of(1) + track_of(1), "Extra data"),
    refused("unbalanced single quote", lambda: "[{'x: 1, 'y': 2}]", "not JSON"),
    refused("a NUL", lambda: "[\0]", "not JSON"),
    refused("half a surrogate", lambda: '["\ud800"]', "string 0"),
    refused("strings that are not JSON", lambda: ["hello"], "string 0: line 1, column 1"),
    refused("strings of strings", lambda: ['["a"]'], "track 0, point 0"),
    refused("string of a number", lambda: ["7"], "string 0: expected a list"),
    refused("list of numbers", lambda: [1, 2], "track 0"),
    refused("Python number", lambda: 7, "expected a list of tracks; got int"),
    refused("Python set", lambda: {1}, "got set"),
    refused("10**400", lambda: [{"x": 10**400, "y": 0}], "track 0, point 0"),
    refused("complex", lambda: [{"x": 1j, "y": 0}], "track 0, point 0"),
    refused("NaN in Python", lambda: [{"x": float("nan"), "y": 0}], "track 0, point 0.*nan"),
    refused("no size", lambda: track_of(1), "connect an image", size=None),
    refused("size of zero", lambda: track_of(1), "1..65536", size=Size(0, 0)),
    refused("pair of three", lambda: "[[[1, 2, 3]]]", "expected a pair", parse_pairs),
    refused("pair of text", lambda: '[[["a", "b"]]]', "finite number", parse_pairs),
    refused("pairs of points", lambda: track_of(2), "track 0", parse_pairs),
    refused("empty drag among others", lambda: "[[[1, 2]], []]", "remove it", parse_pairs),
    Case("text: Python code", runs_no_code, "not JSON"),
    read("zero tracks", lambda: "[]", (0, 0, 2)),
    read("a track without points", lambda: "[[]]", (0, 1, 2)),
    read("one frame", lambda: track_of(1), (1, 1, 2)),
    read("100,000 tracks", lambda: f"[{','.join([track_of(1)] * 100_000)}]", (1, 100_000, 2)),
    read("10,000 strings", lambda: [track_of(2)] * 10_000, (2, 10_000, 2)),
    read("far away", lambda: '[{"x": 1e9, "y": -1e9}]', (1, 1, 2)),
    refused("too far away", lambda: '[{"x": 1e30, "y": -1e30}]', "at most 1e\\+09"),
    read("escaped strings", lambda: json.dumps([track_of(2)] * 2), (2, 2, 2)),
    read("one pair", lambda: "[[1, 2]]", (1, 1, 2), parse_pairs),
]
