"""Which golden files there are, and what Python computes for them now."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
DECIMALS = 10


def all_golden_cases() -> dict[str, dict[str, Any]]:
    """File name -> {"about": ..., "cases": [...]}, from every module that defines golden_cases().

    Raises ValueError if two modules claim one file.
    """
    found: dict[str, dict[str, Any]] = {}
    for info in pkgutil.iter_modules([str(FOLDER)]):
        if info.name.startswith("test_") or info.name in ("collect", "write"):
            continue
        cases = importlib.import_module(f"{__package__}.{info.name}").golden_cases()
        claimed = sorted(set(cases) & set(found))
        if claimed:
            raise ValueError(f"{info.name}.py claims {claimed}, which another module writes.")
        found |= cases
    return found


def numbers(values: Any) -> Any:
    """An array as nested lists, rounded far below the tolerance so that diffs stay readable."""
    return (np.round(np.asarray(values, dtype=np.float64), DECIMALS) + 0.0).tolist()


def as_text(content: dict[str, Any]) -> str:
    """A golden file's text: one case per line, so that a diff shows which case changed."""
    about = json.dumps(content["about"], ensure_ascii=False)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in content["cases"])
    return f'{{"about": {about},\n"cases": [\n{lines}\n]}}\n'
