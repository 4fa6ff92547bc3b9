"""What every patch of ComfyUI's own MODEL costs per step, on a network that computes nothing.

Needs COMFYUI_DIR. The patch's own arithmetic at 81 frames of 832x480 is compared with the matrix
products of one pass of Wan 2.1 1.3B at this machine's speed. Predictions that it asks for beyond
the plain run's are counted; they are what such a step costs.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .row import Row


def measure() -> list[Row]:
    """Own arithmetic, more predictions, and held latents of every patch."""
    if not os.environ.get("COMFYUI_DIR"):
        return [Row("patches of ComfyUI's MODEL", None, "", "needs COMFYUI_DIR")]
    from tests.host.worker import HostWorker

    with tempfile.TemporaryDirectory() as folder, HostWorker(Path(folder) / "host.log") as host:
        found = host.call("tests.host.patch_costs:costs", runs=3)
    patches, plain = found["patches"], found["patches"]["plain"]
    rows = []
    for name, one in patches.items():
        if name == "plain":
            continue
        added = max(one["seconds"] - plain["seconds"], 0.0)
        against = f"matrix products of a pass, extrapolated: {found['pass_s']:.0f} s"
        share = added / found["pass_s"]
        rows += [
            Row(f"{name}, own arithmetic per step", 1e3 * added, "ms", against, share, 0.03),
            Row(
                f"{name}, calls of the network per step",
                one["calls"],
                "calls",
                "plain",
                one["calls"] / plain["calls"],
            ),
            Row(f"{name}, held", one["held"], "latents", "2 latents", one["held"] / 2, 1.0),
        ]
    return rows
