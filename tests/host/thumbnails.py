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
SIDE, FRAMES, MOST_FRAMES, MILLISECONDS, QUALITY = 256, 20, 33, 110, 45
STILL_MILLISECONDS, MOST_BYTES = 500, 160_000
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
    "pose_motion": ("PreviewTracks", 0),
    "track_toolbox": ("PreviewTracks", 0),
    "load_tracks": ("PreviewTracks", 0),
    "native_wan_move": ("PreviewTracks", 0),
    "native_ati": ("PreviewTracks", 0),
    "wan_move_tracks": ("PreviewTracks", 0),
    "follow_signal": ("LoadMotionSignal", 1),
}
# Workflows that begin with what another one writes, or with nodes that the stand-in lacks.
SAME_AS = {
    "crossview_ltx": "camera_orbit",
    "cameraman_ltx": "camera_orbit",
}
ROOM = {
    "source": "ground and wall",
    "source.horizon": 0.2,
    "source.wall_foot": 0.85,
    "fov_deg": 0,
    "remove_flying": True,
}


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
    text = (FOLDER / "api" / f"{SAME_AS.get(name, name)}.json").read_text(encoding="utf-8")
    prompt = lighter(with_draft(with_made_up_depth(json.loads(text))))
    for node_id, place in candidates(name, prompt):
        part = needed_by(prompt, node_id)
        if any(node["class_type"] not in host.nodes for node in part.values()):
            continue
        if _needs_weights(part):
            continue
        shown = {"class_type": "PreviewImage", "inputs": {"images": [node_id, place]}}
        run = host.run(part | {"shown": shown})
        video = run.outputs[node_id][place]
        if len(video) > 1:
            return video
        source, output = prompt[node_id]["inputs"]["image"]
        return torch.cat([run.outputs[source][output][:1], video]).repeat_interleave(2, dim=0)
    raise RuntimeError(f"no part of {name} runs without models")


def with_draft(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt and, where its drawing goes to a model alone, a draft of it."""
    drawn = [key for key, node in prompt.items() if node["class_type"] == f"{OURS}DrawMotion"]
    if not drawn or any(node["class_type"] == f"{OURS}DraftMotion" for node in prompt.values()):
        return dict(prompt)
    image = prompt[drawn[0]]["inputs"]["image"]
    inputs = {"image": image, "tracks": [drawn[0], 0]}
    return dict(prompt) | {"draft": {"class_type": f"{OURS}DraftMotion", "inputs": inputs}}


def lighter(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt with smaller images and shorter clips: enough for a thumbnail."""
    changed = {}
    for node_id, node in prompt.items():
        inputs = dict(node["inputs"])
        if node["class_type"] == "ImageScale":
            inputs |= {side: inputs[side] // 2 for side in ("width", "height")}
        if isinstance(inputs.get("frames"), int):
            inputs["frames"] = min(inputs["frames"], MOST_FRAMES)
        changed[node_id] = node | {"inputs": inputs}
    return changed


def with_made_up_depth(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt with a room's depth in place of depth models."""
    changed = dict(prompt)
    for node_id, node in prompt.items():
        inputs = node["inputs"]
        is_model = inputs.get("source") in ("moge", "da3")
        if node["class_type"] == f"{OURS}EstimateDepth" or is_model:
            kept = {key: inputs[key] for key in ("image", "all_frames") if key in inputs}
            changed[node_id] = {"class_type": f"{OURS}DepthMap", "inputs": kept | ROOM}
    return changed


def _needs_weights(part: Mapping[str, Any]) -> bool:
    models = [
        node["inputs"].get("model")
        for node in part.values()
        if node["class_type"] == f"{OURS}LoadTrackModel"
    ]
    return any(model != "lite" for model in models)


def square(frame: torch.Tensor) -> Image.Image:
    """The middle of a frame (H, W, 3), SIDE pixels wide."""
    picture = Image.fromarray((frame.clamp(0, 1) * 255).round().byte().numpy())
    side = min(picture.size)
    left, top = ((length - side) // 2 for length in picture.size)
    cut = picture.crop((left, top, left + side, top + side))
    return cut.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def write_thumbnail(video: torch.Tensor, path: Path) -> None:
    """A video as an animated WebP; a busy one gets fewer frames."""
    for most in (FRAMES, FRAMES * 2 // 3, FRAMES // 2):
        places = np.linspace(0, len(video) - 1, min(most, len(video))).round().astype(int)
        first, *others = [square(video[place]) for place in places]
        duration = MILLISECONDS * FRAMES // most if len(places) > 4 else STILL_MILLISECONDS
        options = {"quality": QUALITY, "method": 6, "duration": duration, "loop": 0}
        first.save(path, save_all=True, append_images=others, **options)
        if path.stat().st_size < MOST_BYTES:
            return


def main(names: list[str]) -> None:
    """Rewrites the thumbnails of some workflows, or of all."""
    torch.set_num_threads(2)
    for name in names or sorted(path.stem for path in FOLDER.glob("*.json")):
        with tempfile.TemporaryDirectory() as folder:
            host = StandInHost(Path(folder))
            shutil.copytree(SAMPLES, host.input_dir, dirs_exist_ok=True)
            try:
                write_thumbnail(video_of(host, name), FOLDER / f"{name}.webp")
                sys.stdout.write(f"{name}\n")
            except Exception as error:  # noqa: BLE001
                sys.stdout.write(f"{name}: {type(error).__name__}: {error}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
