"""The committed golden files say what Python computes now."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .collect import FOLDER, all_golden_cases, as_text

FILES = sorted(path.name for path in FOLDER.glob("*.json"))
TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def computed() -> dict[str, dict[str, Any]]:
    return {name: json.loads(as_text(content)) for name, content in all_golden_cases().items()}


def first_difference(committed: Any, now: Any, place: str = "") -> str | None:
    """Where two JSON values differ by more than the tolerance, or None."""
    if isinstance(committed, bool) or not isinstance(committed, (int, float, list, dict)):
        return None if type(committed) is type(now) and committed == now else place
    if isinstance(committed, (int, float)):
        is_number = isinstance(now, (int, float)) and not isinstance(now, bool)
        slack = TOLERANCE * max(1.0, abs(committed))
        return None if is_number and abs(committed - now) <= slack else place
    if type(committed) is not type(now) or len(committed) != len(now):
        return place
    if isinstance(committed, dict) and committed.keys() != now.keys():
        return place
    keys = committed if isinstance(committed, dict) else range(len(committed))
    inside = (first_difference(committed[key], now[key], f"{place}/{key}") for key in keys)
    return next((found for found in inside if found is not None), None)


@pytest.mark.parametrize("name", FILES)
def test_a_committed_file_is_what_python_computes(name: str, computed: dict[str, Any]) -> None:
    assert name in computed, "no module's golden_cases() writes this file"
    committed = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    where = first_difference(committed, computed[name])
    assert where is None, f"{name} differs at {where}: run make golden and read the diff"


def test_every_file_is_committed(computed: dict[str, Any]) -> None:
    assert sorted(computed) == FILES


@pytest.mark.parametrize(
    ("other", "place"),
    [
        ({"a": [1.0, 2.0 + 1e-7], "b": True}, "/a/1"),
        ({"a": [1.0], "b": True}, "/a"),
        ({"a": [1.0, 2.0], "b": 1}, "/b"),
        ({"a": [1.0, 2.0]}, ""),
        ({"a": [1.0, 2.0 + 1e-11], "b": True}, None),
    ],
)
def test_the_comparison_finds_differences(other: Any, place: str | None) -> None:
    assert first_difference({"a": [1.0, 2.0], "b": True}, other) == place
