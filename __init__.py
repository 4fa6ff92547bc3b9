"""Motion Prompting for ComfyUI. Importing this costs nothing; the host asks for the nodes."""

from __future__ import annotations

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    """The pack, as ComfyUI loads it. Runs once, after the host is up."""
    from .nodes import MotionPrompting

    return MotionPrompting()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
