"""The id volume's kernels, compiled for the CPU, against the loops that define it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.geometry import Size
from motion_core.kernels import loader
from motion_core.kernels.volume import Entries, add_rows, gather_gradient
from motion_core.raster import IdEmbedding, SparseVolume, fold_sparse, id_volume, sparse_id_volume
from motion_core.raster.reference import reference_fold, reference_id_volume
from motion_core.tracks import Tracks, empty_tracks, make_tracks
from tests.raster.strategies import crowd, tracks_and_grid

from .cpu import CpuLaunchers

DTYPES = [torch.float32, torch.float16, torch.bfloat16]
FORWARD = ["link_entries", "order_entries", "fill_volume"]
BACKWARD = ["link_entries", "order_entries", "gather_rows"]


def rows_for(tracks: Tracks, dim: int = 6, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return IdEmbedding(dim=dim).rows(tracks.num_points, seed=3).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row_dtype", DTYPES)
@pytest.mark.parametrize("dim", [2, 6, 64])
def test_every_kind_of_number_equals_the_definition_to_the_bit(
    kernels: CpuLaunchers, dtype: torch.dtype, row_dtype: torch.dtype, dim: int
) -> None:
    tracks, grid = crowd(frames=3, points=40, size=Size(48, 32)), Size(5, 4)
    rows = rows_for(tracks, dim, row_dtype)
    got = id_volume(tracks, grid, rows=rows, dtype=dtype)
    assert kernels.launched == FORWARD
    assert torch.equal(got, reference_id_volume(tracks, grid, rows, dtype))


def test_awkward_tracks_equal_the_definition(compiled: CpuLaunchers) -> None:
    @given(tracks_and_grid(), st.booleans())
    def check(setting: tuple[Tracks, Size], is_backward: bool) -> None:
        tracks, grid = setting
        compiled.is_backward = is_backward
        rows = rows_for(tracks, dim=2)
        got = id_volume(tracks, grid, rows=rows)
        assert torch.equal(got, reference_id_volume(tracks, grid, rows))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "launchers", compiled)
        check()


@pytest.mark.parametrize("points", [1, 2, 3, 8, 100])
def test_a_crowd_in_one_cell_adds_up_in_track_order(kernels: CpuLaunchers, points: int) -> None:
    tracks = make_tracks(torch.full((2, points, 2), 5.5), Size(16, 8))
    rows = torch.randn(points, 3, generator=torch.Generator().manual_seed(0)) * 1e4
    got = id_volume(tracks, Size(2, 2), rows=rows)
    assert torch.equal(got, reference_id_volume(tracks, Size(2, 2), rows))


@pytest.mark.parametrize("fold", [2, 4])
@pytest.mark.parametrize("dim", [2, 6])
def test_a_folded_volume_equals_the_folded_definition(
    kernels: CpuLaunchers, fold: int, dim: int
) -> None:
    tracks, grid = crowd(frames=3, points=30, size=Size(48, 32)), Size(12, 8)
    rows = rows_for(tracks, dim)
    got = fold_sparse(sparse_id_volume(tracks, grid, rows), fold).to_dense()
    assert torch.equal(got, reference_fold(reference_id_volume(tracks, grid, rows), fold))


@pytest.mark.parametrize("fold", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_is_the_definitions(
    kernels: CpuLaunchers, dtype: torch.dtype, fold: int
) -> None:
    tracks, grid = crowd(frames=5, points=20, size=Size(48, 32)), Size(6, 4)
    rows = rows_for(tracks).requires_grad_()
    out = fold_sparse(sparse_id_volume(tracks, grid, rows), fold).to_dense(dtype)
    weight = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    out.backward(weight)
    assert kernels.launched == FORWARD + BACKWARD
    mine = rows.grad
    rows.grad = None
    wanted = reference_id_volume(tracks, grid, rows)
    wanted = wanted if fold == 1 else reference_fold(wanted, fold)
    wanted.backward(weight.float())
    assert mine is not None
    assert rows.grad is not None
    # The kernel adds frame by frame, autograd from the last frame on: float32 rounding differs.
    assert torch.allclose(mine, rows.grad, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_is_the_torch_paths_to_the_bit(
    compiled: CpuLaunchers, dtype: torch.dtype
) -> None:
    tracks, grid = crowd(frames=6, points=30, size=Size(48, 32)), Size(6, 4)
    weight = torch.randn(6, 4, 6, 6, generator=torch.Generator().manual_seed(1)).to(dtype)
    found = []
    for launchers in (loader.launchers, compiled):
        rows = rows_for(tracks).requires_grad_()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loader, "launchers", launchers)
            sparse_id_volume(tracks, grid, rows).to_dense(dtype).backward(weight)
        found.append(rows.grad)
    assert torch.equal(*found)


def test_a_strided_gradient_counts_the_same(kernels: CpuLaunchers) -> None:
    tracks, grid = crowd(frames=2, points=9, size=Size(48, 32)), Size(6, 4)
    rows = rows_for(tracks).requires_grad_()
    volume = sparse_id_volume(tracks, grid, rows)
    volume.to_dense().sum().backward()
    counts = torch.bincount(volume.tracks, minlength=9).float()
    assert rows.grad is not None
    assert torch.equal(rows.grad, counts[:, None].expand(9, 6))


def test_entries_in_any_order_add_up(kernels: CpuLaunchers) -> None:
    rows = torch.tensor([[1.0], [10.0], [100.0]], requires_grad=True)
    cells, tracks = torch.tensor([3, 0, 3, 3, 1]), torch.tensor([2, 1, 0, 2, 1])
    volume = SparseVolume(cells, tracks, rows, 2, Size(2, 1)).to_dense()
    assert volume.flatten().tolist() == [10.0, 10.0, 0.0, 201.0]
    (volume.flatten() * torch.tensor([1.0, 2.0, 4.0, 8.0])).sum().backward()
    assert rows.grad is not None
    assert rows.grad.flatten().tolist() == [8.0, 3.0, 16.0]


@pytest.mark.parametrize("frames", [0, 3])
def test_no_tracks_and_no_frames_give_zeros(kernels: CpuLaunchers, frames: int) -> None:
    tracks = empty_tracks(frames, Size(8, 8))
    rows = torch.zeros(0, 6, requires_grad=True)
    got = id_volume(tracks, Size(2, 2), rows=rows)
    assert got.shape == (frames, 2, 2, 6)
    assert not got.any()
    got.sum().backward()
    assert rows.grad is not None
    assert rows.grad.shape == (0, 6)


def test_keys_out_of_range_are_left_out(kernels: CpuLaunchers) -> None:
    slots = torch.tensor([-1, 0, 4, 1 << 40, -(1 << 40)])
    entries = Entries(slots, torch.zeros(5, dtype=torch.int64), (1, 2, 2, 1), 1)
    got = add_rows(entries, torch.ones(1, 1), torch.float32)
    assert got is not None
    assert got.flatten().tolist() == [1.0, 0.0, 0.0, 0.0]


def test_what_the_kernels_cannot_count_or_read_is_left_to_torch(kernels: CpuLaunchers) -> None:
    none = torch.zeros(0, dtype=torch.int64)
    vast = Entries(none, none, (1, 65536, 65536, 1), 1)
    assert add_rows(vast, torch.ones(1, 1), torch.float32) is None
    assert gather_gradient(vast, torch.ones(1).double(), torch.zeros(1, 1)) is None
    wide = Entries(none, none, (1, 1, 1, 1), 1)
    assert add_rows(wide, torch.ones(1, 1).double(), torch.float64) is None
    assert kernels.launched == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_all_words_of_16_bits_go_in_and_out(kernels: CpuLaunchers, dtype: torch.dtype) -> None:
    every = torch.arange(-32768, 32768, dtype=torch.int16).view(dtype)[:, None]
    line = torch.arange(65536)
    entries = Entries(line, line, (1, 1, 65536, 1), 1)
    got = add_rows(entries, every, dtype)
    wide = add_rows(entries, every, torch.float32)
    assert got is not None
    assert wide is not None
    assert torch.equal(wide.flatten().nan_to_num(7.0), every.float().flatten().nan_to_num(7.0))
    assert torch.equal(got.flatten().isnan(), every.flatten().isnan())
    assert torch.equal(got.flatten().nan_to_num(7.0), every.flatten().nan_to_num(7.0))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_rounding_is_torchs(kernels: CpuLaunchers, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(-(2**31), 2**31, (60000,), generator=generator)
    ties = torch.arange(-32768, 32768, dtype=torch.int16).view(dtype).float()
    ties = (ties[:-1].double() + ties[1:].double()).div(2).float()
    floats = torch.cat([bits.to(torch.int32).view(torch.float32), ties])[:, None]
    line = torch.arange(len(floats))
    got = add_rows(Entries(line, line, (1, 1, len(floats), 1), 1), floats, dtype)
    assert got is not None
    wanted = floats.to(dtype).flatten()
    assert torch.equal(got.flatten().isnan(), wanted.isnan())
    assert torch.equal(got.flatten().nan_to_num(7.0), wanted.nan_to_num(7.0))
