"""One contract, many files: every fault of every file, in one list that a test prints whole."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a Python file, parsed once for all contracts; do not change it."""
    return _parsed(path.read_text(encoding="utf-8"))


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def faults_of(paths: Iterable[Path], rule: Callable[[Path], list[str]]) -> list[str]:
    """What ``rule`` finds in each file, as ``path: fault``."""
    return [f"{path.relative_to(ROOT)}: {fault}" for path in paths for fault in rule(path)]
