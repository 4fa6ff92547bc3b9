"""ARCHITECTURE.md has every package, and names files that exist; the glossary fits on a page."""

from __future__ import annotations

import re

import pytest

from .faults import ROOT

TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ")]
PAGE_LINES = 50


def cells_of(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_package_and_module_of_the_core_has_a_row() -> None:
    named = {name.strip("/") for row in ROWS for name in re.findall(r"`([^`]+)`", cells_of(row)[0])}
    found = {path.name for path in (ROOT / "motion_core").iterdir() if path.name[0] not in "_."}
    missing = {name for name in found if not {name, f"motion_core/{name}"} & named}
    assert found and not missing


@pytest.mark.parametrize("row", [row for row in ROWS if len(cells_of(row)) == 3][1:])
def test_what_shows_an_extension_is_there(row: str) -> None:
    paths = re.findall(r"`(tests/[^`]+)`", cells_of(row)[2])
    assert paths, row
    assert all((ROOT / path).exists() for path in paths)


def test_the_glossary_is_shorter_than_a_page() -> None:
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < PAGE_LINES
