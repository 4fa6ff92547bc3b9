"""Versions: which are refused, and that the upgrade steps run in order."""

from __future__ import annotations

import pytest

from motion_core.document import VERSION, read_document
from motion_core.document.upgrade import UPGRADES, upgraded
from motion_core.errors import DocumentError

from .test_parse import document


def test_every_older_version_has_its_step() -> None:
    assert sorted(UPGRADES) == list(range(1, VERSION))


def test_a_document_of_the_newest_version_is_taken_as_it_is() -> None:
    raw = {**document(), "version": VERSION}
    assert upgraded(raw) is raw


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (3, "newer than this program, which reads up to version 2; update Motion Prompting"),
        (10**30, "newer than this program"),
        (0, '"version" 0 is not known; this program reads version 1 to 2'),
        (-1, '"version" -1 is not known'),
        ("1", 'must be a whole number; got "1"'),
        (1.0, r"must be a whole number; got 1\.0"),
        (True, "must be a whole number; got true"),
        (None, "must be a whole number; got null"),
    ],
)
def test_other_versions_are_refused(version: object, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        read_document({**document(), "version": version})


def test_a_document_without_version_is_refused() -> None:
    raw = document()
    del raw["version"]
    with pytest.raises(DocumentError, match='"version" is missing.*says "version": 2'):
        read_document(raw)


def test_steps_run_in_order_and_leave_the_source_alone() -> None:
    upgrades = {
        1: lambda raw: {**raw, "steps": [*raw.get("steps", []), "one"]},
        2: lambda raw: {**raw, "steps": [*raw["steps"], "two"]},
    }
    raw = {"version": 1}
    assert upgraded(raw, newest=3, upgrades=upgrades) == {"version": 3, "steps": ["one", "two"]}
    assert upgraded({"version": 2, "steps": []}, newest=3, upgrades=upgrades)["steps"] == ["two"]
    assert raw == {"version": 1}


def test_a_gap_in_the_steps_is_refused() -> None:
    with pytest.raises(DocumentError, match='"version" 1 is not known.*reads version 2 to 3'):
        upgraded({"version": 1}, newest=3, upgrades={2: dict})
