"""Runs functions of the tests inside ComfyUI's own Python, with a checkout imported as it is.

A script for the interpreter that has ComfyUI's packages; tests use `worker.HostWorker`. It reads
one JSON request per line, {"call": "module:function", "args": {...}}, and answers with one line,
{"result": ...} or {"error": ..., "trace": ...}. Nothing is written into the checkout.

Usage: python host_worker.py CHECKOUT
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACK = "motion_prompting_pack"


def import_package(name: str, folder: Path) -> None:
    """Import a package from a folder, whatever else is on the path under its name."""
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def start(checkout: Path) -> None:
    """Import ComfyUI on the CPU, our tests, and our pack under the name PACK."""
    sys.path[0] = str(checkout)
    sys.argv = [str(checkout / "main.py"), "--cpu"]
    os.chdir(checkout)
    import_package("tests", ROOT / "tests")
    from tests.host.launch_comfyui import make_torchvision_importable, stand_in_for_torchaudio

    stand_in_for_torchaudio()
    make_torchvision_importable()
    import comfy.options

    comfy.options.enable_args_parsing()
    import comfy.samplers

    import_package(PACK, ROOT)
    logging.getLogger().setLevel(logging.ERROR)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What the requested function returned, or how it failed."""
    module, function = request["call"].split(":")
    try:
        found = getattr(importlib.import_module(module), function)
        return {"result": found(**request["args"])}
    except Exception as error:  # noqa: BLE001 - whatever fails is the answer
        return {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}


def serve() -> None:
    """Answer requests until the input ends. What else is printed goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    start(Path(sys.argv[1]).resolve())
    answers.write(json.dumps({"result": "ready"}) + "\n")
    answers.flush()
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
