"""A pose moved by a drawing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from motion_core.document import MotionDocument, read_document
from motion_core.errors import CanvasError
from motion_core.formats.openpose import read_poses
from motion_core.pose import move_pose
from motion_core.pose.skeleton import joint
from tests.pose.people import figure, frame

POSE = read_poses(frame(figure()))


def drawing(*layers: dict[str, Any], width: int = 320, height: int = 240) -> MotionDocument:
    size = {"width": width, "height": height}
    return read_document(json.dumps({"version": 1, "drawn_on": size, "layers": list(layers)}))


def drag(name: str, start: tuple[float, float], way: tuple[float, float]) -> dict[str, Any]:
    x, y = start[0] / 320, start[1] / 240
    points = [[0, x, y], [1, x + way[0] / 320, y + way[1] / 240]]
    return {"id": name, "type": "drag", "points": points}


def moved(poses, name: str) -> list[float]:
    place = joint(name)
    return (poses.xy[-1, 0, place] - poses.xy[0, 0, place]).tolist()


def test_a_drag_takes_its_joint_and_what_hangs_on_it() -> None:
    poses = move_pose(POSE, drawing(drag("a", (176, 71), (0, -30))), 5, fps=8.0)
    assert poses.fps == 8.0
    for name in ("left_shoulder", "left_elbow", "left_wrist"):
        assert moved(poses, name) == pytest.approx([0, -30], abs=1e-3)
    for name in ("neck", "right_wrist", "mid_hip", "nose"):
        assert moved(poses, name) == pytest.approx([0, 0], abs=1e-3)
    middle = poses.xy[2, 0, joint("left_wrist")] - poses.xy[0, 0, joint("left_wrist")]
    assert middle.tolist() == pytest.approx([0, -15], abs=1e-3)
    torch.testing.assert_close(poses.xy[0], POSE.xy[0])
    assert torch.equal(poses.confidence, POSE.confidence.expand(5, -1, -1))


def test_another_drag_and_pins_hold_their_own() -> None:
    pin = {"id": "p", "type": "pin", "points": [[160 / 320, 45 / 240]], "polygon": None}
    area = [[140 / 320, 110 / 240], [180 / 320, 110 / 240], [180 / 320, 1.0], [140 / 320, 1.0]]
    legs = {"id": "q", "type": "pin", "polygon": area}
    body, hand = drag("b", (160, 70), (12, 0)), drag("h", (220, 70), (0, 40))
    poses = move_pose(POSE, drawing(body, hand, pin, legs), 2)
    assert moved(poses, "neck") == pytest.approx([12, 0], abs=1e-3)
    assert moved(poses, "left_elbow") == pytest.approx([12, 0], abs=1e-3)
    assert moved(poses, "left_wrist") == pytest.approx([0, 40], abs=1e-3)
    assert moved(poses, "nose") == pytest.approx([0, 0], abs=1e-3)
    assert moved(poses, "left_ear") == pytest.approx([0, 0], abs=1e-3), "it hangs on the nose"
    assert moved(poses, "left_ankle") == pytest.approx([0, 0], abs=1e-3)


def test_the_nearest_person_is_taken() -> None:
    two = read_poses(frame(figure((80, 120)), figure((240, 120))))
    poses = move_pose(two, drawing(drag("a", (300, 70), (0, 9))), 2)
    went = (poses.xy[-1] - poses.xy[0]).norm(dim=-1).amax(dim=-1)
    assert went.tolist() == pytest.approx([0, 9], abs=1e-3)


def test_layers_that_move_no_joint_are_named() -> None:
    far = drag("a", (20, 20), (5, 5))
    with pytest.raises(ValueError, match=r'drag layer \(id "a"\).*near no joint'):
        move_pose(POSE, drawing(far), 3)
    ball = {"id": "s", "type": "sphere", "center": [0.5, 0.5], "radius": 0.1} | {
        "points": [[0, 0.5, 0.5], [1, 0.55, 0.5]]
    }
    with pytest.raises(ValueError, match="moves no joints"):
        move_pose(POSE, drawing(ball), 3)
    with pytest.raises(ValueError, match="another layer already holds"):
        move_pose(POSE, drawing(drag("a", (160, 70), (5, 5)), drag("b", (160, 71), (1, 1))), 3)
    off = ball | {"enabled": False}
    assert move_pose(POSE, drawing(off), 3).num_frames == 3


def test_nobody_and_other_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="no person to move"):
        move_pose(read_poses(frame()), drawing(), 3)
    with pytest.raises(CanvasError, match="drawing was made on 100x240"):
        move_pose(POSE, drawing(width=100), 3)
    with pytest.raises(ValueError, match="frames must be 1 or more"):
        move_pose(POSE, drawing(), 0)
