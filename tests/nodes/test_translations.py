"""The texts of every language of ComfyUI that we ship: complete, and written from their tables."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.host import translations
from tests.host.words import all_words, written

PLACES = re.compile(r"\{\w+\}")
# A key in parentheses at the end of a tooltip: (B), (?), (0).
KEY = re.compile(r"\(([A-Z?0])\)$")
REWRITE = "run: python -m tests.host.words"


@pytest.fixture(scope="module")
def words() -> dict[str, Any]:
    """The English texts of all nodes."""
    return all_words()


def wanted(words: dict[str, Any]) -> set[str]:
    """Every English text that must have a translation."""
    texts = translations.editor_texts() | translations.template_texts()
    return texts | all_texts(words)


def all_texts(entry: Any) -> set[str]:
    """Every text of a locale file."""
    if isinstance(entry, str):
        return {entry}
    return set().union(*map(all_texts, entry.values()))


def test_texts_are_found_in_the_editor() -> None:
    found = translations.editor_texts()
    assert {"Sketch of Draft Motion", "Click what should stay, or draw around it."} <= found
    assert not any(text.startswith("M2.5") for text in found)


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_every_text_has_a_translation(language: str, words: dict[str, Any]) -> None:
    table = translations.table(language)
    missing = sorted(wanted(words) - table.keys())
    assert not missing, f"add these to locales/tables/{language}.json: {missing}"
    stale = sorted(table.keys() - wanted(words))
    assert not stale, f"remove these from locales/tables/{language}.json: {stale}"


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_translations_keep_places_and_keys(language: str) -> None:
    for english, text in translations.table(language).items():
        assert text.strip() == text != "", english
        assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(english)), english
        key = KEY.search(english)
        assert key is None or re.search(rf"[(（]{re.escape(key[1])}[)）]$", text), english


def test_texts_of_nodes_are_no_syntax_of_the_hosts_message_compiler() -> None:
    for path in sorted(translations.LOCALES.glob("*/nodeDefs.json")):
        texts = all_texts(json.loads(path.read_text(encoding="utf-8")))
        assert not [text for text in texts if set("@|{}") & set(text)], path


def test_the_host_reads_what_the_tables_say(words: dict[str, Any]) -> None:
    for path, entries in translations.files(words).items():
        assert path.read_text(encoding="utf-8") == written(entries), REWRITE


def test_a_language_lists_the_nodes_as_english_does(words: dict[str, Any]) -> None:
    for language in translations.LANGUAGES:
        path = translations.LOCALES / language / "nodeDefs.json"
        entries = json.loads(path.read_text(encoding="utf-8"))
        assert entries.keys() == words.keys()
        assert all(entry["display_name"] for entry in entries.values())
