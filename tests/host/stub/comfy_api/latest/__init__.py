"""The words of comfy_api.latest that this pack uses, as ComfyUI 0.8 to 0.25 understand them."""

from __future__ import annotations

from . import io, ui


class ComfyExtension:
    """A pack: the host awaits on_load, then asks for its nodes."""

    async def on_load(self) -> None:
        """Called once, before get_node_list."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Every node class the pack brings."""
        raise NotImplementedError


__all__ = ["ComfyExtension", "io", "ui"]
