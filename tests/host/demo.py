"""make demo: one drag on a real photograph becomes a moving picture.

Runs workflows/api/drag.json and sample_lite.json through the pack's own nodes on the stand-in host
and gathers what they saved in out/demo. A sheet shows a portrait, an animal and a thing with one
drag each, moved by several methods.
"""

from __future__ import annotations

import json
import logging
import platform
import shutil
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from bench.photos import drag, photographs, tile
from motion_core.draft import draft
from motion_core.geometry import Size
from motion_core.image_files import write_image
from motion_core.overlay import contact_sheet, draw_tracks
from motion_core.video import read_video

from .pack import ROOT
from .runner import Run, StandInHost

WORKFLOW = ROOT / "workflows" / "api" / "drag.json"
SAMPLED = ROOT / "workflows" / "api" / "sample_lite.json"
OUT = ROOT / "out" / "demo"
# NASA, public domain; Stéfan van der Walt, CC0; Rachel Michetti, CC0.
PORTRAIT, ANIMAL, THING = "astronaut", "chelsea", "coffee"
METHODS = ("layers", "layered", "moving_least_squares", "lite")
PREFIX = "MotionPrompting"
PACKAGES = ("torch", "numpy", "av", "opencv-python-headless", "pillow", "scikit-image")
TILE_WIDTH = 320
LABEL_HEIGHT = 26


def gather(prompt: dict[str, Any], run: Run, output_dir: Path) -> dict[str, Path]:
    """Copies the workflow's files to out/demo: {name: path}."""
    found = {}
    for node_id, shown in run.ui.items():
        for saved in (*shown.get("tracks", ()), *shown.get("images", ())):
            if saved["type"] != "output":
                continue
            prefix = Path(prompt[node_id]["inputs"]["filename_prefix"]).name
            source = output_dir / saved["subfolder"] / saved["filename"]
            found[prefix] = OUT / f"{prefix}{source.suffix}"
            shutil.copyfile(source, found[prefix])
    return found


def labelled(text: str, row: torch.Tensor) -> torch.Tensor:
    """A row of pictures (H, W, 3) uint8 with a line of text above it."""
    import numpy as np
    from PIL import Image, ImageDraw

    strip = Image.new("RGB", (row.shape[1], LABEL_HEIGHT), "white")
    ImageDraw.Draw(strip).text((6, 4), text, fill="black", font_size=16)
    return torch.cat([torch.from_numpy(np.array(strip)), row])


def write_contact(videos: dict[str, Path]) -> dict[str, list[int]]:
    """contact.png: eight moments of each video, one row each. Gives the videos' sizes."""
    rows, sizes = [], {}
    for label, path in videos.items():
        video, _ = read_video(path)
        sizes[path.name] = list(video.shape)
        rows.append(labelled(label, contact_sheet(video, columns=8, tile_width=TILE_WIDTH)))
    write_image(OUT / "contact.png", torch.cat(rows))
    return sizes


def write_photographs() -> None:
    """photos.png: the drag on each photograph, and the last frame of every method."""
    rows = []
    for photo, image in photographs(None):
        if photo.name not in (PORTRAIT, ANIMAL, THING):
            continue
        tracks = drag(photo, Size(image.shape[1], image.shape[0]))
        drawn = draw_tracks(image[None].expand(tracks.num_frames, -1, -1, -1), tracks)[-1]
        last = [draft(image, tracks, method=method)[-1] for method in METHODS]
        row = torch.cat([tile(one, image) for one in (drawn, *last)], dim=1)
        label = f"{photo.name}: the drag, then {', '.join(METHODS)}"
        rows.append(labelled(label, (row * 255).round().byte()))
    write_image(OUT / "photos.png", torch.cat(rows))


def main() -> None:
    """Runs the workflow, gathers its files, writes contact.png, photos.png and report.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    log = logging.getLogger("demo")
    started = time.perf_counter()
    OUT.mkdir(parents=True, exist_ok=True)
    prompt = json.loads(WORKFLOW.read_text(encoding="utf-8"))
    sampled = json.loads(SAMPLED.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as base:
        host = StandInHost(Path(base))
        run = host.run(prompt)
        second = host.run(sampled)
        files = gather(prompt, run, host.output_dir) | gather(sampled, second, host.output_dir)
    rows = {
        "the tracks over the picture": "overlay",
        "the picture along the tracks": "draft",
        "another drag, sampled by lite": "sample",
    }
    sizes = write_contact({label: files[name] for label, name in rows.items()})
    write_photographs()
    (words,) = (text for shown in run.ui.values() for text in shown.get("text", ()) if "\n" in text)
    seconds = {
        f"{node_id} {prompt[node_id]['class_type'].removeprefix(PREFIX)}": round(took, 3)
        for node_id, took in run.seconds.items()
    } | {"sampling": round(sum(second.seconds.values()), 3)}
    report = {
        "workflow": str(WORKFLOW.relative_to(ROOT)),
        "tracks": words.splitlines(),
        "videos (frames, height, width, channels)": sizes,
        "bytes": {
            path.name: path.stat().st_size
            for path in sorted(OUT.iterdir())
            if path.suffix != ".json"
        },
        "seconds per node": seconds,
        "seconds in all": round(time.perf_counter() - started, 2),
        "versions": {name: version(name) for name in PACKAGES}
        | {"python": platform.python_version(), "platform": platform.platform()},
    }
    (OUT / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    log.info("%s\n", words)
    log.info(
        "Look at %s and %s, then play draft.mp4, overlay.mp4 and sample.mp4.",
        OUT / "contact.png",
        OUT / "photos.png",
    )


if __name__ == "__main__":
    main()
