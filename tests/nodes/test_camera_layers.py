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
