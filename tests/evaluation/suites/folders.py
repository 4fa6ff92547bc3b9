"""Small hand-made folders in the layouts of the benchmarks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from motion_core.formats import write_tracks
from motion_core.geometry import Size
from motion_core.image_files import write_image
from motion_core.tracks import make_tracks
from motion_core.tracks.model import Tracks

SIZE = Size(96, 64)


def texture(seed: int, height: int = 64, width: int = 96) -> Tensor:
    """(H, W, 3) 0..1: smooth random colours."""
    import cv2

    coarse = np.random.default_rng(seed).uniform(0.1, 0.9, (height // 8, width // 8, 3))
    large = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return torch.from_numpy(np.asarray(large)).clamp(0, 1)


def patch_video(frames: int, step: tuple[float, float], background_step: float = 0.0) -> Tensor:
    """(T, H, W, 3): a textured patch of 24 x 24 at (20, 20) that moves by whole pixels `step` per
    frame, over a texture that moves sideways."""
    back, patch = texture(1), texture(2)[:24, :24]
    video = []
    for frame in range(frames):
        picture = back.roll(round(background_step * frame), 1).clone()
        left, top = 20 + round(step[0] * frame), 20 + round(step[1] * frame)
        picture[top : top + 24, left : left + 24] = patch
        video.append(picture)
    return torch.stack(video)


def write_frames(folder: Path, video: Tensor) -> Path:
    """A folder of lossless frames."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(video):
        write_image(folder / f"{number:05d}.png", frame)
    return folder


def straight(frames: int, start: tuple[float, float], step: tuple[float, float]) -> Tracks:
    """One track that moves evenly."""
    times = torch.arange(frames).float()[:, None, None]
    return make_tracks(torch.tensor(start) + times * torch.tensor(step), SIZE)


def mc_bench(folder: Path, drags: dict[str, list]) -> Path:
    """MC-Bench with the first frame of patch_video for every case."""
    for name, points in drags.items():
        place = folder / "object" / name
        place.mkdir(parents=True)
        write_image(place / "first_frame.png", patch_video(1, (0, 0))[0])
        meta = json.dumps({"traj_key_points": points})
        (place / "meta_data.json").write_text(meta, encoding="utf-8")
    return folder


def move_bench(folder: Path, video: Tensor, tracks: Tracks) -> Path:
    """MoveBench/en with one case, its true video as a folder of frames."""
    for part in ("first_frame", "track/single", "video"):
        (folder / part).mkdir(parents=True)
    (folder / "single_track.txt").write_text("a.mp4,a patch, moving\n", encoding="utf-8")
    write_image(folder / "first_frame" / "a.jpg", video[0])
    write_tracks(folder / "track" / "single" / "a_tracks.npy", tracks)
    write_frames(folder / "video" / "a", video)
    return folder
