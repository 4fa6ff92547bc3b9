"""On a CUDA device: kernels compiled by NVRTC against the same calls on the CPU."""

from __future__ import annotations

import pytest
import torch

from motion_core.camera.camera_scene import CameraScene
from motion_core.camera.render import render_warped
from motion_core.camera.reproject import reproject_pixels
from motion_core.depth.depth_map import DepthMap
from motion_core.draft.reference import reference_splat
from motion_core.draft.splat import splat
from motion_core.geometry import Size
from motion_core.kernels import loader
from motion_core.raster import IdEmbedding, fold_sparse, id_volume, sparse_id_volume
from motion_core.scene.render import render_scene
from motion_core.scene.scene import make_scene
from tests.camera.views import VIEWS, moved, path_of
from tests.raster.strategies import crowd

from .cpu import FILES, kernels_in

pytestmark = pytest.mark.cuda
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


@pytest.mark.parametrize("file", FILES)
def test_every_kernel_compiles_on_the_device(device: torch.device, file: str) -> None:
    assert loader.launchers(file, list(kernels_in(file)), device) is not None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fold", [1, 2])
def test_the_id_volume_and_its_gradient_equal_the_cpus(
    device: torch.device, dtype: torch.dtype, fold: int
) -> None:
    tracks, grid = crowd(frames=9, points=400, size=Size(48, 32)), Size(24, 16)
    rows = IdEmbedding(dim=64).rows(tracks.num_points, seed=1)
    found = []
    for place in (torch.device("cpu"), device):
        mine = rows.to(place).requires_grad_()
        volume = fold_sparse(sparse_id_volume(tracks.to(place), grid, mine), fold).to_dense(dtype)
        weight = torch.randn(volume.shape, generator=torch.Generator().manual_seed(2)).to(dtype)
        volume.backward(weight.to(place))
        assert mine.grad is not None
        found.append((volume.detach().cpu(), mine.grad.cpu()))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_more_numbers_than_32_bits_count(device: torch.device) -> None:
    frames, grid = 33, Size(1024, 1024)
    tracks = crowd(frames=frames, points=64, size=grid).to(device)
    rows = IdEmbedding(dim=64).rows(64, seed=1).to(device)
    volume = id_volume(tracks, grid, rows=rows, dtype=torch.float16)
    assert volume.numel() > 2**31
    last = id_volume(tracks.to("cpu"), grid, rows=rows.cpu(), dtype=torch.float16)[-1]
    assert torch.equal(volume[-1].cpu(), last)


@pytest.mark.parametrize("view", VIEWS)
def test_reprojection_and_warped_picture_equal_the_cpus(device: torch.device, view: str) -> None:
    size = Size(208, 120)
    poses = [moved(0, 0.0371, 0) @ pose for pose in VIEWS[view][1:]]
    path = path_of([torch.eye(4).double(), *poses], size)
    truth = render_scene(make_scene(2), path, samples=1)
    depth, image = truth.depth_map(), truth.video[0]
    there = DepthMap(depth.z.to(device), depth.valid.to(device), depth.K)
    wanted, got = (
        reproject_pixels(CameraScene(depth, path)),
        reproject_pixels(CameraScene(there, path)).to("cpu"),
    )
    assert torch.allclose(got.xy, wanted.xy, atol=2e-3)
    assert (got.visible != wanted.visible).float().mean() < 1e-3
    plain = render_warped(image, CameraScene(depth, path))
    warped = render_warped(image.to(device), CameraScene(there, path))
    assert (warped.holes.cpu() != plain.holes).float().mean() < 1e-3
    same = ~(warped.holes.cpu() | plain.holes)
    off = (warped.video.cpu() - plain.video).abs().amax(dim=-1)[same]
    assert (off > 0.02).float().mean() < 2e-3


def test_the_splat_equals_its_definition(device: torch.device) -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(300, 2, generator=generator) * 9 - 1
    values = torch.randn(2, 300, 2, generator=generator)
    weights = torch.rand(2, 300, generator=generator)
    grid = Size(7, 5)
    got = splat(points.to(device), values.to(device), weights.to(device), grid).cpu()
    wanted = reference_splat(points, values, weights, grid).float()
    assert torch.allclose(got, wanted, rtol=3e-7, atol=1e-5)
