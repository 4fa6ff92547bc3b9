"""The words our schemas share: the TRACKS socket, canvas inputs, what newer hosts understand."""

from __future__ import annotations

import inspect
from typing import Any

from comfy_api.latest import io

from ..motion_core.geometry import MAX_SIDE

PREFIX = "MotionPrompting"
MAX_FRAMES = 4096

# The host's own socket type; io.Custom names it on every version, io.Tracks only on newer ones.
TracksSocket = io.Custom("TRACKS")

ADVANCED: dict[str, Any] = {"advanced": True}


def schema(name: str, *, aliases: list[str], **words: Any) -> io.Schema:
    """A Schema with our id prefix; search aliases are left out where the host has none."""
    if "search_aliases" in inspect.signature(io.Schema).parameters:
        words["search_aliases"] = aliases
    return io.Schema(node_id=PREFIX + name, **words)


def tracks_input(tooltip: str = "The tracks: any TRACKS, also from ComfyUI's own nodes.") -> Any:
    """A required TRACKS socket."""
    return TracksSocket.Input("tracks", tooltip=tooltip)


def tracks_output(tooltip: str) -> Any:
    """A TRACKS socket that gives."""
    return TracksSocket.Output("tracks", display_name="tracks", tooltip=tooltip)


def canvas_inputs() -> list[Any]:
    """canvas_width and canvas_height: needed only by tracks that lost their canvas on the way."""
    return [
        io.Int.Input(
            f"canvas_{side}",
            default=0,
            min=0,
            max=MAX_SIDE,
            optional=True,
            extra_dict=ADVANCED,
            tooltip=f"Canvas {side} in pixels that the tracks were measured on. Leave 0: only "
            "tracks that passed through other packs' nodes have lost their canvas.",
        )
        for side in ("width", "height")
    ]
