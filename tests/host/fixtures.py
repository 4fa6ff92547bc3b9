"""What the shipped workflows expect to find in ComfyUI's input folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from motion_core.formats import write_tracks
from motion_core.geometry import Size
from motion_core.tracks import make_tracks

PICTURE_SIZE = Size(96, 64)
PICTURE = "example.png"
TRACK_FILE = "tracks.npz"


def fill_input_folder(folder: Path) -> None:
    """A small picture and a small track file, under the names the workflows use."""
    from PIL import Image

    width, height = PICTURE_SIZE
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    Image.fromarray(ramp).save(folder / PICTURE)
    along = torch.linspace(10, 60, 9)
    xy = torch.stack([torch.stack([along, along / 2], -1), torch.full((9, 2), 30.0)], dim=1)
    write_tracks(folder / TRACK_FILE, make_tracks(xy, PICTURE_SIZE, fps=8.0))
