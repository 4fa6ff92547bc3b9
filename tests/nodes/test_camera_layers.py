"""Draw Motion and Expand Motion treat a camera layer alike: the rest moves, and a note says so."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from tests.host.runner import StandInHost

DRAG = {"id": "a", "type": "drag", "points": [[0, 0.25, 0.5], [1, 0.75, 0.5]]}
CAMERA = {"id": "c1", "type": "camera_grab", "name": "orbit", "points": [[0, 0.3, 0.4], [1, 1, 1]]}


def drawing(*layers: dict[str, Any]) -> str:
    return json.dumps(
        {"version": 1, "drawn_on": {"width": 96, "height": 64}, "layers": list(layers)}
    )


def run(host: StandInHost, node: str, motion: str) -> tuple[torch.Tensor, list[str]]:
    """The tracks of a node and the texts it shows; an empty one clears the last."""
    inputs = {"motion": motion, "frames": 3, "fps": 8.0, "width": 96, "height": 64}
    save = {"tracks": ["1", 0], "filename_prefix": "tracks/camera", "format": "motion_npz"}
    prompt = {
        "1": {"class_type": f"MotionPrompting{node}", "inputs": inputs},
        "2": {"class_type": "MotionPromptingSaveTracks", "inputs": save},
    }
    ran = host.run(prompt)
    return ran.outputs["1"][0]["track_path"], [text for text in ran.ui["1"]["text"] if text]


@pytest.mark.parametrize("node", ["DrawMotion", "ExpandMotion"])
def test_the_rest_is_expanded_and_the_camera_layer_is_named(host: StandInHost, node: str) -> None:
    alone, no_texts = run(host, node, drawing(DRAG))
    tracks, texts = run(host, node, drawing(DRAG, CAMERA))
    assert torch.equal(tracks, alone) and tracks.shape[1] > 1
    assert no_texts == []
    (note,) = texts
    assert '"orbit"' in note and '"c1"' in note and "Camera Path" in note


OURS = "MotionPrompting"
STILL = "Nothing moves: the tracks have no points. Camera layers of a drawing make no tracks"


def entry(node: str, /, **inputs: Any) -> dict[str, Any]:
    return {"class_type": node, "inputs": inputs}


def everywhere(tracks: list[Any]) -> dict[str, dict[str, Any]]:
    """Every node that makes a video, an image, a text or a file of tracks."""
    drawn = {"image": ["image", 0], "tracks": tracks}
    settings = {"model": ["model", 0], "steps": 1, "seed": 0}
    settings |= {"strength": 1.0, "motion_guidance": 1.0}
    lite = {"model": "lite", "model.file": "", "model.generate": False, "model.layers": False}
    return {
        "model": entry(f"{OURS}LoadTrackModel", **lite),
        "draft": entry(f"{OURS}DraftMotion", **drawn),
        "preview": entry(f"{OURS}PreviewTracks", **drawn),
        "sampler": entry(f"{OURS}TrackSampler", **drawn, **settings, start=0.0, end=1.0),
        "edit": entry(f"{OURS}EditByDrag", **drawn, **settings),
        "control": entry(f"{OURS}TracksToControlVideo", tracks=tracks, style="ltx_trails"),
        "file": entry(
            f"{OURS}SaveTracks", tracks=tracks, filename_prefix="still", format="motion_npz"
        ),
    } | {
        f"shown {name}": entry("PreviewImage", images=[name, 0])
        for name in ("draft", "sampler", "edit", "control")
    }


@pytest.mark.parametrize("source", ["DrawMotion", "ExpandMotion"])
def test_a_camera_layer_alone_is_no_still_without_a_word(host: StandInHost, source: str) -> None:
    from PIL import Image

    Image.linear_gradient("L").resize((96, 64)).convert("RGB").save(host.input_dir / "grey.png")
    clip = {"frames": 3, "fps": 8.0, "width": 0, "height": 0, "image": ["image", 0]}
    clip |= {"width": 96, "height": 64}
    prompt = {"image": entry("LoadImage", image="grey.png")} | everywhere(["drawing", 0])
    noted = {"draft", "preview", "sampler", "edit", "control", "file"}
    for layers, is_still in (((CAMERA,), True), ((CAMERA, DRAG), False)):
        prompt["drawing"] = entry(f"{OURS}{source}", **clip, motion=drawing(*layers))
        run = host.run(prompt)
        for node in noted:
            assert (STILL in "".join(run.ui[node]["text"])) == is_still, node
        text = host.nodes[f"{OURS}TracksToCoordinates"].execute(run.outputs["drawing"][0], "frames")
        assert (STILL in text.ui.as_dict()["text"][0]) == is_still
        assert torch.equal(run.outputs["draft"][0][0], run.outputs["draft"][0][-1]) == is_still


def test_equal_frames_are_named_to_those_who_follow_them() -> None:
    from tests.host.pack import pack_module

    note = pack_module("nodes.stillness").still_video_note
    video = torch.zeros(3, 4, 4, 3)
    assert note(video) == "Nothing moves: all frames of the reference are equal."
    video[2, 0, 0] = 1
    assert note(video) == ""
