"""The other languages of ComfyUI: one table for each, keyed by the English text.

`locales/tables/LANGUAGE.json` is the source, `python -m tests.host.words` writes what the host
reads: names of nodes and sockets into nodeDefs.json, texts of the editor and of the templates into
main.json. Tooltips and descriptions are translated where a table has them; the host shows the
others in English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .pack import ROOT

LOCALES = ROOT / "locales"
TABLES = LOCALES / "tables"
LANGUAGES = ("de", "es", "fr", "ja", "ko", "ru", "zh")
TEMPLATES = ROOT / "web" / "templates.json"
# Where the page finds the editor's texts, and what the host calls our templates.
SECTION = "motionPrompting"
CATEGORY = {"category": {"motion-prompting": "Motion Prompting"}}
# Symbols and names of types, the same in every language.
KEPT = {
    *("cx", "cy", "dx", "dy", "fx", "fy", "x", "y", "fps", "fov_deg"),
    *("vae", "dtype", "lora", "tokenizer", "transformer"),
}
# Texts in the editor's files that no person reads, and keys of the keyboard.
NO_TEXTS = {
    *("Comfy.Locale", "Motion Prompting", "Motion Prompting: the editor stays English."),
    *("Reroute", "Enter", "Esc", "Escape", "Space", "Segoe UI", "Bezier", "Alt+click", "Alt+drag"),
    *("Ctrl+A", "Ctrl+C, X, V, D", "Ctrl+Z, Ctrl+Shift+Z", "Page Up, Page Down"),
    *("H, K", "I, T, F", "L, M, O", "Y, U"),
}
COMMENTS = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
# Sentences and labels begin with a capital; paths of icons and constants do, too.
LABEL = re.compile(r"(?!M\d)(?![A-Z_]+$)(?!MotionPrompting)(?!WEBGL)[A-Z].+")


def editor_texts() -> set[str]:
    """Every text that the editor shows."""
    found = set()
    for path in (ROOT / "web").rglob("*.js"):
        code = COMMENTS.sub("", path.read_text(encoding="utf-8"))
        found |= {text for text in LITERAL.findall(code) if LABEL.fullmatch(text)}
    return found - NO_TEXTS


def template_texts() -> set[str]:
    """Titles and descriptions of the templates."""
    index = json.loads(TEMPLATES.read_text(encoding="utf-8"))
    return {entry[key] for entry in index for key in ("title", "description")}


def node_names(words: Mapping[str, Any]) -> set[str]:
    """Names of nodes and of their sockets."""
    return set(_names(words)) - KEPT


def _names(words: Mapping[str, Any]) -> Iterator[str]:
    for node in words.values():
        yield node["display_name"]
        yield from (entry["name"] for entry in node["inputs"].values())
        yield from (entry["name"] for entry in node["outputs"].values())


def table(language: str) -> dict[str, str]:
    """{English: translated}."""
    return json.loads((TABLES / f"{language}.json").read_text(encoding="utf-8"))


def files(words: Mapping[str, Any]) -> dict[Path, dict[str, Any]]:
    """What the host reads, for every language.

    words: the English texts of the nodes, as `words.all_words` returns them.
    """
    found = {LOCALES / "en" / "main.json": {"templateWorkflows": CATEGORY}}
    for language in LANGUAGES:
        translated = table(language)
        texts = sorted(editor_texts() | template_texts())
        shown = {text: translated[text] for text in texts if text in translated}
        main = {"templateWorkflows": CATEGORY, SECTION: shown}
        found[LOCALES / language / "main.json"] = main
        defs = {name: _translated(node, translated) for name, node in words.items()}
        found[LOCALES / language / "nodeDefs.json"] = defs
    return found


def _translated(entry: Any, translated: Mapping[str, str]) -> Any:
    """The same entry in another language, without the texts that the table lacks."""
    if isinstance(entry, str):
        return translated.get(entry)
    parts = {key: _translated(value, translated) for key, value in entry.items()}
    return {key: value for key, value in parts.items() if value}
