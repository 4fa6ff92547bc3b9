"""Clips of a bright square that moves over a dark ground, with exact tracks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from motion_core.formats import write_tracks
from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks
from motion_core.training.track_controlnet.clips import FileClip
from motion_core.video import write_video

SIDE, FRAMES, SQUARE = 32, 5, 12


def square_clip(seed: int, side: int = SIDE, frames: int = FRAMES) -> FileClip:
    """A clip whose tracks are points of the square."""
    rng = np.random.default_rng([5, seed])
    start = rng.integers(0, side - SQUARE, size=2)
    step = rng.integers(-1, 2, size=2)
    video = torch.full((frames, side, side, 3), 30, dtype=torch.uint8)
    corner = [np.clip(start + step * frame, 0, side - SQUARE) for frame in range(frames)]
    for frame, (x, y) in enumerate(corner):
        video[frame, y : y + SQUARE, x : x + SQUARE] = torch.tensor([220, 200, 60])
    inside = torch.tensor([[2.5, 2.5], [9.5, 2.5], [2.5, 9.5], [9.5, 9.5]])
    xy = torch.from_numpy(np.stack(corner)).float()[:, None] + inside
    tracks: Tracks = make_tracks(xy, Size(side, side))
    return FileClip(f"square-{seed}", video, tracks, "a square" if seed % 2 else "")


class Squares:
    """A ClipSource without files."""

    def __init__(self, count: int, side: int = SIDE, frames: int = FRAMES) -> None:
        self.counts, self.side, self.frames = (count,), side, frames

    def __getitem__(self, index: int) -> FileClip:
        return square_clip(index, self.side, self.frames)


def write_squares(folder: Path, count: int, side: int = SIDE) -> Path:
    """A plain folder of clips."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        clip = square_clip(index, side)
        write_video(folder / f"{index}.mp4", clip.video, 16)
        write_tracks(folder / f"{index}.npz", clip.tracks)
        if clip.caption:
            (folder / f"{index}.txt").write_text(clip.caption + "\n", encoding="utf-8")
    return folder
