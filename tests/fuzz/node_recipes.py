"""Strategies of a node's inputs, made from its schema: defaults, limits, and what breaks them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from .host_values import CONTROL_FILE
from .node_values import WHOLE

Sockets = Mapping[str, Sequence[str]]
BAD_NUMBERS = (math.nan, math.inf, -math.inf, 1e-300, -1.0, 1e308, 10**30, 2.5, True, "text", None)
_LAYERS: tuple[dict[str, Any], ...] = (
    {"type": "drag", "points": [[0, 0.2, 0.3], [1, 0.7, 0.6]]},
    {"type": "drag", "points": [[None, 0.5, 0.5]], "curve": "catmull_rom", "brush": {"radius": 0}},
    {"type": "pin", "points": [[0.1, 0.1], [0.9, 0.2]]},
    {"type": "pin", "area": "background", "spacing": 0.1},
    {"type": "pin", "area": "mask", "spacing": 0.2},
    {"type": "sphere", "points": [[0, 0.5, 0.5], [1, 0.6, 0.5]], "center": [0.5, 0.5],
     "radius": 0.3, "spacing": 0.1},
    {"type": "region", "polygon": [[0.2, 0.2], [0.8, 0.3], [0.5, 0.8]],
     "keys": [{"t": 0}, {"t": 1, "dx": 0.1, "rotate_deg": 40, "scale": 0.5}]},
    {"type": "camera_grab", "points": [[0, 0.5, 0.5], [1, 0.7, 0.45]]},
)  # fmt: skip
_CHANGES: tuple[dict[str, Any], ...] = (
    {}, {}, {}, {"spacing": 1e-4}, {"spacing": 2e-8}, {"radius": 1e-4}, {"radius": 100},
    {"brush": {"radius": 100, "spacing": 1e-4}}, {"end": 1e-9}, {"start": 0.999999999},
    {"polygon": [[0, 0], [1, 1], [2, 2]]}, {"polygon": [[0.5, 0.5]] * 3}, {"points": []},
    {"points": [[0, 1e300, 0]]}, {"points": [[0, -100, 100], [0, 100, -100], [1, 0, 0]]},
    {"keys": [{"t": 0, "scale": 1000}, {"t": 0, "scale": 0.001}]}, {"easing": [0, 2, 1, -1]},
    {"pivot": [100, -100]}, {"enabled": False}, {"type": "unknown"}, {"before": "absent"},
)  # fmt: skip


def _document(layers: Sequence[tuple[int, int]], side: int) -> str:
    made = [
        {"id": str(place), **_LAYERS[layer], **_CHANGES[change]}
        for place, (layer, change) in enumerate(layers)
    ]
    canvas = {"width": side, "height": 16}
    return json.dumps({"version": 1, "drawn_on": canvas, "layers": made})


DRAWINGS = st.builds(
    _document,
    st.lists(
        st.tuples(st.integers(0, len(_LAYERS) - 1), st.integers(0, len(_CHANGES) - 1)), max_size=4
    ),
    st.sampled_from([24, 24, 1, 65536]),
)
_TEXTS: dict[str, Sequence[str]] = {
    "moves": ("orbit_left 20", "dolly_in 0.2 share=0.5\npan_left", "crane_up 1e300", "dolly_in nan",
              "orbit_left 1e308 share=1e-300", "handheld 1 seed=-1", "pan_left 1\n" * 50),
    "keys": ('[{"t": 0}, {"t": 1, "position": [0.3, 0, 0.2], "pan_deg": -12}]', "[]", "{}",
             '[{"t": 0, "zoom": 1e-300}, {"t": 1, "zoom": 1e300}]', '[{"t": 1e400}]',
             '[{"t": 0, "position": [1e308, -1e308, 0]}, {"t": 1}]', '[{"t": 0}, {"t": 1e-300}]'),
    "camera_text": ("", "0 1 1 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 0", "0 1 1\n", '{"version": 1}',
                    "0 1e-300 1e300 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 1e308"),
    "coordinates": ('[{"x": 1, "y": 2}, {"x": 3, "y": 4}]', "[]", "[[]]", '[{"x": 1e400, "y": 0}]',
                    '[{"x": null}]', "[[[1, 2]]]", "[" * 2000),
    "pose_text": ("[]", '{"people": []}', '[{"people": [{"pose_keypoints_2d": [1, 2, 1]}]}]', "1"),
    "depth_offset": ("", "0:0 1:2.5", "1:1 0:0", "nan", "0:1e308", "a:b", "0:0\n\n\n0:1\n0:2\n0:3"),
    "model": ("lite", CONTROL_FILE, "no such model", "../x", "a" * 300, "\u00e9" * 200),
    "filename_prefix": ("tracks/motion", "a" * 300, "\u00e9" * 150, "..", "/etc", "a\0b", "con",
                        "%date%"),
}  # fmt: skip
_SAME_AS = {
    "text": "coordinates",
    "source_points": "coordinates",
    "target_points": "coordinates",
    "target_text": "pose_text",
    "file": "model",
}
ANY_TEXT = st.one_of(
    st.sampled_from(["", " ", "[]", "{}", "null", "NaN", "\ud800", "\0", "1e400", "x" * 5000]),
    st.text(max_size=12),
)


def recipes(inputs: Sequence[Any], sockets: Sockets) -> SearchStrategy[dict[str, Any]]:
    """Recipes of all inputs of a schema. Up to two of them are spoiled, since the first spoiled
    value ends the work of the node; optional ones may be left out."""
    whole = {one.id: _recipe(one, sockets, is_whole=True) for one in inputs}
    spoiled = {one.id: _recipe(one, sockets, is_whole=False) for one in inputs}
    optional = {one.id for one in inputs if one.optional}
    names = sorted(whole)
    if not names:
        return st.just({})

    @st.composite
    def drawn(draw: st.DrawFn) -> dict[str, Any]:
        worse = draw(st.one_of(st.just(()), st.sets(st.sampled_from(names), max_size=2)))
        left_out = draw(st.sets(st.sampled_from(sorted(optional)))) if optional else ()
        return {
            name: draw((spoiled if name in worse else whole)[name])
            for name in names
            if name not in left_out
        }

    return drawn()


def _recipe(entry: Any, sockets: Sockets, *, is_whole: bool) -> SearchStrategy[Any]:
    from comfy_api.latest import io

    if isinstance(entry, io.DynamicCombo.Input):
        good = st.one_of([_option(one, sockets, is_whole=is_whole) for one in entry.options])
        bad = [{"choice": "unknown", "with": {}}, {"text": "x"}]
    elif isinstance(entry, io.Autogrow.Input):
        one = _recipe(entry.template.input, sockets, is_whole=is_whole)
        names = st.integers(0, 2).map(lambda number: f"{entry.template.prefix}{number}")
        few = st.dictionaries(names, one, min_size=entry.template.min, max_size=3)
        good, bad = st.fixed_dictionaries({"sockets": few}), [{"sockets": {}}, 3]
    elif isinstance(entry, (io.Int.Input, io.Float.Input)):
        good, bad = _number(entry), list(BAD_NUMBERS)
    elif isinstance(entry, io.Boolean.Input):
        good, bad = st.booleans(), [0, 1.0, None]
    elif isinstance(entry, io.Combo.Input):
        options = [{"text": str(option)} for option in entry.options] or [{"text": "none"}]
        good, bad = st.sampled_from(options), [{"text": "unknown"}, {"text": "\ud800"}, 3]
    elif isinstance(entry, io.String.Input):
        good = _text(entry.id).map(_as_text)
        return good if is_whole else ANY_TEXT.map(_as_text)
    else:
        kind = entry.io_type
        whole = [{"value": f"{kind}: {name}"} for name in WHOLE[kind]]
        bad = [{"value": f"{kind}: {name}"} for name in sockets.get(kind, ())] + [None, 3]
        good = st.sampled_from(whole)
    return good if is_whole else st.one_of(good, st.sampled_from(bad))


def _option(option: Any, sockets: Sockets, *, is_whole: bool) -> SearchStrategy[Any]:
    """A choice of a DynamicCombo and its inputs, spoiled or all of them whole."""
    inner: SearchStrategy[Any]
    if is_whole:
        found = {one.id: _recipe(one, sockets, is_whole=True) for one in option.inputs}
        inner = st.fixed_dictionaries(found)
    else:
        inner = recipes(option.inputs, sockets)
    return st.fixed_dictionaries({"choice": st.just(option.key), "with": inner})


def _number(entry: Any) -> SearchStrategy[Any]:
    is_whole = isinstance(entry.default, int) and not isinstance(entry.min, float)
    low, high = entry.min, entry.max
    near = min(high, max(low, (entry.default or 0) * 4 + 8))
    some = st.integers(low, int(near)) if is_whole else st.floats(low, near, allow_subnormal=False)
    default = st.just(entry.default)
    return st.one_of(default, default, some, st.sampled_from([low, high]))


def _text(name: str) -> SearchStrategy[str]:
    if name in ("motion", "drawing"):
        return DRAWINGS
    return st.sampled_from(_TEXTS.get(_SAME_AS.get(name, name), ("a", "")))


def _as_text(text: str) -> dict[str, str]:
    return {"text": text}
