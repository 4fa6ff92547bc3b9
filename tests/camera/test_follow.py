"""Following the pointer: the grabbed point lands on the drawn path."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from motion_core.camera.camera_scene import CameraScene
from motion_core.camera.follow import (
    follow_drawing,
    follow_in_plane,
    follow_layer,
    follow_on_sphere,
    grabbed_point,
)
from motion_core.camera.pinhole import project, to_camera
from motion_core.camera.reproject import reproject_points
from motion_core.camera.setup import CameraSetup, make_setup
from motion_core.depth.sources import make_depth
from motion_core.document import (
    CameraGrabLayer,
    MotionDocument,
    Path,
    PinLayer,
    TimedPoint,
    Timing,
)
from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.scene.render import depth_of
from motion_core.scene.scene import make_scene

from .views import SIZE, camera_centres, lens, path_of

PIVOT = torch.tensor([0.0, 0.0, 6.0], dtype=torch.float64)
EYE = torch.eye(4, dtype=torch.float64)


def setup(frames: int) -> CameraSetup:
    return CameraSetup(SIZE, lens(), PIVOT, frames, 16.0)


def curve(start: torch.Tensor, frames: int, right: float, up: float) -> torch.Tensor:
    u = torch.linspace(0, 1, frames, dtype=torch.float64)
    return start + torch.stack([right * u, -up * torch.sin(math.pi * u)], dim=1)


@settings(max_examples=25)
@given(
    st.floats(-1, 1), st.floats(-0.6, 0.6), st.floats(2, 12), st.floats(-80, 80), st.floats(-40, 40)
)
def test_in_its_plane_the_camera_keeps_any_point_under_any_path(x, y, z, right, up) -> None:
    point = torch.tensor([x, y, z], dtype=torch.float64)
    start, _ = project(point[None], lens())
    pixels = curve(start[0], 9, right, up)
    result = follow_in_plane(point, pixels, setup(9))
    projected, _ = project(to_camera(point[None], result.path.T_cam_world), result.path.K)
    assert (projected[:, 0] - pixels).abs().max() < 1e-6
    assert float(result.error_px.max()) < 1e-6
    assert torch.allclose(result.path.T_cam_world[0], EYE, atol=1e-9)
    assert torch.allclose(result.path.T_cam_world[:, :3, :3], EYE[:3, :3].expand(9, 3, 3))
    assert float(camera_centres(result.path.T_cam_world)[:, 2].abs().max()) < 1e-9


def _from_pivot_px(pixels: torch.Tensor) -> torch.Tensor:
    middle, _ = project(PIVOT[None], lens())
    return (pixels - middle).norm(dim=1)


def _silhouette_px(point: torch.Tensor) -> float:
    """Radius in the image of the sphere that the point lies on; no camera shows it farther out."""
    share = float((point - PIVOT).norm() / PIVOT.norm())
    return float(lens()[0, 0]) * share / math.sqrt(1 - share**2)


@pytest.mark.slow
@settings(max_examples=12)
@given(st.floats(-0.8, 0.8), st.floats(-0.5, 0.5), st.floats(-1, 1), st.floats(-1, 1))
def test_on_the_sphere_the_point_follows_within_a_tenth_of_a_pixel(x, y, right, up) -> None:
    point = torch.tensor([x, y, 4.5], dtype=torch.float64)
    start, _ = project(point[None], lens())
    pixels = curve(start[0], 13, 30 * right, 25 * up)
    assume(bool((_from_pivot_px(pixels) < 0.98 * _silhouette_px(point)).all()))
    result = follow_on_sphere(point, pixels, setup(13))
    projected, z = project(to_camera(point[None], result.path.T_cam_world), result.path.K)
    assert (projected[:, 0] - pixels).norm(dim=1).max() < 0.1
    assert bool((z > 0).all())
    away = (camera_centres(result.path.T_cam_world) - PIVOT).norm(dim=1)
    assert torch.allclose(away, torch.full_like(away, 6.0))
    middle, _ = project(to_camera(PIVOT[None], result.path.T_cam_world), result.path.K)
    assert (middle[:, 0] - torch.tensor([104.0, 60.0])).abs().max() < 1e-6
    assert torch.allclose(result.path.T_cam_world[0], EYE, atol=1e-6)
    # The camera stays upright: the world's vertical is never seen leaning at the middle.
    assert float(result.path.T_cam_world[:, 0, 1].abs().max()) < 1e-9


@pytest.mark.slow
def test_where_the_sphere_ends_the_camera_goes_as_near_as_it_can(caplog) -> None:
    point = torch.tensor([0.0, 0.0, 5.5], dtype=torch.float64)
    start, _ = project(point[None], lens())
    result = follow_on_sphere(point, curve(start[0], 9, 60, 0), setup(9))
    assert float(result.error_px[0]) < 0.1
    assert float(result.error_px[-1]) > 5.0
    assert "cannot bring the grabbed point" in caplog.text
    projected, _ = project(to_camera(point[None], result.path.T_cam_world), result.path.K)
    assert float(projected[-1, 0, 0]) > float(projected[0, 0, 0]) + 5.0


def test_the_grabbed_point_is_under_the_first_position_of_the_layer() -> None:
    frames, size = 7, SIZE
    depth = depth_of(make_scene(0), path_of([EYE]))
    points = tuple(TimedPoint(None, 0.3 + 0.05 * i, 0.55 - 0.02 * i) for i in range(4))
    layer = CameraGrabLayer("grab", path=Path(points, timing=Timing(start=0.2, end=0.8)))
    for on_sphere in (False, True):
        result = follow_layer(
            layer, depth, make_setup(depth, frames), drawn_on=Size(100, 60), on_sphere=on_sphere
        )
        assert result.path.num_frames == frames
        assert float(result.error_px.max()) < 0.1
        start = torch.tensor([[0.3 * size.width, 0.55 * size.height]])
        tracks = reproject_points(CameraScene(depth, result.path), start)
        assert tracks.xy[0, 0].tolist() == pytest.approx(start[0].tolist(), abs=1e-2)
        end = [0.45 * size.width, 0.49 * size.height]
        assert tracks.xy[-1, 0].tolist() == pytest.approx(end, abs=0.1)
        assert torch.allclose(tracks.xy[1, 0], tracks.xy[0, 0], atol=1e-2)  # before its window


def test_what_cannot_be_followed_is_refused() -> None:
    point, pixels = torch.tensor([0.1, 0.0, 4.0], dtype=torch.float64), torch.zeros(3, 2)
    for follow in (follow_in_plane, follow_on_sphere):
        with pytest.raises(ShapeError, match="one pixel for each of 4 frames"):
            follow(point, pixels, setup(4))
        with pytest.raises(ValueError, match="ahead of the camera"):
            follow(-point, pixels, setup(3))
        with pytest.raises(ValueError, match="finite"):
            follow(point, pixels / 0.0, setup(3))
    with pytest.raises(ValueError, match="is the pivot"):
        follow_on_sphere(PIVOT, pixels, setup(3))
    valid = torch.ones(120, 208, dtype=torch.bool)
    valid[:20] = False
    depth = make_depth(torch.ones(120, 208), valid=valid)
    with pytest.raises(ValueError, match=r"no depth at pixel \(5.0, 5.0\)"):
        grabbed_point(depth, (5.0, 5.0))


def test_a_drawings_one_camera_layer_is_followed() -> None:
    depth = depth_of(make_scene(0), path_of([EYE]))
    grab = CameraGrabLayer(
        "grab", path=Path((TimedPoint(None, 0.4, 0.5), TimedPoint(None, 0.5, 0.5)))
    )
    off = replace(grab, id="off", enabled=False)
    pins = PinLayer("pins", points=((0.1, 0.1),))
    drawing = MotionDocument(SIZE, (grab, pins, off))
    result = follow_drawing(drawing, depth, make_setup(depth, 5))
    assert float(result.error_px.max()) < 0.1
    for layers in ((pins, off), (grab, replace(off, enabled=True))):
        with pytest.raises(ValueError, match="needs one"):
            follow_drawing(MotionDocument(SIZE, layers), depth, make_setup(depth, 5))
