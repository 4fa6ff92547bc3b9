"""The draft by layers: time and memory of an analysis, of motion and of frames."""

from __future__ import annotations

import sys
import time

import cv2
import numpy as np
from numpy.typing import NDArray

from motion_core.draft.video import LAYERS, draft_frames
from motion_core.geometry import Size
from motion_core.layers.analysis import take_apart
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


def measure_clip(side: int, frames: int, budget_s: float) -> list[Row]:
    """A dragged disc among pins: the analysis, and then motion and frames, on one core.

    The floor is cv2.remap (bicubic, ready-made maps) of as many whole frames.
    """
    unit = side / 512
    disc = Disc((220 * unit, 230 * unit), 100 * unit, Move((110 * unit, 40 * unit)))
    scene = Scene(Size(side, side), (disc,), frames=frames)
    image, tracks = scene.picture(), scene.tracks(inside=10 * unit, outside=60 * unit, gap=8)
    picture = image.numpy()
    x, y = np.meshgrid(np.arange(side) + 3.3, np.arange(side) - 1.7)
    maps = x.astype(np.float32), y.astype(np.float32)

    def floor() -> list[NDArray[np.float32]]:
        return [
            cv2.remap(picture, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            for _ in range(frames)
        ][-1:]

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
    """The largest memory of this process so far, torch and the analysis included; nothing on
    Windows, whose Python does not report it."""
    if sys.platform == "win32":
        return []
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return [Row("layers, peak memory", most / 1e6, "MB", "1 GB", most / MOST_BYTES, 1.0)]
