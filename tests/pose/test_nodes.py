"""Pose Motion on values as they travel between nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.host.runner import StandInHost
from tests.pose.people import as_18, figure, frame, waving
from tests.pose.test_estimate import vitpose

AS_IT_IS = {"motion": "as it is"}


@pytest.fixture
def call(tmp_path: Path) -> Any:
    """call(source, motion) runs Pose Motion and gives its tracks."""
    node = StandInHost(tmp_path).nodes["MotionPromptingPoseMotion"]

    def run(source: Any, motion: Any = AS_IT_IS, **more: Any) -> dict[str, Any]:
        return node.execute(source, motion, 6.0, 0.3, 8.0, **more).args[0]

    return run


def given(poses: Any) -> dict[str, Any]:
    return {"source": "pose", "poses": poses}


def test_poses_and_their_text_give_the_same_tracks(call: Any) -> None:
    value = call(given(waving()))
    text = call({"source": "text", "pose_text": json.dumps(waving())})
    torch.testing.assert_close(value["track_path"], text["track_path"])
    assert value["canvas"] == (320, 240)
    assert value["fps"] == 8.0
    assert value["track_path"].shape[0] == 9


def test_the_canvas_comes_from_the_image_where_poses_have_none(call: Any) -> None:
    bare = [{"people": one["people"]} for one in waving()]
    with pytest.raises(ValueError, match="do not say their canvas"):
        call(given(bare))
    picture = torch.zeros(1, 240, 400, 3)
    assert call(given(bare), image=picture)["canvas"] == (400, 240)
    with pytest.raises(ValueError, match="found on 320x240 but the image is 400x240"):
        call(given(waving()), image=picture)


def test_retarget_uses_the_targets_canvas(call: Any) -> None:
    target = frame(as_18(figure((200, 200), 2.0))) | {"canvas_width": 500, "canvas_height": 400}
    motion = {"motion": "retarget", "target_text": "[]", "target_poses": [target]}
    value = call(given(waving()), motion)
    assert value["canvas"] == (500, 400)
    as_text = {"motion": "retarget", "target_text": json.dumps(target)}
    torch.testing.assert_close(call(given(waving()), as_text)["track_path"], value["track_path"])
    with pytest.raises(ValueError, match="canvas"):
        call(given(waving()), {"motion": "retarget", "target_text": "[]"})


def test_a_drawing_moves_the_first_pose(call: Any) -> None:
    points = [[0, 220 / 320, 70 / 240], [1, 220 / 320, 100 / 240]]
    layers = [{"id": "a", "type": "drag", "points": points}]
    drawing = {"version": 1, "drawn_on": {"width": 320, "height": 240}, "layers": layers}
    motion = {"motion": "drawn", "drawing": json.dumps(drawing), "frames": 7}
    xy = call(given(waving()), motion)["track_path"]
    assert xy.shape[0] == 7
    went = (xy[-1] - xy[0])[:, 1]
    assert went.max() == pytest.approx(30, abs=1e-3)
    assert went.median() == pytest.approx(0, abs=1e-3), "the rest of the body stays"


def test_estimating_needs_the_model_in_its_folder(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "models"))
    video = torch.rand(2, 40, 60, 3, generator=torch.Generator().manual_seed(0))
    source = {"source": "estimate", "video": video, "model": "tiny"}
    with pytest.raises(FileNotFoundError, match=r"ViTPose base \(Apache-2\.0\)"):
        call(source)
    with pytest.raises(ValueError, match="does not name a place"):
        call(source | {"model": "../../secrets"})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vitpose(tmp_path / "models" / "pose" / "tiny")
    person = torch.zeros(1, 40, 60)
    person[:, 5:35, 20:40] = 1
    for more in ({}, {"person": person}):
        value = call(source | more)
        assert value["canvas"] == (60, 40)
        assert value["track_path"].shape[0] == 2
