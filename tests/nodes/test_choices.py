"""What ComfyUI's own page can draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.host.prompt import sockets
from tests.host.runner import StandInHost

WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COMFY_DYNAMICCOMBO_V3"}


def kinds(described: Mapping[str, Any]) -> set[str]:
    """Types of some inputs, old-style lists being combos."""
    return {"COMBO" if isinstance(kind, list) else kind for _, (kind, _) in sockets(described)}


def test_no_choice_begins_with_sockets_alone(host: StandInHost) -> None:
    """The page fails to make a node whose first choice brings sockets and no widget ("Failed to
    find input socket"), in both renderers."""
    for name, info in host.object_info().items():
        for socket, (kind, options) in sockets(info["input"]):
            if kind == "COMFY_DYNAMICCOMBO_V3":
                first = kinds(options["options"][0]["inputs"])
                assert not first or first & WIDGETS, f"{name}.{socket}: begin with another choice"
