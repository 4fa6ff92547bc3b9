"""The camera embedding of Wan against geometry, one ray at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.moves import CameraMove, make_path
from motion_core.camera.pinhole import project, to_camera
from motion_core.camera.plucker import plucker_rays, wan_camera_embedding, with_normalised_lens
from motion_core.camera.pose import inverse
from motion_core.camera.setup import CameraSetup
from motion_core.depth.lens import intrinsics_from_fov
from motion_core.geometry import Size

SIZE = Size(64, 32)


def path_of(*moves: CameraMove, frames: int = 9, size: Size = SIZE) -> CameraPath:
    K = intrinsics_from_fov(size, 60.0)
    return make_path(list(moves), CameraSetup(size, K, torch.tensor([0.0, 0, 4]).double(), frames))


def test_every_ray_passes_through_its_camera_and_its_pixel() -> None:
    path = path_of(CameraMove("orbit_left", 40.0))
    pose = inverse(path.T_cam_world[-1])
    rays = plucker_rays(pose, path.K[-1], SIZE).double()
    moment, direction = rays[:3].flatten(1).T, rays[3:].flatten(1).T
    assert torch.allclose(direction.norm(dim=1), torch.ones(len(direction)).double(), atol=1e-6)
    origin = pose[:3, 3].expand_as(direction)
    # The moment is the same for every point of the ray.
    for distance in (0.0, 2.5):
        again = torch.linalg.cross(origin + distance * direction, direction)
        assert torch.allclose(again, moment, atol=1e-5)
    points = to_camera(origin + 3.0 * direction, path.T_cam_world[-1])
    xy, _ = project(points, path.K[-1])
    wanted = torch.cartesian_prod(torch.arange(32) + 0.5, torch.arange(64) + 0.5).flip(1)
    assert torch.allclose(xy, wanted.double(), atol=1e-4)


def test_frames_are_folded_by_four_and_the_first_counts_four_times() -> None:
    path = path_of(CameraMove("truck_right", 0.5))
    embedding = wan_camera_embedding(path)
    assert embedding.shape == (1, 24, 3, 32, 64) and embedding.dtype == torch.float32
    first = path.T_cam_world[0]
    for latent in range(3):
        for place in range(4):
            frame = max(0, 4 * latent + place - 3)
            pose = first @ inverse(path.T_cam_world[frame])
            rays = plucker_rays(pose, path.K[frame], SIZE)
            for channel in range(6):
                found = embedding[0, 4 * channel + place, latent]
                assert torch.equal(found, rays[channel])


def test_only_the_motion_since_the_first_frame_counts() -> None:
    path = path_of(CameraMove("arc_left", 20.0))
    turn = path_of(CameraMove("pan_left", 30.0)).T_cam_world[-1]
    elsewhere = CameraPath(path.T_cam_world @ turn, path.K, SIZE)
    torch.testing.assert_close(
        wan_camera_embedding(elsewhere), wan_camera_embedding(path), atol=1e-6, rtol=0
    )


def test_a_lens_of_half_the_width_sees_ninety_degrees() -> None:
    path = with_normalised_lens(path_of(), fx=0.5, fy=1.0)
    direction = plucker_rays(torch.eye(4).double(), path.K[0], SIZE)[3:]
    angle = math.degrees(math.atan2(float(direction[0, 0, -1]), float(direction[2, 0, -1])))
    assert angle == pytest.approx(math.degrees(math.atan(31.5 / 32)), abs=1e-4)


def test_a_zoom_survives_another_lens() -> None:
    path = path_of(CameraMove("dolly_zoom_in", 0.3))
    given = with_normalised_lens(path, fx=0.7, fy=0.7, cx=0.4, cy=0.6)
    assert float(given.K[0, 0, 0]) == pytest.approx(0.7 * 64)
    ratio = path.K[:, 0, 0] / path.K[0, 0, 0]
    np.testing.assert_allclose(given.K[:, 0, 0] / given.K[0, 0, 0], ratio)
    assert given.K[3, :2, 2].tolist() == pytest.approx([0.4 * 64, 0.6 * 32])
    with pytest.raises(ValueError, match="fx and fy above 0"):
        with_normalised_lens(path, fx=0.0, fy=1.0)


@pytest.mark.parametrize(
    ("size", "frames", "message"),
    [
        (Size(60, 32), 9, "multiples of 16.*60x32.*64x32"),
        (Size(64, 40), 9, "multiples of 16"),
        (SIZE, 8, r"4 n \+ 1 frames.*has 8.*to 9"),
        (SIZE, 2, "to 1"),
    ],
)
def test_what_does_not_fit_says_what_does(size: Size, frames: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wan_camera_embedding(path_of(size=size, frames=frames))


def test_it_reports_every_frame_and_stops_when_asked() -> None:
    reports = []
    wan_camera_embedding(path_of(), progress=lambda done, total: reports.append((done, total)))
    assert reports == [(n, 9) for n in range(1, 10)]

    def stop(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        wan_camera_embedding(path_of(), progress=stop)
