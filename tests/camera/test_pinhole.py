"""The pinhole against trigonometry and OpenCV."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.camera.pinhole import pixel_centres, project, to_camera, unproject
from motion_core.depth.lens import (
    fov_of,
    intrinsics_from_fov,
    make_intrinsics,
    scaled_intrinsics,
)
from motion_core.errors import ShapeError
from motion_core.geometry import Size

SIZE = Size(640, 480)


@given(st.floats(1.0, 175.0), st.sampled_from(["horizontal", "vertical", "short"]))
def test_the_edge_of_the_picture_is_half_the_field_of_view_away(fov_deg: float, axis: str) -> None:
    K = intrinsics_from_fov(SIZE, fov_deg, axis=axis)  # type: ignore[arg-type]
    half = math.radians(fov_deg) / 2
    edge = [math.sin(half), 0.0] if axis == "horizontal" else [0.0, math.sin(half)]
    xy, _ = project(torch.tensor([[*edge, math.cos(half)]], dtype=torch.float64), K)
    wanted = [640.0, 240.0] if axis == "horizontal" else [320.0, 480.0]
    assert xy[0].tolist() == pytest.approx(wanted, abs=1e-6)
    assert fov_of(K, SIZE)[0 if axis == "horizontal" else 1] == pytest.approx(fov_deg)


def test_an_off_centre_lens_sees_more_on_one_side() -> None:
    K = make_intrinsics(SIZE, 320.0)
    K[0, 2] = 0.0
    assert fov_of(K, SIZE)[0] == pytest.approx(math.degrees(math.atan(2.0)))


@pytest.mark.parametrize("fov_deg", [0.0, 180.0, -10.0, 200.0, math.nan, math.inf])
def test_impossible_fields_of_view_are_refused(fov_deg: float) -> None:
    with pytest.raises(ValueError, match="above 0 and below 180"):
        intrinsics_from_fov(SIZE, fov_deg)


def test_other_bad_lenses_are_refused() -> None:
    with pytest.raises(ValueError, match="axis must be one of"):
        intrinsics_from_fov(SIZE, 60.0, axis="diagonal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="focal length must be a positive"):
        make_intrinsics(SIZE, 0.0)


def test_projection_agrees_with_opencv_which_counts_from_pixel_centres() -> None:
    cv2 = pytest.importorskip("cv2")
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(50, 3, generator=generator, dtype=torch.float64) * 4 - 2
    points[:, 2] += 5
    K = torch.tensor([[500.0, 0, 310], [0, 480, 250], [0, 0, 1]], dtype=torch.float64)
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, :3] = torch.from_numpy(cv2.Rodrigues(torch.tensor([0.2, -0.1, 0.3]).numpy())[0])
    pose[:3, 3] = torch.tensor([0.1, 0.2, 0.3])
    camera = K.clone()
    camera[:2, 2] -= 0.5
    wanted, _ = cv2.projectPoints(
        points.numpy(),
        cv2.Rodrigues(pose[:3, :3].numpy())[0],
        pose[:3, 3].numpy(),
        camera.numpy(),
        None,
    )
    xy, z = project(to_camera(points, pose), K)
    assert torch.allclose(xy, torch.from_numpy(wanted[:, 0]) + 0.5, atol=1e-9)
    assert torch.allclose(z, (points @ pose[2, :3]) + 0.3)


def test_unproject_undoes_project_in_float32() -> None:
    xy = pixel_centres(SIZE).reshape(-1, 2)
    z = torch.linspace(0.5, 50.0, xy.shape[0])
    K = intrinsics_from_fov(SIZE, 50.0)
    back, depth = project(unproject(xy, z, K), K)
    assert torch.equal(depth, z)
    assert (back - xy).abs().max() < 2e-4


def test_unproject_refuses_points_and_depths_that_do_not_match() -> None:
    with pytest.raises(ShapeError, match="of the same points"):
        unproject(torch.zeros(4, 2), torch.ones(3), make_intrinsics(SIZE, 100.0))


def test_pixel_centres_are_columns_x_and_rows_y() -> None:
    centres = pixel_centres(Size(3, 2))
    assert centres.shape == (2, 3, 2)
    assert centres[1, 2].tolist() == [2.5, 1.5]


def test_scaled_intrinsics_move_every_pixel_by_one_factor() -> None:
    K = intrinsics_from_fov(SIZE, 70.0)
    point = torch.tensor([[0.3, -0.2, 2.0]], dtype=torch.float64)
    small, _ = project(point, scaled_intrinsics(K, SIZE, Size(320, 120)))
    large, _ = project(point, K)
    assert torch.allclose(small, large * torch.tensor([0.5, 0.25], dtype=torch.float64))


def test_a_point_behind_the_camera_keeps_its_negative_depth() -> None:
    _, z = project(torch.tensor([[0.0, 0.0, -2.0]]), make_intrinsics(SIZE, 100.0))
    assert z.tolist() == [-2.0]
