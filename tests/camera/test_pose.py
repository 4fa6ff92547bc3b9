"""Rigid motions against scipy's rotations and matrix logarithm."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm, logm
from scipy.spatial.transform import Rotation

from motion_core.camera.pose import (
    interpolate_poses,
    inverse,
    look_at,
    make_pose,
    rotation_about,
    turn_about,
)
from motion_core.errors import ShapeError

from .views import camera_centres

coordinate = st.floats(-5.0, 5.0)
vectors = st.tuples(coordinate, coordinate, coordinate)
poses = st.builds(
    lambda turn, shift: make_pose(torch.from_numpy(Rotation.from_rotvec(turn).as_matrix()), shift),
    st.tuples(*[st.floats(-1.6, 1.6)] * 3),
    vectors,
)


@given(vectors.filter(lambda v: math.hypot(*v) > 1e-3), st.floats(-360, 360))
def test_rotation_matches_scipy(axis: tuple[float, float, float], angle_deg: float) -> None:
    unit = np.array(axis) / np.linalg.norm(axis)
    wanted = Rotation.from_rotvec(unit * math.radians(angle_deg)).as_matrix()
    assert np.allclose(rotation_about(axis, angle_deg).numpy(), wanted, atol=1e-12)


@given(poses)
def test_inverse_is_the_matrix_inverse(pose: torch.Tensor) -> None:
    assert torch.allclose(inverse(pose), torch.linalg.inv(pose), atol=1e-12)


def test_turning_about_a_point_leaves_it_alone() -> None:
    point = torch.tensor([1.0, -2.0, 5.0, 1.0], dtype=torch.float64)
    assert torch.allclose(turn_about(point[:3], (1, 2, 3), 77.0) @ point, point)


@settings(max_examples=15)
@given(poses, poses, st.floats(-0.2, 1.2))
def test_interpolation_matches_the_matrix_logarithm(
    first: torch.Tensor, last: torch.Tensor, share: float
) -> None:
    step = (last @ inverse(first)).numpy()
    turn = np.linalg.norm(Rotation.from_matrix(step[:3, :3]).as_rotvec())
    if turn > 3.0:  # the logarithm is not unique near half a turn
        return
    wanted = np.real(expm(share * logm(step))) @ first.numpy()
    got = interpolate_poses(first, last, torch.tensor(share, dtype=torch.float64))
    assert np.allclose(got.numpy(), wanted, atol=1e-7)


@pytest.mark.parametrize("angle_deg", [1e-8, 1e-5, 1e-3, 0.1, 179.0])
def test_two_half_steps_are_the_whole_step(angle_deg: float) -> None:
    step = make_pose(rotation_about((1, 2, -1), angle_deg), (0.3, -1.0, 2.0))
    half = interpolate_poses(torch.eye(4, dtype=torch.float64), step, torch.tensor(0.5))
    assert torch.allclose(half @ half, step, atol=1e-12)


def test_two_poses_of_an_orbit_are_joined_by_the_orbit() -> None:
    pivot = (0.0, 0.0, 6.0)
    shares = torch.linspace(0, 1, 7, dtype=torch.float64)
    way = interpolate_poses(
        torch.eye(4, dtype=torch.float64), turn_about(pivot, (0, 1, 0), 60), shares
    )
    wanted = torch.stack([turn_about(pivot, (0, 1, 0), 60 * float(s)) for s in shares])
    assert torch.allclose(way, wanted, atol=1e-12)
    distance = (camera_centres(way) - torch.tensor(pivot, dtype=torch.float64)).norm(dim=1)
    assert torch.allclose(distance, torch.full_like(distance, 6.0))


def test_equal_poses_stay_equal_on_the_way() -> None:
    pose = look_at((1, 2, 3), (0, 0, 8))
    way = interpolate_poses(pose, pose, torch.linspace(0, 1, 5, dtype=torch.float64))
    assert torch.allclose(way, pose.expand(5, 4, 4), atol=1e-12)


def test_a_singular_pose_cannot_be_interpolated() -> None:
    broken = torch.zeros(4, 4, dtype=torch.float64)
    broken[3, 3] = 1.0
    broken[0, 3] = math.nan
    with pytest.raises(ValueError):
        interpolate_poses(torch.eye(4, dtype=torch.float64), broken, torch.tensor(0.5))


def test_look_at_puts_the_target_on_the_axis_and_the_picture_upright() -> None:
    pose = look_at((2.0, -1.0, 0.5), (0.0, 0.0, 6.0))
    in_camera = pose @ torch.tensor([0.0, 0.0, 6.0, 1.0], dtype=torch.float64)
    assert torch.allclose(in_camera[:2], torch.zeros(2, dtype=torch.float64), atol=1e-12)
    assert float(in_camera[2]) == pytest.approx(math.dist((2, -1, 0.5), (0, 0, 6)))
    assert float(pose[0, 1]) == pytest.approx(0.0)  # the world's down has no sideways part
    assert float(pose[1, 1]) > 0
    assert torch.allclose(camera_centres(pose), torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rotation_about((0, 0, 0), 10), ValueError, "axis with a direction"),
        (lambda: rotation_about((0, 0, 1), math.nan), ValueError, "finite angle"),
        (lambda: make_pose(None, (1, 2)), ShapeError, "three numbers"),
        (lambda: make_pose(None, (1, 2, math.inf)), ValueError, "must be finite"),
        (lambda: look_at((0, 0, 1), (0, 0, 1)), ValueError, "coincide"),
        (lambda: look_at((0, 0, 0), (0, 5, 0)), ValueError, "no upright image"),
    ],
)
def test_bad_motions_are_refused(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call()
