"""The draft's splat, as a kernel compiled for the CPU and as torch operations."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.draft.reference import reference_splat
from motion_core.draft.splat import splat
from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.kernels import loader

from .cpu import CpuLaunchers

GRIDS = [Size(7, 5), Size(1, 1), Size(1, 4), Size(6, 1)]


@pytest.fixture(params=["kernel, first thread first", "kernel, last thread first", "torch"])
def way(
    request: pytest.FixtureRequest, compiled: CpuLaunchers, monkeypatch: pytest.MonkeyPatch
) -> str:
    if request.param != "torch":
        compiled.is_backward = "last" in request.param
        monkeypatch.setattr(loader, "launchers", compiled)
    return request.param


def splat_inputs(count: int, frames: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    points = torch.rand(count, 2, generator=generator) * 9 - 1
    values = torch.randn(frames, count, 2, generator=generator) * 20
    weights = torch.rand(frames, count, generator=generator) + 0.1
    return points, values, weights


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("count", [0, 1, 40])
def test_equals_the_definition_to_the_last_bit_of_float32(way: str, grid: Size, count: int) -> None:
    got = splat(*splat_inputs(count), grid)
    wanted = reference_splat(*splat_inputs(count), grid)
    assert got.dtype == torch.float32
    assert got.shape == (3, grid.height, grid.width, 3)
    assert torch.allclose(got, wanted.float(), rtol=3e-7, atol=1e-5)


def test_no_frames_give_no_sums(way: str) -> None:
    assert splat(*splat_inputs(4, frames=0), Size(3, 2)).shape == (0, 2, 3, 3)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_points_that_are_not_finite_are_skipped(way: str, bad: float, where: int) -> None:
    inputs = [tensor.clone() for tensor in splat_inputs(12)]
    inputs[where].view(-1)[4] = bad
    got = splat(*inputs, Size(7, 5))
    assert torch.isfinite(got).all()
    wanted = reference_splat(*inputs, Size(7, 5)).float()
    assert torch.allclose(got, wanted, rtol=3e-7, atol=1e-5)


def test_points_far_outside_count_as_on_the_edge(way: str) -> None:
    points = torch.tensor([[-1e30, 1e30], [3e38, -3e38]])
    got = splat(points, torch.tensor([[[5.0], [7.0]]]), torch.ones(1, 2), Size(3, 2))
    assert got[0, 1, 0].tolist() == [5.0, 1.0]
    assert got[0, 0, 2].tolist() == [7.0, 1.0]
    assert got[..., 1].sum() == 2.0


def test_shapes_that_do_not_belong_together_are_refused(way: str) -> None:
    points, values, weights = splat_inputs(5)
    for wrong in (
        (points[:4], values, weights),
        (points, values[0], weights),
        (points, values, weights[:, :2]),
    ):
        with pytest.raises(ShapeError, match="splat takes points"):
            splat(*wrong, Size(3, 2))
