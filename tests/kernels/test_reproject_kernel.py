"""The z-buffer's kernels, compiled for the CPU, against the definition and the torch path."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.camera.camera_scene import CameraScene
from motion_core.camera.pinhole import pixel_centres
from motion_core.camera.reference import project_point, unproject_pixel, visible_points
from motion_core.camera.render import render_warped
from motion_core.camera.reproject import reproject_pixels
from motion_core.camera.zbuffer import Occlusion
from motion_core.depth.depth_map import DepthMap
from motion_core.geometry import Size
from motion_core.kernels import loader, zbuffer
from motion_core.scene.render import depth_of, render_scene
from motion_core.scene.scene import make_scene
from tests.camera.views import VIEWS, lens, moved, orbit, path_of

from .cpu import CpuLaunchers

SMALL = Size(26, 18)
WIDE = Size(104, 60)
REPROJECT = ["splat_points", "close_rows", "test_visibility"]


def rough_depth(size: Size = SMALL, seed: int = 0) -> DepthMap:
    """Steps and slopes, a tenth of the pixels without depth."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.where(torch.rand(size.height, size.width, generator=generator) > 0.7, 2.0, 4.0)
    z += torch.rand(z.shape, generator=generator) * 0.3
    valid = torch.rand(z.shape, generator=generator) > 0.1
    return DepthMap(z, valid, lens(size))


def near_a_cell_edge(xy: torch.Tensor) -> torch.Tensor:
    """Where float32 and float64 may floor to different cells."""
    return ((xy - xy.round()).abs() < 1e-4).any(dim=-1)


@pytest.mark.parametrize("radius", [0, 1, 2, 3])
@pytest.mark.parametrize("pose", [orbit(20.0), moved(0.3, -0.2, 1.2), moved(0.0, 0.0, -1.0)])
def test_pixels_and_visibility_equal_the_definition(
    kernels: CpuLaunchers, radius: int, pose: torch.Tensor
) -> None:
    depth, path = rough_depth(), path_of([torch.eye(4).double(), pose], SMALL)
    rule = Occlusion(radius=radius)
    got = reproject_pixels(CameraScene(depth, path, rule))
    assert kernels.launched == REPROJECT
    centres = pixel_centres(SMALL).reshape(-1, 2).tolist()
    projected = [
        project_point(unproject_pixel((x, y), z if good else 1.0, depth.K), pose, depth.K)
        for (x, y), z, good in zip(
            centres, depth.z.flatten().tolist(), depth.valid.flatten().tolist(), strict=True
        )
    ]
    keep = torch.nonzero(depth.valid.flatten())[:, 0].tolist()
    surface = [projected[i] for i in keep]
    wanted = visible_points(
        [xy for xy, _ in surface], [z for _, z in surface], surface, SMALL, rule
    )
    pixels = torch.tensor([xy for xy, _ in surface])
    assert torch.allclose(got.xy[1, keep], pixels, atol=1e-3)
    assert torch.equal(got.visible[0], depth.valid.flatten())
    assert not got.visible[:, ~depth.valid.flatten()].any()
    differing = got.visible[1, keep] != torch.tensor(wanted)
    assert not (differing & ~near_a_cell_edge(pixels)).any()
    assert differing.float().mean() < 0.01


