"""Keys, joining, layering, and bringing a path to a picture."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.keyframes import CameraKey, path_from_keys
from motion_core.camera.path_edit import (
    fit_path,
    join_paths,
    layer_paths,
    relative_to_first,
    resample_path,
    scale_translation,
    with_lens,
)
from motion_core.camera.pinhole import project
from motion_core.camera.pose import turn_about
from motion_core.camera.setup import CameraSetup, make_setup
from motion_core.depth.depth_map import DepthMap
from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size

from .views import SIZE, camera_centres, lens, moved, orbit, path_of

EYE = torch.eye(4, dtype=torch.float64)
SETUP = CameraSetup(SIZE, lens(), torch.tensor([0.0, 0.0, 6.0], dtype=torch.float64), 11, 16.0)
EMPTY = CameraPath(torch.zeros(0, 4, 4).double(), torch.zeros(0, 3, 3).double(), SIZE)


@pytest.mark.parametrize("smooth", [False, True])
def test_a_path_passes_its_keys_and_rests_outside(smooth: bool) -> None:
    keys = [
        CameraKey(0.2, orbit(0), 1.0),
        CameraKey(0.5, orbit(30), 2.0),
        CameraKey(0.8, moved(1, 0, 0), 1.0),
    ]
    path = path_from_keys(keys, SETUP, smooth=smooth)
    for frame, key in zip((2, 5, 8), keys, strict=True):
        assert torch.allclose(path.T_cam_world[frame], key.T_cam_world, atol=1e-9)
        assert float(path.K[frame, 0, 0]) == pytest.approx(key.focal_scale * float(lens()[0, 0]))
    assert torch.allclose(path.T_cam_world[0], path.T_cam_world[2], atol=1e-9)
    assert torch.allclose(path.T_cam_world[10], path.T_cam_world[8], atol=1e-9)
    assert path.fps == 16.0


def test_two_keys_of_an_orbit_make_the_orbit_and_focal_lengths_change_by_ratio() -> None:
    path = path_from_keys([CameraKey(0, orbit(0)), CameraKey(1, orbit(60), 4.0)], SETUP)
    wanted = torch.stack([orbit(6.0 * i) for i in range(11)])
    assert torch.allclose(path.T_cam_world, wanted, atol=1e-9)
    assert float(path.K[5, 1, 1] / path.K[0, 1, 1]) == pytest.approx(2.0)


def test_smooth_keys_on_a_line_follow_the_catmull_rom_curve() -> None:
    places, times = [0.0, 1.0, -0.5, 2.0], [0.0, 0.3, 0.6, 1.0]
    keys = [CameraKey(t, moved(x, 0, 0)) for t, x in zip(times, places, strict=True)]
    path = path_from_keys(keys, SETUP, smooth=True)
    got = camera_centres(path.T_cam_world)[:, 0].tolist()
    knots = [-0.3, *times, 1.4]
    values = [-1.0, *places, 4.5]
    wanted = [_barry_goldman(values, knots, i / 10) for i in range(11)]
    assert got == pytest.approx(wanted, abs=1e-9)


def _barry_goldman(values: list[float], knots: list[float], at: float) -> float:
    """The numbers' own textbook pyramid, written out."""
    i = max(k for k in range(1, len(knots) - 2) if knots[k] <= at + 1e-12)
    t0, t1, t2, t3 = knots[i - 1 : i + 3]
    p0, p1, p2, p3 = values[i - 1 : i + 3]
    a1 = (t1 - at) / (t1 - t0) * p0 + (at - t0) / (t1 - t0) * p1
    a2 = (t2 - at) / (t2 - t1) * p1 + (at - t1) / (t2 - t1) * p2
    a3 = (t3 - at) / (t3 - t2) * p2 + (at - t2) / (t3 - t2) * p3
    b1 = (t2 - at) / (t2 - t0) * a1 + (at - t0) / (t2 - t0) * a2
    b2 = (t3 - at) / (t3 - t1) * a2 + (at - t1) / (t3 - t1) * a3
    return (t2 - at) / (t2 - t1) * b1 + (at - t1) / (t2 - t1) * b2


def test_easing_bends_the_way_between_two_keys() -> None:
    keys = [CameraKey(0, EYE, easing="ease_in"), CameraKey(1, moved(0, 0, 1))]
    z = camera_centres(path_from_keys(keys, SETUP).T_cam_world)[:, 2]
    assert float(z[5]) < 0.4
    assert float(z[10]) == pytest.approx(1.0)


