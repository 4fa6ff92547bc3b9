"""Runs a ComfyUI checkout's main.py; a script for the interpreter that has ComfyUI's packages.

ComfyUI imports torchaudio and torchvision's compiled operators at start, though nothing that is
tested here uses either. Where they are missing or do not fit the installed torch, empty stand-ins
take their place, so that a CPU machine without matching wheels can still start the real host.

Usage: python launch_comfyui.py CHECKOUT [ComfyUI flags...]
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import runpy
import sys
import types
from pathlib import Path


class EmptyPackage(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a package and all of its submodules, every one of them empty."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.split(".")[0] != self.name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: types.ModuleType) -> None:
        """Leaves the module empty."""


def stand_in_for_torchaudio() -> None:
    """An empty torchaudio with empty submodules, when none is installed."""
    if importlib.util.find_spec("torchaudio") is None:
        sys.meta_path.append(EmptyPackage("torchaudio"))


def declare_torchvision_operators() -> None:
    """The operators that torchvision's Python files expect from its compiled library."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in (
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    ):
        library.define(schema)
    sys.modules["motion_prompting_torchvision_operators"] = types.ModuleType("kept")
    sys.modules["motion_prompting_torchvision_operators"].library = library  # type: ignore[attr-defined]


def make_torchvision_importable() -> None:
    """torchvision's Python part works without its compiled library once the names exist."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        declare_torchvision_operators()


def main(checkout: Path, flags: list[str]) -> None:
    """Becomes ComfyUI's main.py, with its own folder first on the path."""
    stand_in_for_torchaudio()
    make_torchvision_importable()
    os.chdir(checkout)
    sys.path[0] = str(checkout)
    sys.argv = [str(checkout / "main.py"), *flags]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
