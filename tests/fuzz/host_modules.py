"""ComfyUI's modules of progress and models, present while a context is open."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Callable, Iterator

from tests.host.stand_in_models import comfy_parts


class SilentBar:
    """The host's progress bar, drawn nowhere."""

    def __init__(self, total: int) -> None: ...

    def update_absolute(self, value: int, total: int, preview: object = None) -> None: ...


@contextlib.contextmanager
def host_with(bar: type, throw: Callable[[], None]) -> Iterator[None]:
    """ComfyUI's modules of progress: the class of its bar, and what a press on cancel raises in."""
    modules = {"comfy": types.ModuleType("comfy")}
    for part, words in comfy_parts().items():
        modules[f"comfy.{part}"] = types.ModuleType(f"comfy.{part}")
        vars(modules[f"comfy.{part}"]).update(words)
    vars(modules["comfy.model_management"])["throw_exception_if_processing_interrupted"] = throw
    vars(modules["comfy.utils"])["ProgressBar"] = bar
    for name, module in list(modules.items()):
        parent, _, part = name.rpartition(".")
        if parent:
            vars(modules[parent])[part] = module
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
