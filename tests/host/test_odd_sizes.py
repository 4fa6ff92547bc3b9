"""Every video of this pack is encoded by ComfyUI's own Save Video, from an image with odd sides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

from tests.host.test_workflows import video_shape
from tests.nodes.test_even_sides import VIDEOS

pytestmark = [pytest.mark.slow, pytest.mark.real_host]

FRAMES = 5
ODD, EVEN = (97, 63), (62, 96)
OURS = "MotionPrompting"
# Estimate Depth returns what Depth Map returns, by the same function; MOFT needs weights, whose
# sizes are multiples of 8.
LEFT_OUT = {"EstimateDepth", "MoftSimilarity"}
IN_GREY = {
    "meaning": "inverse",
    "invert": False,
    "near": 1.0,
    "far": 10.0,
    "scale": 1.0,
    "index": 0,
}
MOTION = {
    "version": 1,
    "drawn_on": {"width": ODD[0], "height": ODD[1]},
    "layers": [
        {"id": "a", "type": "drag", "points": [[0, 0.4, 0.5], [1, 0.6, 0.5]]},
        {"id": "b", "type": "pin", "area": "background", "spacing": 0.2},
    ],
}


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    """An entry of an API prompt; `__` in a name stands for a dot."""
    named = {name.replace("__", "."): value for name, value in inputs.items()}
    return {"class_type": kind, "inputs": named}


def sources() -> dict[str, dict[str, Any]]:
    """An odd image, a clip of it, a drawing, depth, a camera path and a model."""
    size = {"width": 64, "height": 64, "frames": FRAMES, "fps": 16.0}
    ground = {"source": "ground and wall", "source.horizon": 0.2, "source.wall_foot": 0.85}
    depth = {**ground, "fov_deg": 0, "remove_flying": True}
    move = {"preset": "orbit_left", "amount": 20, "unit": "pivot", "easing": "preset's own"}
    moves = {f"motion.{name}": value for name, value in move.items()} | {"motion.seed": 0}
    path = {"motion": "move", "pivot": "median depth", "frames": FRAMES, "fps": 16}
    return {
        "image": node("LoadImage", image="odd.png"),
        "clip": node("RepeatImageBatch", image=["image", 0], amount=FRAMES),
        "draw": node(f"{OURS}DrawMotion", image=["image", 0], motion=json.dumps(MOTION), **size),
        "depth": node(f"{OURS}DepthMap", image=["image", 0], **depth),
        "camera": node(f"{OURS}CameraPath", depth=["depth", 0], combine="after", **path, **moves),
        "model": node(
            f"{OURS}LoadTrackModel",
            model="lite",
            model__file="",
            model__generate=False,
            model__layers=False,
        ),
    }


def videos() -> dict[str, tuple[dict[str, Any], tuple[int, ...]]]:
    """For every node that makes videos: its entry, and the places of its videos."""
    places = {
        "CameraTracks": (1, 5),
        "ComposeMotion": (1, 4),
        "DepthMap": (1,),
        "SeparateMotion": (3,),
        "TrackVideo": (1,),
    }
    return {
        name: (node(OURS + name, **inputs), places.get(name, (0,)))
        for name, inputs in {**from_tracks(), **from_images()}.items()
    }


def from_tracks() -> dict[str, dict[str, Any]]:
    """The inputs of nodes that draw, move or follow tracks."""
    drawn = {"image": ["image", 0], "tracks": ["draw", 0]}
    steps = {"steps": 1, "seed": 0, "strength": 1.0, "motion_guidance": 1.0}
    separated = {"tracks": ["draw", 0], "model": "similarity", "threshold": 2.0}
    return {
        "DraftMotion": drawn,
        "PreviewTracks": drawn,
        "TracksToControlVideo": {"tracks": ["draw", 0], "style": "ltx_trails"},
        "SeparateMotion": separated | {"images": ["clip", 0]},
        "TrackSampler": {"model": ["model", 0], **drawn, **steps, "start": 0.0, "end": 1.0},
    }


def from_images() -> dict[str, dict[str, Any]]:
    """The inputs of nodes that change or read clips."""
    hidden = {"occlusion_radius": 1, "occlusion_threshold": 0.03, "cell": 1}
    grid = {"points": "grid", "points.spacing": 16}
    grey = {f"source.{name}": value for name, value in IN_GREY.items()}
    depth = {"source": "depth image", "source.depth_image": ["clip", 0], **grey}
    scene = {"image": ["image", 0], "depth": ["depth", 0], "camera": ["camera", 0]}
    tracked = {"tracker": "lucas_kanade", "frame": 0, "visibility_threshold": 0, "fps": 16}
    composed = {"tracks.tracks_0": ["draw", 0], "mode": "3d", "mode.depth_offset": ""}
    shown = {**hidden, "spacing": 16.0, **scene}
    return {
        "CameraTracks": {**scene, **grid, **hidden},
        "ComposeMotion": composed | {f"mode.{name}": value for name, value in shown.items()},
        "DepthMap": {"image": ["clip", 0], "all_frames": True, **depth}
        | {"fov_deg": 0, "remove_flying": True},
        "TrackVideo": {"images": ["clip", 0], **tracked, **grid},
        "JoinWindows": {"before": ["clip", 0], "after": ["clip", 0], "overlap": FRAMES, "blend": 0},
    }


def test_every_video_of_an_odd_image_is_encoded(real: Any) -> None:
    assert set(videos()) == set(VIDEOS) - LEFT_OUT
    Image.radial_gradient("L").resize(ODD).convert("RGB").save(real.input_dir / "odd.png")
    prompt = sources()
    saves = []
    for name, (entry, places) in videos().items():
        prompt[name] = entry
        for place in places:
            made = f"{name}{place}"
            prompt[f"video{made}"] = node("CreateVideo", images=[name, place], fps=16.0)
            saving = {"video": [f"video{made}", 0], "filename_prefix": f"odd/{made}"}
            prompt[made] = node("SaveVideo", **saving, format="auto", codec="auto")
            saves.append(made)
    run = real.run(prompt)
    for made in saves:
        (saved,) = run.ui[made]["images"]
        shape = video_shape(real.output_dir / saved["subfolder"] / saved["filename"])
        assert shape == (FRAMES, *EVEN, 3), made
