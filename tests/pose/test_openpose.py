"""OpenPose JSON in all its spellings, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError, FormatError
from motion_core.formats.openpose import read_poses
from motion_core.geometry import Size
from motion_core.pose.skeleton import FACE, JOINTS, LEFT_HAND, RIGHT_HAND, joint
from tests.pose.people import as_18, figure, frame, waving

SIZE = Size(320, 240)


def test_both_bodies_give_the_same_joints() -> None:
    with_25, with_18 = (read_poses(frame(rows)) for rows in (figure(), as_18(figure())))
    assert with_25.size == SIZE
    names = [0, 1, 2, 3, 4, 5, 6, 7, *range(9, 19)]
    torch.testing.assert_close(with_25.xy[:, :, names], with_18.xy[:, :, names])
    hip = with_18.xy[0, 0, joint("mid_hip")]
    assert hip.tolist() == [160, 120], "between the two hips"
    assert with_18.confidence[0, 0, joint("mid_hip")] == pytest.approx(0.9)
    assert with_25.confidence.shape == (1, 1, JOINTS)


def test_text_lists_shares_and_nested_joints_say_the_same() -> None:
    wanted = read_poses(waving())
    shares = waving()
    for one in shares:
        rows = np.array(one["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
        rows[:, :2] /= [320, 240]
        one["people"][0]["pose_keypoints_2d"] = rows.tolist()
    for source in (json.dumps(waving()), shares, json.dumps(shares)):
        torch.testing.assert_close(read_poses(source).xy, wanted.xy, atol=1e-3, rtol=0)
    without = [{"people": one["people"]} for one in shares]
    torch.testing.assert_close(read_poses(without, SIZE).xy, wanted.xy, atol=1e-3, rtol=0)


def test_one_value_does_not_decide_the_unit() -> None:
    wanted = read_poses(waving()).xy[:, :, joint("neck")]
    fractions = json.loads(json.dumps(waving()))
    for one in fractions:
        rows = np.array(one["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
        rows[:, :2] /= [320, 240]
        one["people"][0]["pose_keypoints_2d"] = rows.tolist()
    # A stray wrist, hardly any confidence.
    fractions[0]["people"][0]["pose_keypoints_2d"][4] = [7.0, 0.5, 0.05]
    torch.testing.assert_close(
        read_poses(fractions).xy[:, :, joint("neck")], wanted, atol=1e-3, rtol=0
    )
    fractions[0]["people"][0]["pose_keypoints_2d"][4] = [7.0, 0.5, 0.9]
    torch.testing.assert_close(
        read_poses(fractions).xy[:, :, joint("neck")], wanted, atol=1e-3, rtol=0
    )


def test_hands_and_faces_have_their_places() -> None:
    hand = np.c_[np.arange(21) + 215, np.arange(21) + 100, np.full(21, 0.5)].flatten().tolist()
    face = np.c_[np.arange(68), np.arange(68) + 50, np.full(68, 1.0)].flatten().tolist()
    one = read_poses(
        frame(
            figure(),
            hand_left_keypoints_2d=hand,
            hand_right_keypoints_2d=None,
            face_keypoints_2d=face,
        )
    )
    assert one.xy[0, 0, LEFT_HAND + 3].tolist() == [218, 103]
    assert one.confidence[0, 0, RIGHT_HAND : RIGHT_HAND + 21].max() == 0
    assert one.xy[0, 0, FACE + 67].tolist() == [67, 117]
    assert one.confidence[0, 0, FACE + 68 :].max() == 0


def test_feet_beside_the_body_are_those_of_the_large_body() -> None:
    """ComfyUI's SDPose: 18 joints, feet apart, what it does not see at -1 with a score of 0."""
    feet = ("left_big_toe", "left_small_toe", "left_heel")
    feet += ("right_big_toe", "right_small_toe", "right_heel")
    whole, rows = figure(), np.zeros((6, 3))
    for place, name in enumerate(feet):
        rows[place] = (100 + 7 * place, 210 + place, 0.8)
        whole[joint(name)] = rows[place]
    rows[3], whole[joint("right_big_toe")] = (-1, -1, 0), 0
    apart = frame(as_18(figure()), foot_keypoints_2d=rows.flatten().tolist())
    found, wanted = read_poses(apart), read_poses(frame(whole))
    torch.testing.assert_close(found.xy, wanted.xy)
    torch.testing.assert_close(found.confidence, wanted.confidence)
    kept = read_poses(frame(whole, foot_keypoints_2d=[0.0] * 18))
    torch.testing.assert_close(kept.xy, wanted.xy)
    with pytest.raises(FormatError, match="foot_keypoints_2d must have 6 joints; got 5"):
        read_poses(frame(figure(), foot_keypoints_2d=[1.0] * 15))


