"""Follow Motion on tiny models of a real ComfyUI: its cost per step, and what it holds in memory.

Needs COMFYUI_DIR. The patch costs two wrappers and a few products over latents. A step of a tiny
model is far too short to judge that, so the blend of full-size latents is compared with the matrix
products of a real model's step, extrapolated from this machine's speed.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .row import Row

MODELS = ("wan21_t2v", "ltxv")
NAME = "Follow Motion on {}, {}"


def measure() -> list[Row]:
    """Overhead per step and held latents, for a class of each form."""
    if not os.environ.get("COMFYUI_DIR"):
        return [Row("Follow Motion in ComfyUI", None, "", "needs COMFYUI_DIR")]
    from tests.host.worker import HostWorker

    rows = []
    with tempfile.TemporaryDirectory() as folder, HostWorker(Path(folder) / "host.log") as host:
        for name in MODELS:
            found = host.call("tests.host.follow_runs:overhead", name=name, runs=15)
            added = found["patched_s"] - found["plain_s"]
            rows += [
                Row(
                    NAME.format(name, "a step's overhead"),
                    1e3 * added,
                    "ms",
                    f"a step of the tiny model, {1e3 * found['plain_s']:.2f} ms",
                ),
                Row(
                    NAME.format(name, "held"),
                    found["held_latents"],
                    "latents",
                    "2 latents",
                    found["held_latents"] / 2,
                    1.0,
                ),
            ]
        full = found["large_step_s"]
        rows.append(
            Row(
                "Follow Motion, blend of 81 frames at 832x480",
                1e3 * found["large_blend_s"],
                "ms",
                f"matrix products of a pass of Wan 2.1 1.3B, extrapolated: {full:.0f} s",
                found["large_blend_s"] / full,
                0.03,
            )
        )
    return rows
