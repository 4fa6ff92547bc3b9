"""The draft by layers: time and memory of an analysis, of motion and of frames."""

from __future__ import annotations

import subprocess
import sys
import time

import cv2
import numpy as np
from torch import Tensor

from motion_core.draft.video import LAYERS, draft_frames
from motion_core.geometry import Size
from motion_core.layers.analysis import take_apart
from motion_core.tracks.model import Tracks
from tests.draft.scenes import Disc, Move, Scene

from .row import Row, best_seconds

# Side of the picture and frames, with what they may take in seconds after the analysis.
CLIPS = ((512, 16, 1.0), (1024, 49, 4.0))
ANALYSIS_SECONDS = 1.5
MOST_BYTES = 1e9
# The largest drawing time against cv2.remap of as many whole frames.
REMAP_BUDGET = 4.0


def measure() -> list[Row]:
    """Every figure of the layers."""
    rows = [row for clip in CLIPS for row in measure_clip(*clip)]
    return [*rows, *peak_memory()]


def dragged_disc(side: int, frames: int) -> tuple[Tensor, Tracks]:
    """A square picture (side, side, 3) of a disc, and the tracks of its drag among pins."""
    unit = side / 512
    disc = Disc((220 * unit, 230 * unit), 100 * unit, Move((110 * unit, 40 * unit)))
    scene = Scene(Size(side, side), (disc,), frames=frames)
    return scene.picture(), scene.tracks(inside=10 * unit, outside=60 * unit, gap=8)


def measure_clip(side: int, frames: int, budget_s: float) -> list[Row]:
    """A dragged disc among pins: the analysis, and then motion and frames, on one core.

    The floor is cv2.remap (bicubic, ready-made maps) of as many whole frames.
    """
    image, tracks = dragged_disc(side, frames)
    picture = image.numpy()
    x, y = np.meshgrid(np.arange(side) + 3.3, np.arange(side) - 1.7)
    maps = x.astype(np.float32), y.astype(np.float32)

    def floor() -> None:
        for _ in range(frames):
            cv2.remap(picture, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

    def drawn() -> None:
        # One at a time, as a stream: nothing is kept.
        for _ in draft_frames(image, tracks, method=LAYERS):
            pass

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        started = time.process_time()
        take_apart(image, tracks)
        analysis = time.process_time() - started
        seconds = best_seconds({"layers": drawn, "floor": floor}, repeats=3)
    finally:
        cv2.setNumThreads(threads)
    label = f"layers, drag, {frames} frames of {side}x{side}"
    spent, ratio = seconds["layers"], seconds["layers"] / seconds["floor"]
    return [
        Row(
            f"layers, analysis of {side}x{side}",
            1e3 * analysis,
            "ms",
            f"{ANALYSIS_SECONDS:g} s",
            analysis / ANALYSIS_SECONDS,
            1.0,
        ),
        Row(label, 1e3 * spent, "ms", f"{budget_s:g} s", spent / budget_s, 1.0),
        Row(label, 1e3 * spent, "ms", "cv2.remap of them", ratio, REMAP_BUDGET),
    ]


def peak_memory() -> list[Row]:
    """The largest memory of a process that analyses and draws the larger clip and does nothing
    else, torch included; nothing on Windows, whose Python does not report it."""
    if sys.platform == "win32":
        return []
    child = subprocess.run(
        [sys.executable, "-m", "bench.layers"], capture_output=True, text=True, check=True
    )
    most = int(child.stdout)
    return [Row("layers, peak memory", most / 1e6, "MB", "1 GB", most / MOST_BYTES, 1.0)]


def largest_memory() -> int:
    """Bytes of this process at their largest, after it has drawn the larger clip."""
    import resource

    side, frames, _ = CLIPS[-1]
    for _ in draft_frames(*dragged_disc(side, frames), method=LAYERS):
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    sys.stdout.write(str(largest_memory()))
