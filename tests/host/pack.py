"""Loads the pack the way ComfyUI does: from its folder, under a name of the host's choosing."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUB = Path(__file__).resolve().parent / "stub"
MODULE_NAME = "/custom_nodes/motion-prompting"


def use_stub() -> None:
    """Puts the stand-in comfy_api and folder_paths on the import path. Harmless when repeated."""
    if str(STUB) not in sys.path:
        sys.path.insert(0, str(STUB))


def load_pack(root: Path = ROOT) -> Any:
    """The pack's top module, freshly executed under MODULE_NAME unless it is loaded already."""
    use_stub()
    if MODULE_NAME in sys.modules:
        return sys.modules[MODULE_NAME]
    spec = importlib.util.spec_from_file_location(MODULE_NAME, root / "__init__.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE_NAME] = module
    spec.loader.exec_module(module)
    return module


def pack_nodes() -> dict[str, Any]:
    """{node id: node class} as the pack's entry point gives them."""
    entry_point = load_pack().comfy_entrypoint

    async def ask() -> list[Any]:
        extension = await entry_point()
        await extension.on_load()
        return await extension.get_node_list()

    return {node.GET_SCHEMA().node_id: node for node in asyncio.run(ask())}


def pack_module(name: str) -> Any:
    """A module of the pack by its path inside it, such as "nodes.host"."""
    load_pack()
    pack_nodes()
    return sys.modules[f"{MODULE_NAME}.{name}"]
