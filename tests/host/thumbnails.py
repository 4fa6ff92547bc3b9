"""The moving thumbnails of the templates: `python -m tests.host.thumbnails [NAME...]`.

Each is the result of its workflow on the samples, square, as an animated WebP. Of a workflow that
needs a model, the part before the model is run: its draft, its tracks or its camera render.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from .pack import ROOT
from .runner import StandInHost
from .samples import SAMPLES

FOLDER = ROOT / "workflows"
SIDE, FRAMES, MILLISECONDS, QUALITY = 256, 20, 110, 45
OURS = "MotionPrompting"
# The node and its output that a thumbnail shows; the first of these that a workflow has.
SHOWN = (
    *(("MoftSimilarity", 0), ("EditByDrag", 0), ("TrackSampler", 0), ("CameraTracks", 1)),
    *(("TracksToControlVideo", 0), ("DraftMotion", 0), ("TrackVideo", 1), ("PreviewTracks", 0)),
)
# Where another one says more.
BETTER = {
    "drag": ("PreviewTracks", 0),
    "object_plus_camera": ("PreviewTracks", 0),
    "evaluate_motion": ("PreviewTracks", 0),
    "track_toolbox": ("PreviewTracks", 0),
    "load_tracks": ("PreviewTracks", 0),
    "native_wan_move": ("PreviewTracks", 0),
    "native_ati": ("PreviewTracks", 0),
    "wan_move_tracks": ("PreviewTracks", 0),
}
# Models that the tests cannot load.
NEED_MODELS = ("UNETLoader", "CheckpointLoaderSimple")


def needed_by(prompt: Mapping[str, Any], node_id: str) -> dict[str, Any]:
    """A node and all nodes before it."""
    found: dict[str, Any] = {}
    waiting = [node_id]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = prompt[name]
        links = [one for one in prompt[name]["inputs"].values() if isinstance(one, list)]
        waiting += [str(link[0]) for link in links]
    return found


def candidates(name: str, prompt: Mapping[str, Any]) -> list[tuple[str, int]]:
    """(node id, output) of what the thumbnail could show, the best first."""
    kinds = [*([BETTER[name]] if name in BETTER else []), *SHOWN]
    return [
        (node_id, place)
        for kind, place in kinds
        for node_id, node in prompt.items()
        if node["class_type"] == OURS + kind
    ]


def video_of(host: StandInHost, name: str) -> torch.Tensor:
    """(T, H, W, 3), the clip to show. Raises RuntimeError where no part of the workflow runs."""
    prompt = json.loads((FOLDER / "api" / f"{name}.json").read_text(encoding="utf-8"))
    for node_id, place in candidates(name, prompt):
        part = needed_by(prompt, node_id)
        if any(node["class_type"] not in host.nodes for node in part.values()):
            continue
        if _needs_weights(part):
            continue
        shown = {"class_type": "PreviewImage", "inputs": {"images": [node_id, place]}}
        return host.run(part | {"shown": shown}).outputs[node_id][place]
    raise RuntimeError(f"no part of {name} runs without models")


def _needs_weights(part: Mapping[str, Any]) -> bool:
    models = [
        node["inputs"].get("model")
        for node in part.values()
        if node["class_type"] == f"{OURS}LoadTrackModel"
    ]
    depths = [node for node in part.values() if node["class_type"] == f"{OURS}EstimateDepth"]
    return bool(depths) or any(model != "lite" for model in models)


def square(frame: torch.Tensor) -> Image.Image:
    """The middle of a frame (H, W, 3), SIDE pixels wide."""
    picture = Image.fromarray((frame.clamp(0, 1) * 255).round().byte().numpy())
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    cut = picture.crop((left, top, left + side, top + side))
    return cut.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def write_thumbnail(video: torch.Tensor, path: Path) -> None:
    """A video as an animated WebP."""
    places = np.linspace(0, len(video) - 1, min(FRAMES, len(video))).round().astype(int)
    first, *others = [square(video[place]) for place in places]
    options = {"quality": QUALITY, "method": 6, "duration": MILLISECONDS, "loop": 0}
    first.save(path, save_all=True, append_images=others, **options)


def main(names: list[str]) -> None:
    """Rewrites the thumbnails of some workflows, or of all."""
    torch.set_num_threads(2)
    for name in names or sorted(path.stem for path in FOLDER.glob("*.json")):
        with tempfile.TemporaryDirectory() as folder:
            host = StandInHost(Path(folder))
            for sample in SAMPLES.iterdir():
                shutil.copy(sample, host.input_dir)
            try:
                write_thumbnail(video_of(host, name), FOLDER / f"{name}.webp")
                sys.stdout.write(f"{name}\n")
            except Exception as error:  # noqa: BLE001
                sys.stdout.write(f"{name}: {type(error).__name__}: {error}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
