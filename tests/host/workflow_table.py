"""The tables of docs/workflows.md: every workflow, what it needs and what is checked of it.

`python -m tests.host.workflow_table` writes the tables of the page from web/templates.json and from
what the tests run; a test holds the page to it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from .model_nodes import GRAPHS
from .pack import ROOT
from .tiny_weights import WEIGHTED

PAGE = ROOT / "docs" / "workflows.md"
INDEX = ROOT / "web" / "templates.json"
# Around the tables in the page.
BEGIN, END = "<!-- {name}: python -m tests.host.workflow_table -->\n", "<!-- end -->"
LISTED = "| title | file | shows | needs |\n|---|---|---|---|\n"
CHECKED = "| file | classic | Vue |\n|---|---|---|\n"
# Not looked at in a screenshot.
NO_SCREENSHOT: set[str] = set()


def needs(entry: dict[str, Any]) -> str:
    """What a workflow needs, in words."""
    if not entry.get("needs_models"):
        return "runs now"
    size = entry.get("gigabytes")
    return "models" if size is None else f"{size} GB of models"


def marks(name: str) -> str:
    """What is checked of a workflow in one renderer."""
    ran = "part" if name in GRAPHS else "small" if name in WEIGHTED else "runs"
    looked = [] if name in NO_SCREENSHOT else ["looked"]
    return ", ".join(["opens", "apart", ran, *looked])


def tables() -> dict[str, str]:
    """The tables of the page by name."""
    index = json.loads(INDEX.read_text(encoding="utf-8"))
    listed = [
        f"| {one['title']} | `{one['name']}.json` | {one['description']} | {needs(one)} |\n"
        for one in index
    ]
    checked = [
        f"| `{one['name']}.json` | {marks(one['name'])} | {marks(one['name'])} |\n" for one in index
    ]
    return {"listed": LISTED + "".join(listed), "checked": CHECKED + "".join(checked)}


def page(text: str) -> str:
    """The text of the page with its tables brought up to date."""
    for name, table in tables().items():
        before, rest = text.split(BEGIN.format(name=name))
        _, after = rest.split(END, 1)
        text = before + BEGIN.format(name=name) + table + END + after
    return text


def main() -> None:
    """Rewrites the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")


if __name__ == "__main__":
    main()
