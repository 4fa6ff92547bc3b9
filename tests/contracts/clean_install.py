"""Proves that the base dependencies are enough: run by `.ci/run` in an environment without extras.

`python -m tests.contracts.clean_install FOLDER` draws a motion, expands it, saves it, drafts a
moving picture of it through the command line and reads everything back.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

DOCUMENT = {
    "version": 1,
    "drawn_on": {"width": 96, "height": 64},
    "layers": [
        {
            "id": "a",
            "type": "drag",
            "points": [[0, 0.3, 0.5], [1, 0.6, 0.5]],
            "brush": {"radius": 0.2, "spacing": 0.1},
        }
    ],
}


def run(*words: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "motion_core", *map(str, words)], check=True)


def main(folder: Path) -> None:
    import torch

    from motion_core.image_files import write_image
    from motion_core.video import read_video

    photo, document = folder / "photo.png", folder / "drag.json"
    tracks, video = folder / "tracks.npz", folder / "draft.mp4"
    write_image(photo, torch.rand(64, 96, 3, generator=torch.Generator().manual_seed(0)))
    document.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    run("expand", document, "--size", "96x64", "--frames", "9", "-o", tracks)
    run("info", tracks)
    run("draft", photo, tracks, "-o", video)
    frames, _ = read_video(video)
    if tuple(frames.shape) != (9, 64, 96, 3):
        raise SystemExit(f"expected a 9x64x96x3 video, got {tuple(frames.shape)}")
    sys.stdout.write("clean install: expand, info and draft ran\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
