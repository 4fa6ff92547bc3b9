"""The default tracker against bare Lucas-Kanade, forwards and backwards, on the same pictures."""

from __future__ import annotations

import time

import cv2
import numpy as np
import torch

from motion_core.geometry import Size
from motion_core.trackers import LucasKanade, random_queries
from tests.trackers.scenes import Clip, Motion

from .row import Row

SIZE, FRAMES, POINTS = Size(854, 480), 100, 1024
BUDGET = 1.3


def measure() -> list[Row]:
    """Processor time of 1,024 tracks through 100 frames at 480p, the best of five turns."""
    part = Clip(Motion((40.0, 10.0), 5.0), size=SIZE, frames=20).video()
    video = torch.cat([part, part.flip(0)] * 3)[:FRAMES]
    queries = random_queries(SIZE, POINTS, torch.Generator().manual_seed(0))
    greys = [cv2.cvtColor(frame.numpy(), cv2.COLOR_RGB2GRAY) for frame in video]

    def bare() -> None:
        points = (queries[:, None, 1:] - 0.5).numpy()
        for before, after in zip(greys, greys[1:], strict=False):
            moved, _, _ = cv2.calcOpticalFlowPyrLK(before, after, points, np.empty(0))
            cv2.calcOpticalFlowPyrLK(after, before, moved, np.empty(0))
            points = moved

    works = {"ours": lambda: LucasKanade().track(video, queries), "bare": bare}
    best = dict.fromkeys(works, float("inf"))
    for _ in range(5):
        for name, work in works.items():
            begin = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - begin)
    label = f"track, {POINTS} points, {FRAMES} frames of {SIZE}"
    against = "bare calcOpticalFlowPyrLK there and back"
    return [Row(label, best["ours"], "CPU s", against, best["ours"] / best["bare"], BUDGET)]