def hand_at(xy: tuple[float, float]) -> list[float]:
    """21 joints that fan out from a place."""
    rows = np.c_[xy[0] + np.arange(21), np.full(21, xy[1]), np.full(21, 0.5)]
    return rows.flatten().tolist()


@pytest.mark.parametrize("is_crossed", [False, True])
def test_hands_belong_to_the_nearer_wrist_over_the_whole_clip(is_crossed: bool) -> None:
    names = ["hand_left_keypoints_2d", "hand_right_keypoints_2d"]
    left, right = names[::-1] if is_crossed else names
    apart = frame(figure(), **{left: hand_at((221, 71)), right: hand_at((101, 71))})
    clapping = frame(figure(), **{left: hand_at((155, 71)), right: hand_at((165, 71))})
    one = frame(figure(), **{left: hand_at((221, 71)), right: None})
    poses = read_poses([apart, clapping, one])
    assert poses.xy[:, 0, LEFT_HAND, 0].tolist() == [221, 155, 221]
    assert poses.xy[:2, 0, RIGHT_HAND, 0].tolist() == [101, 165]
    assert poses.confidence[2, 0, RIGHT_HAND] == 0


def test_missing_joints_are_missing() -> None:
    rows = as_18(figure())
    rows[4] = 0
    one = read_poses(frame(rows))
    assert one.confidence[0, 0, joint("right_wrist")] == 0
    assert one.confidence[0, 0, joint("right_elbow")] > 0


def test_people_keep_their_places_whatever_the_detector_calls_them() -> None:
    frames = []
    for t in range(6):
        left, right = figure((80 + 5 * t, 120)), figure((240 - 5 * t, 120))
        people = [left, right] if t % 2 else [right, left]
        frames.append(frame(*people) if t != 3 else frame(right))
    poses = read_poses(frames)
    assert poses.num_people == 2
    first = poses.xy[:, 0, joint("neck"), 0].tolist()
    assert [round(first[t]) for t in (0, 1, 2, 3, 4, 5)] == [240 - 5 * t for t in range(6)]
    other = poses.confidence[:, 1, joint("neck")]
    assert (other > 0).tolist() == [True, True, True, False, True, True]


def test_keys_of_openpose_before_1_3_are_read() -> None:
    old = json.loads(json.dumps(waving()).replace("_2d", ""))
    assert "pose_keypoints" in old[0]["people"][0]
    torch.testing.assert_close(read_poses(old).xy, read_poses(waving()).xy)
    old[0]["people"][0]["pose_keypoints_2d"] = None
    torch.testing.assert_close(read_poses(old).xy, read_poses(waving()).xy)


@pytest.mark.parametrize(
    ("person", "keys"),
    [({"pose_keypoints_3d": [1.0] * 75, "id": 3}, "'pose_keypoints_3d', 'id'"), ({}, "none")],
)
def test_a_person_without_any_known_part_is_refused(person: dict, keys: str) -> None:
    whole = frame(figure())
    whole["people"].append(person)
    with pytest.raises(FormatError, match=f"person 1: .*'pose_keypoints_2d'.* got .*{keys}"):
        read_poses(whole)


def test_clips_without_a_person_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    read_poses([frame(figure()), frame()])
    assert not caplog.records
    read_poses([frame(), frame()])
    assert "none of the 2 frames" in caplog.text


