"""Stand-ins for the services of ComfyUI that a node meets when it runs there."""

from __future__ import annotations

import math
import sys
import types
from typing import Any

import pytest


def put_comfy(monkeypatch: pytest.MonkeyPatch, parts: dict[str, dict[str, Any]]) -> None:
    """Modules of the package comfy by name, with what is in them."""
    monkeypatch.setitem(sys.modules, "comfy", types.ModuleType("comfy"))
    for part, words in parts.items():
        module = types.ModuleType(f"comfy.{part}")
        vars(module).update(words)
        monkeypatch.setitem(sys.modules, f"comfy.{part}", module)


class Cancelled(BaseException):
    """Like ComfyUI's InterruptProcessingException: not an Exception."""


class Shown(list[Any]):
    """Every move of the bar, with its picture or None; a press on cancel at `limit`."""

    limit = math.inf


def comfy_bar(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """A host with a bar that shows pictures, and a cancel button."""
    shown = Shown()

    class ProgressBar:
        def __init__(self, total: int) -> None:
            self.total = total

        def update_absolute(self, value: int, total: int, preview: Any = None) -> None:
            shown.append(preview)

    def throw() -> None:
        if len(shown) >= shown.limit:
            raise Cancelled

    parts: dict[str, dict[str, Any]] = {
        "model_management": {"throw_exception_if_processing_interrupted": throw},
        "utils": {"ProgressBar": ProgressBar},
        "cli_args": {
            "LatentPreviewMethod": types.SimpleNamespace(NoPreviews="none"),
            "args": types.SimpleNamespace(preview_method="auto"),
        },
    }
    put_comfy(monkeypatch, parts)
    return shown
