"""Reprojection against exact geometry, and against its definition point by point."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.camera import cloud
from motion_core.camera.camera_path import CameraPath
from motion_core.camera.camera_scene import CameraScene
from motion_core.camera.pinhole import pixel_centres
from motion_core.camera.pose import turn_about
from motion_core.camera.reference import project_point, unproject_pixel, visible_points
from motion_core.camera.reproject import reproject_pixels, reproject_points
from motion_core.camera.zbuffer import Occlusion
from motion_core.depth.depth_map import DepthMap
from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.scene.render import depth_of, track
from motion_core.scene.scene import make_scene
from motion_core.tracks import Tracks

from .views import SIZE, VIEWS, lens, moved, orbit, path_of

STILL = [torch.eye(4, dtype=torch.float64)]


def flat(z: float = 4.0, size: Size = SIZE) -> DepthMap:
    shape = (size.height, size.width)
    return DepthMap(torch.full(shape, z), torch.ones(shape, dtype=torch.bool), lens(size))


def f1(got: torch.Tensor, truth: torch.Tensor) -> float:
    both = float((got & truth).sum())
    return 2 * both / (2 * both + float((got ^ truth).sum()))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_pixel_matches_the_exact_scene(view: str, seed: int) -> None:
    size = Size(416, 240)
    scene, path = make_scene(seed), path_of(VIEWS[view], size)
    got = reproject_pixels(CameraScene(depth_of(scene, path), path))
    truth = track(scene, path, pixel_centres(size).reshape(-1, 2))
    assert (got.xy - truth.xy)[truth.visible].abs().max() < 1e-3
    assert f1(got.visible[1:], truth.visible[1:]) >= 0.98


@pytest.mark.parametrize("view", VIEWS)
def test_chosen_points_between_pixels_match_the_exact_scene(view: str) -> None:
    size = Size(416, 240)
    scene, path = make_scene(2), path_of(VIEWS[view], size)
    points = torch.rand(2000, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor(size)
    got = reproject_points(CameraScene(depth_of(scene, path), path), points)
    truth = track(scene, path, points)
    error = (got.xy - truth.xy).norm(dim=-1)[truth.visible]
    assert error.quantile(0.95) < 0.01  # curved surfaces and edges are not exact between pixels
    assert f1(got.visible[1:], truth.visible[1:]) >= 0.98


def test_chosen_pixels_agree_with_all_pixels() -> None:
    scene, path = make_scene(3), path_of(VIEWS["orbit left"])
    depth = depth_of(scene, path)
    dense = reproject_pixels(CameraScene(depth, path))
    chosen = torch.randperm(dense.num_points, generator=torch.Generator().manual_seed(1))[:500]
    points = pixel_centres(SIZE).reshape(-1, 2)[chosen]
    few = reproject_points(CameraScene(depth, path), points)
    assert torch.allclose(few.xy, dense.xy[:, chosen], atol=1e-3)
    assert torch.equal(few.visible, dense.visible[:, chosen])


def test_a_still_camera_gives_still_and_visible_tracks() -> None:
    path = path_of(STILL * 3, fps=16.0)
    tracks = reproject_pixels(CameraScene(depth_of(make_scene(0), path), path))
    start = pixel_centres(SIZE).reshape(-1, 2)
    assert (tracks.xy - start).abs().max() < 1e-3
    assert tracks.visible.all()
    assert tracks.fps == 16.0
    assert tracks.size == SIZE


def test_there_and_back_returns() -> None:
    poses = [orbit(a) for a in (0, 12, 25, 12, 0)]
    path = path_of(poses)
    tracks = reproject_pixels(CameraScene(depth_of(make_scene(1), path), path))
    assert (tracks.xy[0] - tracks.xy[-1]).abs().max() < 1e-3
    assert tracks.visible[-1].all()
    assert not tracks.visible[2].all()


def _by_definition(depth: DepthMap, path: CameraPath, occlusion: Occlusion) -> Tracks:
    pixels = pixel_centres(depth.size).reshape(-1, 2).tolist()
    z, valid = depth.z.flatten().tolist(), depth.valid.flatten().tolist()
    world = [unproject_pixel(p, d, depth.K) for p, d in zip(pixels, z, strict=True)]  # type: ignore[arg-type]
    xy, visible = [], []
    for pose, K in zip(path.T_cam_world, path.K, strict=True):
        projected = [project_point(point, pose, K) for point in world]
        surface = [s for s, known in zip(projected, valid, strict=True) if known]
        answers = visible_points(
            [s[0] for s in projected], [s[1] for s in projected], surface, path.size, occlusion
        )
        visible.append([a and known for a, known in zip(answers, valid, strict=True)])
        xy.append([s[0] for s in projected])
    ids = torch.arange(len(pixels))
    return Tracks(torch.tensor(xy), torch.tensor(visible), ids, path.size)


def _rough_depth(seed: int, size: Size) -> DepthMap:
    """Steps, slopes and holes at random."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 1, 4, 5, generator=generator) * 4 + 2
    z = torch.nn.functional.interpolate(coarse, size=(size.height, size.width), mode="nearest")[
        0, 0
    ]
    z = z + 0.03 * torch.arange(size.width) + 0.02 * torch.rand(z.shape, generator=generator)
    valid = torch.rand(z.shape, generator=generator) > 0.05
    return DepthMap(z.contiguous(), valid, lens(size))


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(0, 2), st.sampled_from([0.01, 0.05, 0.2]))
def test_all_pixels_follow_the_definition(seed: int, radius: int, threshold: float) -> None:
    size = Size(26, 15)
    path = path_of([orbit(9.0, 4.0), moved(0.35, -0.2, 0.9), moved(0.1, 0.1, 3.1)], size)
    depth, occlusion = _rough_depth(seed, size), Occlusion(radius, threshold)
    wanted, got = (
        _by_definition(depth, path, occlusion),
        reproject_pixels(CameraScene(depth, path, occlusion)),
    )
    valid = depth.valid.flatten() & (wanted.xy.abs() < 1e4).all(dim=-1)
    behind = ~valid
    assert (got.xy - wanted.xy)[valid & got.visible].abs().max() < 1e-3
    # A float32 pixel on a cell's edge may fall either side of it: none of these views has one
    # closer than rounding, except where a point sits exactly on the threshold.
    different = (got.visible != wanted.visible).sum()
    assert different <= 2, f"{different} points"
    assert not got.visible[behind & ~wanted.visible].any()


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(0, 3), st.integers(1, 3))
def test_chosen_points_follow_the_definition(seed: int, radius: int, cell_px: int) -> None:
    size = Size(26, 15)
    path = path_of([orbit(9.0, 4.0), moved(0.35, -0.2, 0.9)], size)
    depth, occlusion = _rough_depth(seed, size), Occlusion(radius, 0.05, cell_px)
    got = reproject_points(CameraScene(depth, path, occlusion), pixel_centres(size).reshape(-1, 2))
    thinned = torch.zeros_like(depth.valid)
    thinned[cell_px // 2 :: cell_px, cell_px // 2 :: cell_px] = True
    surface = replace(depth, valid=depth.valid & thinned)
    wanted = _visible_beside(depth, surface, path, occlusion)
    assert (got.visible != wanted).sum() <= 2


def _visible_beside(
    depth: DepthMap, surface: DepthMap, path: CameraPath, occlusion: Occlusion
) -> torch.Tensor:
    pixels = pixel_centres(depth.size).reshape(-1, 2).tolist()
    world = [
        unproject_pixel(p, d, depth.K)
        for p, d in zip(pixels, depth.z.flatten().tolist(), strict=True)
    ]
    answers = []
    for pose, K in zip(path.T_cam_world, path.K, strict=True):
        projected = [project_point(point, pose, K) for point in world]
        hiding = [s for s, v in zip(projected, surface.valid.flatten().tolist(), strict=True) if v]
        answers.append(
            visible_points(
                [s[0] for s in projected], [s[1] for s in projected], hiding, path.size, occlusion
            )
        )
    return torch.tensor(answers) & depth.valid.flatten()


def _two_planes(near: float, far: float, edge: int) -> DepthMap:
    """A near plane left of a column, a far one right of it."""
    depth = flat(far)
    z = depth.z.clone()
    z[:, :edge] = near
    return replace(depth, z=z)


def test_gaps_of_a_near_surface_are_closed() -> None:
    # From twice as close, the near half covers the far points that pass behind it, gaps and all.
    depth = _two_planes(2.0, 8.0, 104)
    path = path_of([moved(-0.35, 0.003, 1.0)])  # so that no point lands on a cell's edge
    truth = _two_plane_truth(depth, path)
    open_gaps = reproject_pixels(CameraScene(depth, path, Occlusion(radius=0))).visible[0]
    closed = reproject_pixels(CameraScene(depth, path, Occlusion(radius=1))).visible[0]
    assert int((open_gaps & ~truth).sum()) > 300
    assert int((closed ^ truth).sum()) < 100


def _two_plane_truth(depth: DepthMap, path: CameraPath) -> torch.Tensor:
    """Visible by intersection: a far point is hidden where its ray meets the near half plane."""
    focal = float(depth.K[0, 0])
    x, y = ((pixel_centres(SIZE) - torch.tensor([104.0, 60.0])) / focal).unbind(-1)
    points = torch.stack([x, y, torch.ones_like(x)], -1).double() * depth.z[..., None]
    eye = -path.T_cam_world[0, :3, 3]
    share = (2.0 - eye[2]) / (points[..., 2] - eye[2])
    meets = eye[0] + share * (points[..., 0] - eye[0]) < 0.0
    hidden = (depth.z > 4) & meets
    ray = points - eye
    u = 104 + focal * ray[..., 0] / ray[..., 2]
    v = 60 + focal * ray[..., 1] / ray[..., 2]
    return (~hidden & (u >= 0) & (u < 208) & (v >= 0) & (v < 120)).flatten()


def test_what_lies_beside_a_silhouette_stays_visible() -> None:
    tracks = reproject_pixels(
        CameraScene(_two_planes(2.0, 8.0, 104), path_of([moved(0.001, 0, 0)]))
    )
    assert tracks.visible[0].view(120, 208)[:, 1:].all()


def test_larger_cells_change_little() -> None:
    size = Size(832, 480)
    path = path_of([VIEWS["orbit left"][-1], VIEWS["dolly in"][-1]], size)
    depth = depth_of(make_scene(0), path_of(STILL, size))
    points = torch.rand(4096, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor(size)
    fine = reproject_points(CameraScene(depth, path), points)
    coarse = reproject_points(CameraScene(depth, path, Occlusion(cell_px=2)), points)
    assert torch.equal(fine.xy, coarse.xy)
    assert float((fine.visible != coarse.visible).float().mean()) <= 0.005


def test_points_behind_the_camera_hold_their_place_and_are_invisible() -> None:
    path = path_of([moved(0, 0, 0), moved(0.1, 0, 0), moved(0, 0, 5.0), moved(0, 0, 4.0)])
    for tracks in (
        reproject_pixels(CameraScene(flat(4.0), path)),
        reproject_points(CameraScene(flat(4.0), path), pixel_centres(SIZE).reshape(-1, 2)),
    ):
        assert tracks.visible[0].all()
        assert not tracks.visible[2:].any()
        assert torch.equal(tracks.xy[2], tracks.xy[1])
        assert torch.equal(tracks.xy[3], tracks.xy[1])


def test_points_that_start_behind_rest_on_their_pixel() -> None:
    backwards = turn_about((0, 0, 0), (0, 1, 0), 180.0)
    tracks = reproject_pixels(CameraScene(flat(), path_of([backwards])))
    assert not tracks.visible.any()
    assert (tracks.xy[0] - pixel_centres(SIZE).reshape(-1, 2)).abs().max() < 1e-3


def test_pixels_without_depth_never_show_and_never_hide() -> None:
    depth = flat()
    valid = depth.valid.clone()
    valid[:, :100] = False
    z = torch.where(valid, depth.z, torch.full_like(depth.z, 0.5))
    path = path_of([moved(0, 0, 0), moved(-0.5, 0, 0)])
    tracks = reproject_pixels(CameraScene(replace(depth, z=z, valid=valid), path))
    assert torch.equal(tracks.visible[0], valid.flatten())
    right_part = valid.flatten() & (tracks.xy[1, :, 0] < SIZE.width)
    assert torch.equal(tracks.visible[1], right_part)


def test_points_off_the_picture_have_no_depth_and_do_not_show() -> None:
    points = torch.tensor([[-1.0, 5.0], [10.0, 10.0], [300.0, 5.0]])
    tracks = reproject_points(CameraScene(flat(), path_of(STILL * 2)), points)
    assert tracks.visible.tolist() == [[False, True, False]] * 2
    assert torch.allclose(tracks.xy, points.expand(2, 3, 2), atol=1e-3)


def test_no_points_and_one_frame_are_fine() -> None:
    tracks = reproject_points(CameraScene(flat(), path_of(STILL)), torch.zeros(0, 2))
    assert tracks.xy.shape == (1, 0, 2)
    assert reproject_pixels(CameraScene(flat(), path_of(STILL))).visible.all()


def test_bad_input_is_refused() -> None:
    with pytest.raises(CanvasError, match=r"208x120.*64x64"):
        reproject_pixels(CameraScene(flat(), path_of(STILL, Size(64, 64))))
    nothing = CameraPath(torch.zeros(0, 4, 4).double(), torch.zeros(0, 3, 3).double(), SIZE)
    with pytest.raises(ValueError, match="no frames"):
        reproject_pixels(CameraScene(flat(), nothing))
    with pytest.raises(ShapeError, match=r"\(N, 2\)"):
        reproject_points(CameraScene(flat(), path_of(STILL)), torch.zeros(3))
    with pytest.raises(ValueError, match="finite"):
        reproject_points(CameraScene(flat(), path_of(STILL)), torch.tensor([[math.nan, 0.0]]))
    with pytest.raises(ValueError, match="cell_px 1"):
        reproject_pixels(CameraScene(flat(), path_of(STILL), Occlusion(cell_px=2)))


@pytest.mark.parametrize(
    "bad",
    [{"radius": -1}, {"threshold_frac": -0.1}, {"threshold_frac": math.nan}, {"cell_px": 0}],
)
def test_bad_occlusion_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Occlusion(**bad)  # type: ignore[arg-type]


def test_singular_poses_are_refused_before_they_are_used() -> None:
    with pytest.raises(ValueError, match="not a rotation"):
        path_of([torch.diag(torch.tensor([2.0, 1, 1, 1], dtype=torch.float64))])
    with pytest.raises(ValueError, match="finite"):
        path_of([torch.full((4, 4), math.nan, dtype=torch.float64)])


def test_progress_is_called_every_frame_and_may_stop_the_work() -> None:
    calls: list[tuple[int, int]] = []
    reproject_pixels(
        CameraScene(flat(), path_of(STILL * 3)), progress=lambda *step: calls.append(step)
    )
    assert calls == [(1, 3), (2, 3), (3, 3)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reproject_points(CameraScene(flat(), path_of(STILL * 3)), torch.zeros(1, 2), progress=stop)


def test_inputs_are_left_as_they_were() -> None:
    depth, path = flat(), path_of(VIEWS["truck"])
    z, poses, points = depth.z.clone(), path.T_cam_world.clone(), torch.tensor([[3.0, 4.0]])
    reproject_pixels(CameraScene(depth, path))
    reproject_points(CameraScene(depth, path), points)
    assert torch.equal(depth.z, z)
    assert torch.equal(path.T_cam_world, poses)
    assert points.tolist() == [[3.0, 4.0]]


def test_the_length_of_bands_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, path = make_scene(1), path_of(VIEWS["orbit left"])
    depth = depth_of(scene, path)
    depth = replace(depth, valid=depth.valid & (pixel_centres(SIZE)[..., 0] > 10))
    points = torch.rand(500, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor(SIZE)
    whole = (
        reproject_pixels(CameraScene(depth, path)),
        reproject_points(CameraScene(depth, path), points),
    )
    monkeypatch.setattr(cloud, "CHUNK_POINTS", 333)
    parts = (
        reproject_pixels(CameraScene(depth, path)),
        reproject_points(CameraScene(depth, path), points),
    )
    for one, other in zip(whole, parts, strict=True):
        assert torch.allclose(one.xy, other.xy, atol=1e-4)
        assert float((one.visible != other.visible).float().mean()) < 1e-4
