"""verdicts.json: documents, valid and spoiled, with Python's verdict; the editor must agree.

Beside documents it holds texts, for what a parsed document does not show: names given twice, and
whole numbers written as 1.0.
"""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from motion_core.document import read_document
from motion_core.errors import DocumentError

from .documents import DOCUMENTS, NEWER

SEED, MUTATIONS, NEWER_MUTATIONS = 7, 400, 200
_PLAIN = json.dumps(
    {
        "version": 1,
        "drawn_on": {"width": 8, "height": 6},
        "layers": [
            {"id": "a", "type": "drag", "points": [[0, 0.5, 0.5]], "name": "x"},
            {"id": "b", "type": "region", "polygon": [[0, 0], [1, 0], [1, 1]], "keys": [{"t": 0}]},
        ],
    }
)
# What is replaced in the text of a valid document, and by what.
TEXTS: tuple[tuple[str, str], ...] = (
    ("", ""),
    ('"version": 1', '"version": 1.0'),
    ('"version": 1', '"version": 1e0'),
    ('"version": 1', '"version": 1.5'),
    ('"version": 1', '"version":\n1'),
    ('"version": 1', '"version": 1, "version": 1'),
    ('"version": 1', '"version": 1, "versio\\u006e": 1'),
    ('"width": 8', '"width": 8.0'),
    ('"width": 8', '"width": 8E0'),
    ('"width": 8', '"width": 8, "width": 8'),
    ('"width": 8', '"width" \t: 8'),
    ('"height": 6', '"height": 60e-1'),
    ('"height": 6', '"height": -0'),
    ("[0, 0.5, 0.5]", "[0.0, 5e-1, 0.50]"),
    ('{"t": 0}', '{"t": 0.0}'),
    ('{"t": 0}', '{"t": 0, "t": 0}'),
    ('{"t": 0}', '{"t": 0, "dx": 1.0}'),
    ('{"t": 0}', '{"t": 0}, {"t": 0}'),
    ('"name": "x"', '"name": "x", "name": "y"'),
    ('"name": "x"', '"name": "\\"name\\": 1.0, {"'),
    ('"name": "x"', '"name": "version"'),
    ('"name": "x"', '"name": "}{", "id": "c"'),
    ('"name": "x"', '"name": "\\\\", "color": null'),
    ('"name": "x"', '"__proto__": 1'),
    ('"name": "x"', '"width": 1'),
    ('"layers": [', '"layers": [], "layers": ['),
)
VALUES: tuple[Any, ...] = (
    None, True, 0, 1, -1, 0.5, 2e-8, 1e-4, 100, 101, 1e300, 36001, 65537, "", "x", "#ff8800",
    "#ff880", "hold", "absent", "mask", "background", "gaussian", "catmull_rom", "y" * 201, [], {},
    [0.5, 0.5], [0, 0.5, 0.5], [None, 0.1, 0.2], [0.1, 2, 0.3, -1], [[0, 0], [1, 0], [1, 1]],
    [{"t": 0}], {"radius": 0}, {"width": 1, "height": 65536},
)  # fmt: skip


def golden_cases() -> dict[str, dict[str, Any]]:
    about = "documents, and whether Python reads them"
    generator = random.Random(SEED)
    cases = [_case(name, raw) for name, raw in DOCUMENTS.items()]
    for number in range(MUTATIONS):
        raw = copy.deepcopy(generator.choice(list(DOCUMENTS.values())))
        for _ in range(generator.choice((1, 1, 2))):
            _spoil(raw, generator)
        cases.append(_case(f"mutation {number}", raw))
    generator = random.Random(SEED)
    for name, raw in NEWER.items():
        cases += [_case(name, raw), _case(f"{name} as version 1", {**raw, "version": 1})]
        for number in range(NEWER_MUTATIONS):
            spoiled = copy.deepcopy(raw)
            _spoil(spoiled, generator)
            cases.append(_case(f"{name}, mutation {number}", spoiled))
    cases += [_text(old, new) for old, new in TEXTS]
    return {"verdicts.json": {"about": about, "cases": cases}}


def _case(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "document": raw, "is_valid": _is_valid(raw)}


def _text(old: str, new: str) -> dict[str, Any]:
    text = _PLAIN.replace(old, new, 1)
    return {"name": f"{old} as {new}", "text": text, "is_valid": _is_valid(text)}


def _is_valid(source: dict[str, Any] | str) -> bool:
    try:
        read_document(source)
    except DocumentError:
        return False
    return True


def _spoil(raw: Any, generator: random.Random) -> None:
    """Replace, remove, add or repeat one value somewhere in the document."""
    places = _places(raw)
    holder, key = generator.choice(places)
    action = generator.choice(("replace",) * 6 + ("remove", "add", "repeat"))
    is_number = isinstance(holder[key], (int, float)) and not isinstance(holder[key], bool)
    if is_number and generator.random() < 0.6:
        value = round(holder[key] * generator.choice((0.5, 0.9, 1.1, -1, 30)), 6)
        holder[key] = int(value) if value == int(value) else value
    elif action == "remove":
        del holder[key]
    elif action == "replace":
        holder[key] = copy.deepcopy(generator.choice(VALUES))
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[f"{key}_"] = holder[key]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a value."""
    keys = range(len(value)) if isinstance(value, list) else list(value)
    found = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], (list, dict)):
            found += _places(value[key])
    return found
