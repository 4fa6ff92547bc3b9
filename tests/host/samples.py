"""python -m tests.host.samples: rewrites samples/, the media on which the templates open.

The photographs come with scikit-image. The clip and the tracks are renders of our own from them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch

from motion_core.document import read_document
from motion_core.draft import draft
from motion_core.expand import expand_document, touched_area
from motion_core.formats import write_tracks
from motion_core.geometry import Size
from motion_core.images import resize_images
from motion_core.motion_signal import MotionSignal, write_motion_signal
from motion_core.tracks.model import Tracks
from motion_core.video import write_video

from .pack import ROOT

SAMPLES = ROOT / "samples"
CAT = "motion_prompting_cat.jpg"
PORTRAIT = "motion_prompting_portrait.jpg"
CLIP = "motion_prompting_cat.mp4"
TRACKS = "motion_prompting_tracks.npz"
SIGNAL = "motion_prompting_signal"
FRAMES, FPS = 33, 16.0
# Half the size of Wan 2.2 5B's videos, and their frames: 4n + 1, at 24 per second.
SIGNAL_SIZE, SIGNAL_FRAMES, SIGNAL_FPS = Size(416, 240), 81, 24.0
# White around moving points, as a fraction of the short side.
SIGNAL_RADIUS = 0.06
QUALITY = 90
# The head nods down to the left and comes back; the corners of the picture rest.
NOD: dict[str, Any] = {
    "version": 1,
    "drawn_on": {"width": 450, "height": 300},
    "layers": [
        {
            "id": "head",
            "type": "drag",
            "points": [[0, 0.5, 0.45], [0.45, 0.465, 0.475], [0.75, 0.49, 0.44], [1, 0.5, 0.45]],
            "curve": "catmull_rom",
            "brush": {"radius": 0.7, "spacing": 0.08, "falloff": "gaussian"},
        },
        {"id": "still", "type": "pin", "area": "background", "spacing": 0.08},
    ],
}


def cat_picture() -> torch.Tensor:
    """(300, 450, 3) 0..1: Chelsea by Stéfan van der Walt, CC0; even sides, as encoders want."""
    import skimage.data

    return torch.from_numpy(skimage.data.chelsea()[:, :450].copy()).float() / 255


def tracks_of_nod() -> Tracks:
    """The tracks of the drawn nod."""
    return expand_document(read_document(json.dumps(NOD)), Size(450, 300), FRAMES, fps=FPS)


def signal() -> MotionSignal:
    """The nod as a folder of Time-to-Move: its draft, and white where the head ever is."""
    cat = cat_picture()[20:280]
    picture = resize_images(cat, SIGNAL_SIZE).clamp(0, 1)
    tracks = expand_document(
        read_document(json.dumps(NOD)), SIGNAL_SIZE, SIGNAL_FRAMES, fps=SIGNAL_FPS
    )
    mask = touched_area(tracks, SIGNAL_RADIUS * min(SIGNAL_SIZE))
    masks = mask.expand(SIGNAL_FRAMES, -1, -1)
    return MotionSignal(picture, draft(picture, tracks), masks, SIGNAL_FPS, "A cat nods.")


def write_samples(folder: Path) -> None:
    """Write all five samples."""
    import skimage.data
    from PIL import Image

    cat = cat_picture()
    Image.fromarray((cat.numpy() * 255).round().astype("uint8")).save(folder / CAT, quality=QUALITY)
    Image.fromarray(skimage.data.astronaut()).save(folder / PORTRAIT, quality=QUALITY)
    tracks = tracks_of_nod()
    write_tracks(folder / TRACKS, tracks)
    write_video(folder / CLIP, draft(cat, tracks), FPS)
    write_signal(folder / SIGNAL)


def write_signal(folder: Path) -> None:
    """Write the folder of Time-to-Move anew."""
    shutil.rmtree(folder, ignore_errors=True)
    write_motion_signal(folder, signal())


if __name__ == "__main__":
    SAMPLES.mkdir(exist_ok=True)
    write_samples(SAMPLES)