@pytest.mark.parametrize("view", VIEWS)
def test_a_scene_equals_the_torch_path(compiled: CpuLaunchers, view: str) -> None:
    scene, path = make_scene(1), path_of(VIEWS[view], WIDE)
    depth = depth_of(scene, path)
    wanted = reproject_pixels(CameraScene(depth, path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "launchers", compiled)
        got = reproject_pixels(CameraScene(depth, path))
    assert torch.allclose(got.xy, wanted.xy, atol=1e-3)
    assert (got.visible != wanted.visible).float().mean() < 1e-3


def test_points_behind_the_camera_keep_their_last_place(kernels: CpuLaunchers) -> None:
    depth = rough_depth()
    poses = [moved(0, 0, 9.0), torch.eye(4).double(), moved(0.1, 0, 0), moved(0, 0, 9.0)]
    tracks = reproject_pixels(CameraScene(depth, path_of(poses, SMALL)))
    start = pixel_centres(SMALL).reshape(-1, 2)
    assert torch.allclose(tracks.xy[0], start, atol=1e-3)
    assert torch.equal(tracks.xy[3], tracks.xy[2])
    assert not tracks.visible[[0, 3]].any()
    assert tracks.visible[1].any()


def test_frames_in_several_runs_give_the_same(
    kernels: CpuLaunchers, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth, path = rough_depth(), path_of([*VIEWS["orbit left"], moved(0, 0, 9.0)], SMALL)
    whole, calls = reproject_pixels(CameraScene(depth, path)), []
    kernels.launched.clear()
    monkeypatch.setattr(zbuffer, "SCRATCH_BYTES", 2 * zbuffer.CELL_BYTES * 26 * 18)
    parts = reproject_pixels(
        CameraScene(depth, path), progress=lambda done, total: calls.append((done, total))
    )
    assert torch.equal(whole.xy, parts.xy)
    assert torch.equal(whole.visible, parts.visible)
    assert kernels.launched == REPROJECT * 3
    assert calls == [(2, 5), (4, 5), (5, 5)]


def test_the_nearer_point_and_then_the_earlier_one_holds_a_cell(kernels: CpuLaunchers) -> None:
    """The packed word: depth bits above the index of the point."""
    launch = kernels(zbuffer.FILE, ["splat_points"], torch.device("cpu"))[0]
    points = torch.tensor([[0.0, 0.0, 0.0, 2.0, -9.0], [0.0] * 5, [3.0, 2.0, 2.0, 4.0, 1.0]])
    buffer = torch.full((1, 4), -1, dtype=torch.int64)
    eye = torch.tensor([[1.0, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    matrix = torch.cat([eye, torch.zeros(3, 1)], dim=1)[None]
    valid = torch.ones(5, dtype=torch.bool)
    args = [points, valid, matrix, eye, 5, 0, 1, 2, 2, 0.1, 0, points, buffer]
    launch((1, 1, 1), (8, 1, 1), args)
    assert (buffer[0, 0] >> 32).to(torch.int32).view(torch.float32).item() == 2.0
    assert buffer[0, 0].item() & 0xFFFFFFFF == 1
    assert (buffer[0, 1] >> 32).to(torch.int32).view(torch.float32).item() == 4.0
    assert buffer[0, 2:].tolist() == [-1, -1]


def test_nan_and_infinite_points_hide_nothing_and_are_not_visible(kernels: CpuLaunchers) -> None:
    depth, path = rough_depth(), path_of([orbit(5.0)], SMALL)
    views = CameraScene(depth, path).views()
    clean = zbuffer.reproject_points_cuda(views)
    views.points[:, 3] = math.nan
    views.points[0, 4] = math.inf
    views.points[2, 5] = -math.inf
    spoilt = zbuffer.reproject_points_cuda(views)
    assert clean is not None
    assert spoilt is not None
    assert not spoilt[1][0, 3:6].any()
    # Three points fewer hide others, and nothing else changes.
    assert (clean[1] != spoilt[1]).sum() <= 12


@pytest.mark.parametrize("view", VIEWS)
def test_the_warped_picture_equals_the_torch_path(compiled: CpuLaunchers, view: str) -> None:
    # A little lower, so that no whole row lands on the edges of cells, where either may be right.
    poses = [moved(0, 0.0371, 0) @ pose for pose in VIEWS[view][2:]]
    path = path_of([torch.eye(4).double(), *poses], WIDE)
    truth = render_scene(make_scene(2), path, samples=1)
    depth, image = truth.depth_map(), truth.video[0]
    wanted = render_warped(image, CameraScene(depth, path), hole_color=(0.2, 0.4, 0.6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "launchers", compiled)
        compiled.launched.clear()
        got = render_warped(image, CameraScene(depth, path), hole_color=(0.2, 0.4, 0.6))
    assert compiled.launched == ["splat_points", "splat_quads", "close_rows", "warp_backward"]
    assert (got.holes != wanted.holes).float().mean() < 1e-3
    same = ~(got.holes | wanted.holes)
    # Samples of a stretched surface that land on an edge between cells may go either way; then a
    # cell has its neighbour's depth on the same surface.
    off = (got.video - wanted.video).abs().amax(dim=-1)[same]
    assert off.mean() < 5e-4
    assert (off > 0.02).float().mean() < 2e-3
    hole = got.video.new_tensor([0.2, 0.4, 0.6])
    assert (got.video[got.holes] == hole).all()
    assert torch.equal(got.video[0][~got.holes[0]], image[~got.holes[0]])


def test_one_row_and_one_pixel_have_no_quads(kernels: CpuLaunchers) -> None:
    for size in (Size(1, 1), Size(5, 1), Size(1, 4)):
        shape = (size.height, size.width)
        depth = DepthMap(torch.full(shape, 2.0), torch.ones(shape, dtype=torch.bool), lens(size))
        image = torch.rand(*shape, 3, generator=torch.Generator().manual_seed(0))
        got = render_warped(image, CameraScene(depth, path_of([moved(0, 0, 0.1)], size)))
        assert got.video.shape == (1, *shape, 3)
        assert not got.holes.all()
