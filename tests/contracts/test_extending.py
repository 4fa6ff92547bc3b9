"""The counts of ARCHITECTURE.md's table "Extending": what names a thing, and would name a new one.

Layer types have tests of their own (tests/document/test_layer_types.py, tests/js/layers.test.js),
and so have families (tests/nodes/test_family_registration.py, with a family declared there).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from motion_core.camera.moves import PRESETS
from motion_core.formats.registry import FORMATS

from .faults import ROOT, tree_of

SOURCES = [path for folder in ("motion_core", "nodes") for path in (ROOT / folder).rglob("*.py")]
SCRIPTS = list((ROOT / "web").rglob("*.js"))
# The node and the command `scene` begin with this preset.
FIRST_PRESET = "orbit_left"


def quoting(word: str) -> list[str]:
    """The sources that hold a word as a text of its own."""
    text = re.compile(rf"[\"'`]{word}[\"'`]")
    paths = [path for path in SOURCES + SCRIPTS if text.search(path.read_text(encoding="utf-8"))]
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def importing(module: str) -> set[str]:
    """The files of motion_core and nodes that import a module of motion_core.formats."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = path.parents[node.level - 1] / (node.module or "").replace(".", "/")
                targets = [
                    base.with_suffix(".py"),
                    *(base / f"{one.name}.py" for one in node.names),
                ]
                if ROOT / "motion_core" / "formats" / f"{module}.py" in targets:
                    found.add(str(path.relative_to(ROOT)))
    return found


def test_a_camera_preset_is_one_entry_of_one_file() -> None:
    named = {name: quoting(name) for name in PRESETS if name != FIRST_PRESET}
    assert len(named) > 20
    assert {tuple(files) for files in named.values()} == {("motion_core/camera/moves.py",)}


def test_a_track_format_is_a_module_that_the_registry_alone_imports() -> None:
    """The package hands on what reads texts instead of files; coordinates are used by others."""
    modules = {entry.read.__module__.rpartition(".")[2] for entry in FORMATS}
    for module in modules - {"coordinates"}:
        importers = importing(module) - {"motion_core/formats/__init__.py"}
        assert importers == {"motion_core/formats/registry.py"}, module
    assert quoting("ati_coordinates") == ["motion_core/formats/registry.py"]


def test_every_track_format_has_a_row_in_the_docs() -> None:
    rows = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8").splitlines()
    first = {row.split("|")[1].strip() for row in rows if row.startswith("| `")}
    assert {f"`{entry.name}`" for entry in FORMATS} <= first


def test_a_node_stands_in_its_module_and_in_the_list_of_nodes() -> None:
    nodes = {path: tree_of(path) for path in (ROOT / "nodes").glob("*.py")}
    classes = {
        node.name: path.name
        for path, tree in nodes.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and "ComfyNode" in ast.unparse(node)[:120]
    }
    assert len(classes) > 40
    imports: dict[str, set[str]] = {name: set() for name in classes}
    for path, tree in nodes.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in {
                Path(file).stem for file in classes.values()
            }:
                for one in node.names:
                    imports.get(one.name, set()).add(path.name)
    assert {name for name, files in imports.items() if files != {"__init__.py"}} == set()
