"""What the shipped workflows expect to find in ComfyUI's input and models folders."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.moves import CameraMove, make_path
from motion_core.camera.setup import CameraSetup
from motion_core.depth.lens import intrinsics_from_fov
from motion_core.formats import write_tracks
from motion_core.geometry import Size
from motion_core.models.lite.weights import KIND
from motion_core.scene.render import render_scene
from motion_core.scene.scene import MIDDLE, Scene, make_scene
from motion_core.tracks import make_tracks
from motion_core.video import write_video
from tests.host.samples import CAT, CLIP, PORTRAIT, TRACKS
from tests.lite.models import BASE, SIZES, tiny_lite

PICTURE_SIZE = Size(96, 64)
# Small files under the names of the samples, which the pack then leaves as they are.
PICTURE, TRACK_FILE, VIDEO = CAT, TRACKS, CLIP
LITE_BASE = "lite_base.safetensors"
VIDEO_FRAMES, VIDEO_FPS = 17, 16.0


def encode_video() -> tuple[Scene, CameraPath]:
    """What the video shows: balls and blocks, and the camera that goes around them."""
    lens = intrinsics_from_fov(PICTURE_SIZE, 60.0)
    setup = CameraSetup(PICTURE_SIZE, lens, torch.tensor(MIDDLE, dtype=torch.float64), VIDEO_FRAMES)
    return make_scene(1), make_path([CameraMove("orbit_left", 10.0)], setup)


@cache
def video_bytes() -> bytes:
    """The video as a file; rendered once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / VIDEO
        write_video(path, render_scene(*encode_video()).video, VIDEO_FPS)
        return path.read_bytes()


def fill_input_folder(folder: Path) -> None:
    """A small picture, track file and video, under the names the workflows use."""
    from PIL import Image

    width, height = PICTURE_SIZE
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    for name in (PICTURE, PORTRAIT):
        Image.fromarray(ramp).save(folder / name)
    along = torch.linspace(10, 60, 9)
    xy = torch.stack([torch.stack([along, along / 2], -1), torch.full((9, 2), 30.0)], dim=1)
    write_tracks(folder / TRACK_FILE, make_tracks(xy, PICTURE_SIZE, fps=8.0))
    (folder / VIDEO).write_bytes(video_bytes())


def fill_models_folder(folder: Path) -> None:
    """Small random weights under the names the workflows use."""
    from safetensors.torch import save_file

    lite = tiny_lite()
    config = {"encoder": asdict(SIZES), "base": asdict(BASE)}
    path = folder / "motion_prompting" / LITE_BASE
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(lite.state_dict(), path, {"kind": KIND, "config": json.dumps(config)})
