"""Tracks of people, against limbs that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.formats.openpose import read_poses
from motion_core.geometry import Size
from motion_core.pose import PoseSequence, pose_tracks
from motion_core.pose.skeleton import JOINTS, joint
from tests.pose.people import STANDING, as_18, figure, frame, waving

FOREARM = (joint("left_elbow"), joint("left_wrist"))


def near_segment(points: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(N,) distance of points from the segment a to b."""
    way = b - a
    share = ((points - a) @ way / way.dot(way)).clamp(0, 1)
    return (points - (a + share[:, None] * way)).norm(dim=-1)


def test_joints_come_first_and_limbs_fill_their_width() -> None:
    poses = read_poses(frame(figure()))
    tracks = pose_tracks(poses, spacing=4.0)
    count = len(STANDING)
    assert tracks.num_points > 10 * count
    where = {tuple(xy) for xy in tracks.xy[0, :count].tolist()}
    assert (160.0, 70.0) in where, "the neck"
    thigh = near_segment(tracks.xy[0], torch.tensor([170.0, 120.0]), torch.tensor([170.0, 160.0]))
    assert int((thigh < 0.3 * 50 / 2 + 0.1).sum()) > 20, "30% of the torso's 50 px wide"
    neighbours = torch.cdist(tracks.xy[0, count:], tracks.xy[0, count:])
    gap = neighbours.fill_diagonal_(1e9).amin(dim=1)
    assert gap.max() < 2 * 4.0


def test_points_stay_on_their_limb_as_it_turns() -> None:
    poses = read_poses(waving())
    tracks = pose_tracks(poses, spacing=4.0)
    start, stop = (poses.xy[:, 0, place] for place in FOREARM)
    rigid = near_segment(tracks.xy[0], start[0] + 0.2, stop[0] - 0.2) < 0.16 * 50 / 2
    on_arm = torch.nonzero(rigid & (tracks.xy[-1] - tracks.xy[0]).norm(dim=-1).gt(8)).flatten()
    assert len(on_arm) >= 5
    for t in range(poses.num_frames):
        away = near_segment(tracks.xy[t, on_arm], start[t], stop[t])
        first = near_segment(tracks.xy[0, on_arm], start[0], stop[0])
        torch.testing.assert_close(away, first, atol=0.02, rtol=0)


def test_confidence_becomes_visibility() -> None:
    frames = waving(4)
    rows = np.array(frames[2]["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
    rows[7, 2] = 0.1
    frames[2]["people"][0]["pose_keypoints_2d"] = rows.flatten().tolist()
    tracks = pose_tracks(read_poses(frames), 4.0)
    lost = ~tracks.visible[2] & tracks.visible[1]
    wrist = read_poses(waving(4)).xy[1, 0, joint("left_wrist")]
    assert bool(lost.any())
    elbow = read_poses(waving(4)).xy[1, 0, joint("left_elbow")]
    reach = near_segment(tracks.xy[1, lost], elbow, wrist)
    assert reach.max() < 6, "the forearm and nothing else"
    assert bool(tracks.visible[3].all())
    every = pose_tracks(read_poses(frames), 4.0, least_confidence=0.0)
    assert bool(every.visible.all())


def test_a_person_who_grows_has_wider_limbs() -> None:
    poses = read_poses([frame(figure(zoom=z)) for z in (0.5, 0.75, 1.0)])
    tracks = pose_tracks(poses, 3.0)
    middle = torch.tensor([160.0, 120.0])
    for t, zoom in enumerate((0.5, 0.75, 1.0)):
        grown = (tracks.xy[0] - middle) * zoom / 0.5
        torch.testing.assert_close(tracks.xy[t] - middle, grown, atol=0.05, rtol=0)


def test_points_off_the_canvas_are_hidden() -> None:
    tracks = pose_tracks(read_poses(frame(figure((300, 120)))), 4.0)
    outside = tracks.xy[0, :, 0] >= 320
    assert bool(outside.any())
    assert not bool(tracks.visible[0, outside].any())


def test_upper_bodies_and_single_joints_have_a_width_too() -> None:
    rows = as_18(figure())
    rows[8:14] = 0
    assert pose_tracks(read_poses(frame(rows)), 4.0).num_points > 30
    rows[:] = 0
    rows[4] = (50, 60, 1)
    one = pose_tracks(read_poses(frame(rows)), 4.0)
    assert one.xy.tolist() == [[[50, 60]]]


@pytest.mark.parametrize(("frames", "people"), [(0, 0), (3, 0), (1, 2), (2, 1)])
def test_poses_without_a_joint_are_no_tracks(frames: int, people: int) -> None:
    empty = PoseSequence(
        torch.zeros(frames, people, JOINTS, 2), torch.zeros(frames, people, JOINTS), Size(64, 48)
    )
    tracks = pose_tracks(empty)
    assert (tracks.num_frames, tracks.num_points) == (frames, 0)


def test_bad_settings_are_refused() -> None:
    poses = read_poses(frame(figure()))
    with pytest.raises(ValueError, match="spacing must be above 0"):
        pose_tracks(poses, 0.0)
    with pytest.raises(ValueError, match="raise spacing"):
        pose_tracks(poses, 0.001)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        pose_tracks(poses, least_confidence=2.0)
    with pytest.raises(ValueError, match="finite"):
        PoseSequence(poses.xy * torch.nan, poses.confidence, poses.size)
