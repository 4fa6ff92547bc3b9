"""docs/motion-document.md agrees with the code: its example, its message and its defaults."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from motion_core.document import document_to_dict, read_document, sample_path
from motion_core.document.fields import MAX_POINTS
from motion_core.document.parse import MAX_LAYERS, MAX_TEXT
from motion_core.errors import DocumentError
from motion_core.geometry import Size

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "motion-document.md").read_text("utf-8")


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    return json.loads(block)


def test_the_example_is_a_valid_document(example: dict[str, Any]) -> None:
    document = read_document(example)
    assert [layer.name for layer in document.layers] == ["head", "ear", "balloon", "the rest"]
    ear: Any = document.layers[1]
    found = sample_path(ear.path, frames=49, size=Size(640, 640), drawn_on=document.drawn_on)
    assert found.present.tolist() == [False] * 10 + [True] * 39


def test_the_message_shown_is_the_message_given(example: dict[str, Any]) -> None:
    example = json.loads(json.dumps(example))
    example["layers"][1]["brush"]["spacing"] = -1
    with pytest.raises(DocumentError) as caught:
        read_document(example)
    assert f"    {caught.value}\n" in PAGE


def test_every_field_that_is_written_is_explained(example: dict[str, Any]) -> None:
    grab = {"id": "c", "type": "camera_grab", "points": [[0, 0, 0]]}
    written = document_to_dict(read_document({**example, "layers": [*example["layers"], grab]}))
    fields = set(written)
    for layer in written["layers"]:
        fields |= set(layer) | set(layer.get("brush", {}))
    for key in written["layers"][2]["keys"]:
        fields |= set(key)
    missing = [name for name in sorted(fields) if not re.search(rf'[`"]{name}[`"]', PAGE)]
    assert missing == []


def test_the_limits_stated_are_the_limits_kept() -> None:
    for limit in (MAX_POINTS, MAX_LAYERS, MAX_TEXT):
        assert f"{limit:,}" in PAGE
