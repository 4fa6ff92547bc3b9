"""verdicts.json: documents, valid and spoiled, with Python's verdict; the editor must agree.

Numbers such as 1.0 for a whole number are left out: JavaScript has one kind of number.
"""

from __future__ import annotations

import copy
import random
from typing import Any

from motion_core.document import read_document
from motion_core.errors import DocumentError

from .documents import DOCUMENTS, NEWER

SEED, MUTATIONS, NEWER_MUTATIONS = 7, 400, 200
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
    return {"verdicts.json": {"about": about, "cases": cases}}


def _case(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    try:
        read_document(raw)
        is_valid = True
    except DocumentError:
        is_valid = False
    return {"name": name, "document": raw, "is_valid": is_valid}


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
