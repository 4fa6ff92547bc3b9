"""The English words of every node, as ComfyUI's locale files spell them.

The schemas are the source: `python -m tests.host.words` rewrites locales/en/nodeDefs.json from
them, and a test holds the file to it. The same command writes the other languages from tables.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import translations
from .pack import ROOT
from .prompt import Described, sockets
from .runner import StandInHost

WORDS = ROOT / "locales" / "en" / "nodeDefs.json"


def node_words(info: Mapping[str, Any]) -> dict[str, Any]:
    """One node's entry: names and tooltips of its inputs (dots become _) and outputs (by place)."""
    outputs = zip(info["output_name"], info["output_tooltips"], strict=True)
    return {
        "display_name": info["display_name"],
        "description": info["description"],
        "inputs": _input_words(info["input"], ""),
        "outputs": {
            str(place): {"name": name, "tooltip": tooltip}
            for place, (name, tooltip) in enumerate(outputs)
        },
    }


def _input_words(described: Described, prefix: str) -> dict[str, Any]:
    """Inputs of several choices may share a key; where their tooltips differ, the file has none
    and the page shows the schema's own."""
    words: dict[str, Any] = {}
    for name, (_, options) in sockets(described):
        key = prefix + name
        words[key] = {"name": name, "tooltip": options["tooltip"]}
        choices = [one for one in options.get("options", ()) if isinstance(one, Mapping)]
        for choice in choices:
            for nested, entry in _input_words(choice["inputs"], f"{key}_").items():
                is_new = words.setdefault(nested, entry) == entry
                words[nested] = entry if is_new else {"name": entry["name"]}
    return words


def all_words() -> dict[str, Any]:
    """Every node of the pack, as locales/en/nodeDefs.json should hold it."""
    with tempfile.TemporaryDirectory() as folder:
        info = StandInHost(Path(folder)).object_info()
    return {
        name: node_words(info[name]) for name in sorted(info) if name.startswith("MotionPrompting")
    }


def written(entries: Mapping[str, Any]) -> str:
    """The text of a locale file."""
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Rewrites the files of all languages."""
    words = all_words()
    for path, entries in {WORDS: words, **translations.files(words)}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(entries), encoding="utf-8")
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
