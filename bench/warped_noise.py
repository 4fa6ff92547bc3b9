"""Warped noise against ComfyUI's own warper, on the same flow, in one process.

COMFYUI_DIR names a checkout whose comfy_extras/void_noise_warp.py is measured, COMFYUI_PYTHON the
interpreter that has its packages. Without them there is nothing to compare with.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .row import Row

ROOT = Path(__file__).resolve().parents[1]
# A clip as core's node warps it: half the frame's size, times 8, pooled by 32.
CHANNELS, WIDTH, HEIGHT, SCALE, POOL = 16, 416, 240, 4, 32
NAME = f"warped noise, a step at {WIDTH}x{HEIGHT}, {CHANNELS} channels"
# Core's warper must take at least ten times as long.
BUDGET = 0.1


def measure() -> list[Row]:
    """One row: processor seconds per step against core's, each in one thread."""
    checkout = os.environ.get("COMFYUI_DIR")
    if not checkout:
        return [Row(NAME, None, "", "needs COMFYUI_DIR, a ComfyUI checkout")]
    command = [os.environ.get("COMFYUI_PYTHON", sys.executable), "-m", "bench.warped_noise"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, checkout], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"the comparison failed:\n{done.stderr[-2000:]}")
    seconds = json.loads(done.stdout.strip().splitlines()[-1])
    ours, core = seconds["ours"], seconds["core"]
    against = f"core's warper, {core:.3g} CPU s"
    return [Row(NAME, ours, "CPU s", against, ours / core, BUDGET)]


def main(checkout: Path) -> None:
    """Times both and prints the seconds as JSON; runs where ComfyUI can be imported."""
    from tests.host.launch_comfyui import make_torchvision_importable, stand_in_for_torchaudio

    stand_in_for_torchaudio()
    make_torchvision_importable()
    sys.argv = [sys.argv[0], "--cpu"]
    sys.path.insert(0, str(checkout))
    import comfy.options  # type: ignore[import-not-found]

    comfy.options.enable_args_parsing()
    import torch
    from comfy_extras.void_noise_warp import (  # type: ignore[import-not-found]
        NoiseWarper,
        _torch_resize_chw,
    )

    from motion_core.geometry import Size
    from motion_core.guidance.warped_noise import NoiseGrid, step_flow
    from motion_core.guidance.warped_noise.noise import pooled
    from motion_core.guidance.warped_noise.transport import transport

    fine = Size(WIDTH * SCALE, HEIGHT * SCALE)
    grid = NoiseGrid(Size(fine.width // POOL, fine.height // POOL), 2, CHANNELS, POOL)
    flow = zoom_and_pan(fine)
    step = step_flow(flow)
    generator = torch.Generator().manual_seed(0)

    def draw(count: int) -> torch.Tensor:
        return torch.randn(count, CHANNELS, generator=generator)

    cells = fine.width * fine.height
    state = (draw(cells), torch.ones(cells), torch.zeros(cells, 2))
    warper = NoiseWarper(CHANNELS, fine.height, fine.width, torch.device("cpu"))
    planes = flow.permute(2, 0, 1).contiguous()

    def ours() -> None:
        nonlocal state
        state = transport(*state, step, draw)
        pooled(state[0], grid)

    def core() -> None:
        warper(planes[0], planes[1])
        _torch_resize_chw(warper.noise, 1.0 / POOL, "area", copy=False).mul(POOL)

    torch.set_num_threads(1)
    pairs = [(processor_seconds(ours), processor_seconds(core)) for _ in range(4)]
    best = [min(times) for times in zip(*pairs, strict=True)]
    seconds = dict(zip(("ours", "core"), best, strict=True))
    sys.stdout.write(json.dumps(seconds) + "\n")


def processor_seconds(function: Callable[[], None]) -> float:
    """Of one run; it does not count the time of other programs."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def zoom_and_pan(fine):  # type: ignore[no-untyped-def]
    """(R, C, 2) cells: a slow zoom about the middle with a pan, as a camera move has it."""
    import torch

    y, x = torch.meshgrid(torch.arange(fine.height), torch.arange(fine.width), indexing="ij")
    place = torch.stack([x, y], -1).float() - torch.tensor(fine).float() / 2
    return place * 0.01 + torch.tensor([6.3, -2.4])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
