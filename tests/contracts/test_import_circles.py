"""No two modules of motion_core import each other, directly or through others."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .faults import ROOT, tree_of


def module_name(path: Path, root: Path) -> str:
    """The dotted name of a file; that of the package for its __init__.py."""
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, root: Path, known: set[str]) -> set[str]:
    """The modules among `known` that a file imports anywhere in it, also inside functions."""
    package = list(path.relative_to(root).parent.parts)
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                child = f"{module}.{alias.name}"
                found.add(child if child in known else module)
    return found & known - {module_name(path, root)}


def import_circles(folder: Path, root: Path) -> list[list[str]]:
    """Strongly connected components of more than one module in the import graph of a folder."""
    files = {module_name(path, root): path for path in sorted(folder.rglob("*.py"))}
    index = {name: place for place, name in enumerate(files)}
    edges = [
        (index[name], index[other])
        for name, path in files.items()
        for other in imported(path, root, set(files))
    ]
    rows, columns = np.array(edges, dtype=int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(edges)), (rows, columns)), shape=(len(files), len(files)))
    _, labels = connected_components(graph, directed=True, connection="strong")
    names = np.array(list(files))
    circles = [names[labels == label].tolist() for label in np.unique(labels)]
    return [circle for circle in circles if len(circle) > 1]


def test_motion_core_has_no_import_circles() -> None:
    assert import_circles(ROOT / "motion_core", ROOT) == []


def test_the_rule_catches_a_circle_through_a_function_and_a_third_module(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "a.py").write_text("from . import b\n", encoding="utf-8")
    (package / "b.py").write_text("from pack.c import x\n", encoding="utf-8")
    (package / "c.py").write_text("def f():\n    from .a import y\n", encoding="utf-8")
    (package / "d.py").write_text("import pack.a\nfrom .c import f\n", encoding="utf-8")
    assert import_circles(package, tmp_path) == [["pack.a", "pack.b", "pack.c"]]
