"""One contract, many files: every fault of every file, in one list that a test prints whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def faults_of(paths: Iterable[Path], rule: Callable[[Path], list[str]]) -> list[str]:
    """What ``rule`` finds in each file, as ``path: fault``."""
    return [f"{path.relative_to(ROOT)}: {fault}" for path in paths for fault in rule(path)]