def test_one_key_is_a_still_camera() -> None:
    path = path_from_keys([CameraKey(0.5, orbit(20))], SETUP)
    assert torch.allclose(path.T_cam_world, orbit(20).expand(11, 4, 4))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "at least one key"),
        ([CameraKey(0.5, EYE), CameraKey(0.5, EYE)], "must rise"),
        ([CameraKey(-0.1, EYE)], "within 0..1"),
        ([CameraKey(math.nan, EYE)], "within 0..1"),
        ([CameraKey(0.5, EYE, 0.0)], "key 0: focal_scale"),
    ],
)
def test_bad_keys_are_refused(keys: list[CameraKey], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        path_from_keys(keys, SETUP)


def test_joined_paths_carry_on() -> None:
    first = path_of([EYE, orbit(10), orbit(20)], fps=8.0)
    second = path_of([moved(5, 5, 5), moved(5, 5, 6)])
    whole = join_paths(first, second)
    assert whole.num_frames == 4
    assert whole.fps == 8.0
    assert torch.allclose(whole.T_cam_world[:3], first.T_cam_world)
    assert torch.allclose(whole.T_cam_world[3], moved(0, 0, 1) @ orbit(20))


def test_joined_lenses_carry_on_by_ratio() -> None:
    near, far = path_of([EYE, EYE]), path_of([EYE, EYE])
    zoomed = with_lens(far, lens(), SIZE)
    zoomed.K[1, :2, :2] *= 3.0
    doubled = near.K.clone()
    doubled[1, :2, :2] *= 2.0
    whole = join_paths(CameraPath(near.T_cam_world, doubled, SIZE), zoomed)
    assert (whole.K[:, 0, 0] / lens()[0, 0]).tolist() == pytest.approx([1, 2, 6])


def test_paths_that_do_not_fit_are_not_joined_or_layered() -> None:
    other = path_of([EYE], Size(64, 64))
    for combine in (join_paths, layer_paths):
        with pytest.raises(CanvasError, match=r"208x120 and 64x64"):
            combine(path_of([EYE]), other)
    with pytest.raises(ValueError, match="without frames"):
        join_paths(path_of([EYE]), EMPTY)
    with pytest.raises(ShapeError, match="1 and 2 frames"):
        layer_paths(path_of([EYE]), path_of([EYE, EYE]))


def test_a_layer_acts_on_top() -> None:
    sway = turn_about((0, 0, 0), (0, 1, 0), 3.0)
    both = layer_paths(path_of([EYE, orbit(20)]), path_of([EYE, sway]))
    assert torch.allclose(both.T_cam_world[1], sway @ orbit(20))


def test_a_path_from_elsewhere_starts_at_the_picture() -> None:
    foreign = path_of([moved(3, 1, 2), moved(3, 1, 4)])
    own = relative_to_first(foreign)
    assert torch.allclose(own.T_cam_world[0], EYE)
    assert camera_centres(own.T_cam_world)[1].tolist() == pytest.approx([0, 0, 2])
    with pytest.raises(ValueError, match="no first view"):
        relative_to_first(EMPTY)


def test_another_lens_keeps_the_zoom() -> None:
    path = path_of([EYE, EYE])
    path.K[1, :2, :2] *= 1.5
    small = with_lens(path, lens(Size(104, 60)), Size(104, 60))
    assert small.size == (104, 60)
    assert (small.K[:, 0, 0] / lens(Size(104, 60))[0, 0]).tolist() == pytest.approx([1.0, 1.5])
    with pytest.raises(ValueError, match="no lens"):
        with_lens(EMPTY, lens(), SIZE)


def test_travel_scales_and_turns_do_not() -> None:
    path = scale_translation(path_of([orbit(30), moved(1, 2, 3)]), 10.0)
    assert torch.equal(path.T_cam_world[0, :3, :3], orbit(30)[:3, :3])
    assert camera_centres(path.T_cam_world)[1].tolist() == pytest.approx([10, 20, 30])
    with pytest.raises(ValueError, match="positive"):
        scale_translation(path, 0.0)


def _depth() -> DepthMap:
    z = torch.full((SIZE.height, SIZE.width), 8.0)
    z[:, :50] = 2.0
    valid = torch.ones_like(z, dtype=torch.bool)
    valid[0] = False
    return DepthMap(z, valid, lens())


def test_the_pivot_is_the_picked_point_or_the_median_ahead() -> None:
    assert make_setup(_depth(), 5).pivot.tolist() == [0.0, 0.0, 8.0]
    picked = make_setup(_depth(), 5, point=(20.5, 33.0), fps=12.0)
    xy, z = project(picked.pivot[None], lens())
    assert xy[0].tolist() == pytest.approx([20.5, 33.0])
    assert float(z) == 2.0
    assert picked.distance == 2.0
    assert float(make_setup(_depth(), 5, point=(20.5, 0.5)).pivot[2]) == 8.0
    with pytest.raises(ValueError, match="off the image"):
        make_setup(_depth(), 5, point=(208.0, 3.0))


def test_a_path_in_more_frames_stays_on_its_way() -> None:
    path = path_of([orbit(angle) for angle in (0.0, 10.0, 20.0)], fps=8.0)
    finer = resample_path(path, 9)
    for frame, angle in enumerate(torch.linspace(0, 20, 9).tolist()):
        assert torch.allclose(finer.T_cam_world[frame], orbit(angle), atol=1e-9)
    assert finer.fps == 8.0 and resample_path(path, 3) is path
    assert torch.equal(resample_path(path, 1).T_cam_world[0], orbit(0.0))
    with pytest.raises(ValueError, match="0 frames cannot be brought to 4"):
        resample_path(EMPTY, 4)
    with pytest.raises(ValueError, match="cannot be brought to 0"):
        resample_path(path, 0)


def test_a_path_from_elsewhere_is_taken_by_the_pictures_camera(
    caplog: pytest.LogCaptureFixture,
) -> None:
    start = orbit(50.0)
    poses = [moved(step, 0, 0) @ start for step in (0.0, 1.0, 2.0)]
    foreign = path_of(poses, Size(64, 64), fps=30.0)
    taken = fit_path(foreign, SETUP, 0.5)
    assert (taken.size, taken.num_frames, taken.fps) == (SIZE, SETUP.frames, 16.0)
    assert "3 frames at 30 fps; it becomes 11 frames at 16 fps" in caplog.text
    assert torch.allclose(taken.K, SETUP.K.expand_as(taken.K))
    assert torch.allclose(taken.T_cam_world[0], EYE, atol=1e-12)
    assert camera_centres(taken.T_cam_world[-1]).tolist() == pytest.approx([1.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="travel factor"):
        fit_path(foreign, SETUP, 0.0)