def test_frames_without_people_are_frames() -> None:
    poses = read_poses([frame(), frame(figure()), frame()])
    assert poses.confidence[:, 0, joint("neck")].tolist() == pytest.approx([0, 0.9, 0])
    assert read_poses([frame(), frame()]).num_people == 0
    assert read_poses([], SIZE).num_frames == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{", "line 1, column 2: not JSON"),
        ("[" * 200_000, "nested deeper than 64"),
        (3, "got int"),
        ("3", "got int"),
        ([1], "frame 0: expected"),
        ([{"keypoints": [[1, 2]], "width": 9}], "frame 0: .*people.*'keypoints', 'width'"),
        ([{"animals": [], **frame()} | {"people": 3}], "people must be a list"),
        ([{"animals": [[1, 2, 3]]}], "an animal pose cannot be read"),
        ([{"people": [3], "canvas_width": 9, "canvas_height": 9}], "person 0: expected an object"),
        (frame(figure()[:17]), "must have 18 or 25 joints; got 17"),
        (frame(figure()) | {"canvas_width": -3}, "canvas"),
        (frame(figure()) | {"canvas_width": "wide"}, "canvas"),
        ({"people": []}, "do not say their canvas"),
    ],
)
def test_what_is_no_pose_is_refused(source, message) -> None:
    with pytest.raises(FormatError, match=message):
        read_poses(source)


def test_numbers_that_are_none_name_their_joint() -> None:
    rows = as_18(figure())
    rows[3, 0] = np.nan
    with pytest.raises(FormatError, match="frame 1, person 0: joint 3 of pose_keypoints_2d"):
        read_poses([frame(as_18(figure())), frame(rows)])
    broken = frame(figure())
    broken["people"][0]["pose_keypoints_2d"][5] = "far"
    with pytest.raises(FormatError, match="x, y, confidence for every joint"):
        read_poses(broken)


@pytest.mark.parametrize("number", [1e300, -1e9, 10**400, float("inf")])
def test_places_far_from_any_picture_are_refused(number) -> None:
    broken = frame(figure())
    broken["people"][0]["pose_keypoints_2d"][6] = number
    with pytest.raises(FormatError, match="person 0: "):
        read_poses(broken)


def test_people_who_jump_about_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motion_core.pose.people.MAX_POSES", 50)
    jumping = [frame(figure((2000.0 * t, 120))) for t in range(10)]
    with pytest.raises(FormatError, match="too far between frames to be matched"):
        read_poses(jumping)
    assert read_poses(waving(40)).num_people == 1


def test_canvases_must_agree() -> None:
    with pytest.raises(CanvasError, match="found on 320x240 but the image is 64x64"):
        read_poses(frame(figure()), Size(64, 64))
    with pytest.raises(CanvasError, match="of 2 sizes"):
        read_poses([frame(figure()), frame(figure()) | {"canvas_width": 999}])


def test_a_stop_reaches_the_caller() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_poses(waving(), progress=stop)


@pytest.mark.parametrize("key", ["keypoints", "body_keypoints_2d", "pose_keypoints_3d"])
@pytest.mark.parametrize("empty", [None, []])
def test_joints_under_a_foreign_key_beside_empty_known_ones_are_named(key: str, empty: Any) -> None:
    person = {"person_id": [-1], "pose_keypoints_2d": empty, key: [5.0, 6.0, 0.9] * 25}
    sides = {"canvas_width": 320, "canvas_height": 240}
    with pytest.raises(FormatError, match=f"frame 0, person 0: .* an object with '{key}'"):
        read_poses([{"people": [person], **sides}])


@pytest.mark.parametrize("old", [None, [], [5.0, 6.0, 0.9] * 25])
@pytest.mark.parametrize("is_first", [False, True])
def test_a_key_of_today_goes_before_an_old_one(old: Any, is_first: bool) -> None:
    wanted = read_poses(frame(figure()))
    both = frame(figure())
    person = both["people"][0]
    both["people"][0] = (
        {"pose_keypoints": old, **person} if is_first else {**person, "pose_keypoints": old}
    )
    assert torch.equal(read_poses(both).xy, wanted.xy)


@pytest.mark.parametrize("numbers", [[True] * 54, ["1"] * 54, [[1.0, 2.0, "0.9"]] * 18])
def test_joints_are_numbers(numbers: Any) -> None:
    sides = {"canvas_width": 320, "canvas_height": 240}
    with pytest.raises(FormatError, match="pose_keypoints_2d must be x, y, confidence"):
        read_poses([{"people": [{"pose_keypoints_2d": numbers}], **sides}])


def test_no_frames_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    read_poses([], SIZE)
    assert "none of the 0 frames" in caplog.text
