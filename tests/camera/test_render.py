"""The warped render against the scene's own pictures and its exact holes."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.camera_scene import CameraScene
from motion_core.camera.pinhole import pixel_centres
from motion_core.camera.render import render_warped, render_warped_video
from motion_core.camera.zbuffer import Occlusion
from motion_core.depth.depth_map import DepthMap
from motion_core.depth.sources import make_depth
from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.scene.render import depth_of, render_scene, track
from motion_core.scene.scene import make_scene

from .views import SIZE, VIEWS, lens, moved, orbit, path_of

EYE = torch.eye(4, dtype=torch.float64)
CHECKER = ((pixel_centres(SIZE) / 8).floor().sum(dim=-1) % 2)[..., None].expand(-1, -1, 3)


def flat(z: float = 4.0, size: Size = SIZE) -> DepthMap:
    return make_depth(torch.full((size.height, size.width), z), K=lens(size))


def psnr(first: torch.Tensor, second: torch.Tensor) -> float:
    return -10 * math.log10(float(((first - second) ** 2).mean()))


@pytest.mark.parametrize("view", VIEWS)
def test_it_shows_what_the_scene_shows_and_admits_what_it_cannot(view: str) -> None:
    path = path_of([EYE, VIEWS[view][2]])
    scene = make_scene(3)
    truth = render_scene(scene, path, samples=2)
    got = render_warped(truth.video[0], CameraScene(truth.depth_map(), path))
    assert torch.equal(got.video[0], truth.video[0])
    assert not got.holes[0].any()
    shown = ~got.holes[1]
    assert psnr(got.video[1][shown], truth.video[1][shown]) > 28.0
    assert not got.video[1][got.holes[1]].any()
    # A pixel of the frame is truly a hole if its point is not visible from the picture's place.
    back = CameraPath(path.T_cam_world.flip(0), path.K, SIZE)
    in_picture = track(scene, back, pixel_centres(SIZE).reshape(-1, 2)).visible[1]
    holes = ~in_picture.view(SIZE.height, SIZE.width)
    agree = float((got.holes[1] == holes).float().mean())
    assert agree > 0.96


def test_a_still_camera_gives_the_picture_itself() -> None:
    got = render_warped(CHECKER, CameraScene(flat(), path_of([EYE, EYE])))
    assert torch.equal(got.video[1], CHECKER)


def test_a_shifted_plane_is_the_picture_shifted() -> None:
    # 8 pixels to the right at depth 4.
    shift = 8.0 * 4.0 / float(lens()[0, 0])
    got = render_warped(CHECKER, CameraScene(flat(), path_of([moved(shift, 0.0, 0)])))
    assert torch.allclose(got.video[0][:, :-9], CHECKER[:, 8:-1], atol=1e-3)
    assert not got.holes[0, :, :-9].any()
    assert got.holes[0, :, -8:].all()


@pytest.mark.parametrize("closer", [2.0, 3.0, 3.6])
def test_a_surface_rendered_from_close_by_has_no_gaps(closer: float) -> None:
    got = render_warped(CHECKER, CameraScene(flat(), path_of([moved(0.013, 0.007, closer)])))
    assert not got.holes.any()


def test_nothing_is_stretched_across_an_edge() -> None:
    depth = flat(8.0)
    z = depth.z.clone()
    z[:, :104] = 2.0
    picture = torch.zeros(120, 208, 3)
    picture[:, :104, 0], picture[:, 104:, 1] = 1.0, 1.0
    got = render_warped(picture, CameraScene(make_depth(z, K=lens()), path_of([moved(0.2, 0, 0)])))
    hole = got.holes[0, 60]
    assert 10 <= int(hole[:180].sum()) <= 15  # f (1/2 - 1/8) 0.2 = 13.5 pixels came into view
    shown = got.video[0, 60][~hole]
    assert float(torch.minimum(shown[:, 0], shown[:, 1]).max()) < 0.51


def test_holes_have_the_colour_asked_for_and_invalid_pixels_are_holes() -> None:
    valid = torch.ones(120, 208, dtype=torch.bool)
    valid[:, :50] = False
    depth = make_depth(torch.full((120, 208), 4.0), valid=valid, K=lens())
    got = render_warped(
        CHECKER, CameraScene(depth, path_of([EYE, moved(0.01, 0, 0)])), hole_color=(0.5, 0, 1)
    )
    for frame in (0, 1):
        assert got.holes[frame, :, :48].all()
        assert torch.equal(got.video[frame, 0, 0], torch.tensor([0.5, 0.0, 1.0]))
        assert not got.holes[frame, :, 55:-5].any()


def test_a_camera_that_looks_away_sees_only_holes() -> None:
    got = render_warped(CHECKER, CameraScene(flat(), path_of([orbit(180.0, 0.0)])))
    assert got.holes.all()


def test_bad_input_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(H, W, 3\)"):
        render_warped(CHECKER[None], CameraScene(flat(), path_of([EYE])))
    with pytest.raises(CanvasError, match="207x120.*208x120"):
        render_warped(CHECKER[:, 1:], CameraScene(flat(), path_of([EYE])))
    with pytest.raises(CanvasError, match="resize_depth"):
        render_warped(CHECKER, CameraScene(flat(4.0, Size(64, 64)), path_of([EYE])))
    with pytest.raises(ValueError, match="cell_px 1"):
        render_warped(CHECKER, CameraScene(flat(), path_of([EYE]), Occlusion(cell_px=2)))


def test_progress_may_stop_it() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_warped(CHECKER, CameraScene(flat(), path_of([EYE])), progress=stop)


@pytest.mark.parametrize("view", VIEWS)
def test_the_moved_depth_is_the_depth_of_the_moved_camera(view: str) -> None:
    path = path_of([EYE, VIEWS[view][2]])
    scene = make_scene(3)
    depth = render_scene(scene, path, samples=1).depth_map()
    image = torch.rand(SIZE.height, SIZE.width, 3)
    got = render_warped(image, CameraScene(depth, path), with_depth=True)
    plain = render_warped(image, CameraScene(depth, path))
    assert torch.equal(got.video, plain.video) and torch.equal(got.holes, plain.holes)
    assert plain.depth is None and got.depth is not None
    assert torch.equal(torch.isinf(got.depth), got.holes)
    assert torch.equal(got.depth[0], depth.z)
    truth = depth_of(scene, path, 1)
    shown = ~got.holes[1] & truth.valid
    off = (got.depth[1][shown] / truth.z[shown] - 1).abs()
    assert float(off.median()) < 2e-3 and float((off < 0.02).float().mean()) > 0.97


def test_a_video_is_warped_frame_by_frame_with_its_own_depth() -> None:
    """Each frame equals the render of that frame alone, and the identity gives the frame itself."""
    generator = torch.Generator().manual_seed(0)
    video = torch.rand(4, SIZE.height, SIZE.width, 3, generator=generator)
    depths = [flat(3.0 + frame) for frame in range(4)]
    path = path_of([EYE, VIEWS["orbit left"][2], EYE, moved(0.3, 0.0, 0.5)], fps=12.0)
    reports = []
    got = render_warped_video(
        video, depths, path, with_depth=True, progress=lambda *at: reports.append(at)
    )
    assert reports == [(n, 4) for n in range(1, 5)]
    assert torch.equal(got.video[2], video[2]) and not got.holes[2].any()
    for frame in range(4):
        pose = path_of([path.T_cam_world[frame]])
        alone = render_warped(video[frame], CameraScene(depths[frame], pose), with_depth=True)
        assert torch.equal(got.video[frame], alone.video[0])
        assert torch.equal(got.holes[frame], alone.holes[0])
        assert got.depth is not None and alone.depth is not None
        assert torch.equal(got.depth[frame], alone.depth[0])


def test_a_video_needs_as_many_depths_and_poses() -> None:
    video = torch.zeros(3, SIZE.height, SIZE.width, 3)
    with pytest.raises(ShapeError, match="3 frames, 2 depth maps and 3 poses.*Camera Path"):
        render_warped_video(video, [flat()] * 2, path_of([EYE] * 3))
    with pytest.raises(ShapeError, match="4 poses"):
        render_warped_video(video, [flat()] * 3, path_of([EYE] * 4))
    with pytest.raises(CanvasError):
        render_warped_video(torch.zeros(1, 8, 8, 3), [flat()], path_of([EYE]))
