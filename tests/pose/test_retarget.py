"""Motion on another body: angles are those of the source, lengths those of the target."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from motion_core.formats.openpose import read_poses
from motion_core.pose import retarget
from motion_core.pose.pose_sequence import PoseSequence
from motion_core.pose.skeleton import joint
from tests.pose.people import as_18, figure, frame, waving


def joints(poses: PoseSequence, name: str, person: int = 0) -> torch.Tensor:
    return poses.xy[:, person, joint(name)].double()


def long_armed() -> np.ndarray:
    """A larger figure elsewhere, its left forearm twice as long and hanging."""
    rows = figure((220, 150), 1.2)
    rows[joint("left_wrist"), :2] = rows[joint("left_elbow"), :2] + [0, 48]
    return rows


def test_on_the_same_body_it_is_the_same_motion() -> None:
    source = read_poses(waving())
    result = retarget(source, source)
    torch.testing.assert_close(result.xy, source.xy, atol=1e-3, rtol=0)
    torch.testing.assert_close(result.confidence, source.confidence)


def test_the_target_keeps_its_first_pose_and_its_lengths() -> None:
    source, target = read_poses(waving()), read_poses(frame(long_armed()))
    result = retarget(source, target)
    known = result.confidence[0] > 0
    torch.testing.assert_close(result.xy[0][known], target.xy[0][known], atol=1e-3, rtol=0)
    forearm = joints(result, "left_wrist") - joints(result, "left_elbow")
    torch.testing.assert_close(
        forearm.norm(dim=1), torch.full((9,), 48.0).double(), atol=1e-3, rtol=0
    )
    angle = torch.atan2(forearm[:, 1], forearm[:, 0]).rad2deg()
    wanted = 90 - 80 * torch.arange(9).double() / 8
    torch.testing.assert_close(angle, wanted, atol=0.01, rtol=0)
    still = joints(result, "right_wrist")
    torch.testing.assert_close(still, still[:1].expand(9, 2), atol=1e-3, rtol=0)


def test_a_walk_goes_as_far_as_the_body_is_large() -> None:
    walk = [frame(figure((100 + 10 * t, 120), 0.5)) for t in range(5)]
    result = retarget(read_poses(walk), read_poses(frame(figure((160, 120), 1.0))))
    went = joints(result, "mid_hip")[-1] - joints(result, "mid_hip")[0]
    torch.testing.assert_close(went, torch.tensor([80.0, 0.0]).double(), atol=1e-3, rtol=0)


def test_foreshortening_is_taken_over() -> None:
    frames = [frame(figure()) for _ in range(3)]
    rows = figure()
    rows[joint("left_wrist"), :2] = rows[joint("left_elbow"), :2] + [10, 0]
    frames[1] = frame(rows)
    target = read_poses(frame(figure(zoom=2.0, at=(150, 110))))
    forearm = joints(retarget(read_poses(frames), target), "left_wrist") - joints(
        retarget(read_poses(frames), target), "left_elbow"
    )
    assert forearm.norm(dim=1).tolist() == pytest.approx([40, 20, 40], abs=1e-2)


def test_a_limb_that_starts_pointing_at_the_camera_is_carried_by_displacement() -> None:
    rows = figure()
    rows[joint("left_wrist"), :2] = rows[joint("left_elbow"), :2] + [0.01, 0.0]
    source = read_poses([frame(rows), frame(figure())])
    result = retarget(source, read_poses(frame(figure(zoom=2.0))))
    forearm = joints(result, "left_wrist") - joints(result, "left_elbow")
    assert forearm[1].tolist() == pytest.approx([40 + 2 * 19.99, 0], abs=0.1)


def test_missing_joints_are_missing_and_what_hangs_on_them_is_carried() -> None:
    """A portrait: no hips, so the body is placed by its neck."""
    upper = [as_18(figure((100 + 4 * t, 120), forearm_deg=-10.0 * t)) for t in range(4)]
    for rows in upper:
        rows[8:14] = 0
    target = as_18(figure((200, 130), 2.0))
    target[4] = 0
    result = retarget(read_poses([frame(rows) for rows in upper]), read_poses(frame(target)))
    assert result.confidence[:, 0, joint("right_wrist")].max() == 0
    assert result.confidence[:, 0, joint("mid_hip")].max() == 0
    went = joints(result, "neck") - joints(result, "neck")[:1]
    assert went[:, 0].tolist() == pytest.approx([0, 8, 16, 24], abs=1e-3)
    forearm = joints(result, "left_wrist") - joints(result, "left_elbow")
    angle = torch.atan2(forearm[:, 1], forearm[:, 0]).rad2deg()
    assert angle.tolist() == pytest.approx([0, -10, -20, -30], abs=0.01)


def test_a_gap_in_the_source_is_bridged_but_invisible() -> None:
    frames = waving(5)
    rows = np.array(frames[2]["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
    rows[7] = 0
    frames[2]["people"][0]["pose_keypoints_2d"] = rows.flatten().tolist()
    result = retarget(read_poses(frames), read_poses(frame(figure())))
    assert result.confidence[2, 0, joint("left_wrist")] == 0
    whole = retarget(read_poses(waving(5)), read_poses(frame(figure())))
    gap = (joints(result, "left_wrist") - joints(whole, "left_wrist"))[2].norm()
    assert gap < 20 * (1 - math.cos(math.radians(20))) + 0.1, "a chord beside its arc"


def test_people_are_matched_in_order() -> None:
    two = read_poses([frame(figure((80, 120)), figure((240, 120 + t))) for t in range(3)])
    result = retarget(two, two)
    torch.testing.assert_close(result.xy, two.xy, atol=1e-3, rtol=0)
    assert retarget(two, two.frame(0)).num_people == 2
    assert retarget(two, read_poses(frame(figure()))).num_people == 1


def test_without_a_person_there_is_nothing_to_retarget() -> None:
    someone, nobody = read_poses(frame(figure())), read_poses(frame())
    for source, target in ((someone, nobody), (nobody, someone)):
        with pytest.raises(ValueError, match="needs a person on both sides"):
            retarget(source, target)
    left, right = np.zeros((18, 3)), np.zeros((18, 3))
    left[3], right[4] = (50, 50, 1), (60, 50, 1)
    with pytest.raises(ValueError, match="no joint in common"):
        retarget(read_poses(frame(left)), read_poses(frame(right)))
