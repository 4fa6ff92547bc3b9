from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.raster import (
    IdEmbedding,
    SparseVolume,
    id_volume,
    latent_cells,
    sparse_id_volume,
)
from motion_core.raster.chunks import frame_chunks
from motion_core.raster.reference import reference_id_volume
from motion_core.tracks import Tracks, empty_tracks, make_tracks

from .strategies import crowd, seeds, tracks_and_grid

DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64]


def rows_for(tracks: Tracks, dim: int = 4, seed: int = 0) -> torch.Tensor:
    return IdEmbedding(dim=dim).rows(tracks.num_points, seed)


def all_in_one_cell(frames: int = 3, points: int = 50) -> Tracks:
    return make_tracks(torch.full((frames, points, 2), 5.5), Size(16, 8))


@settings(max_examples=60, deadline=None)
@given(tracks_and_grid(), st.sampled_from(DTYPES), seeds)
def test_equals_the_definition_to_the_bit(
    setting: tuple[Tracks, Size], dtype: torch.dtype, seed: int
) -> None:
    tracks, grid = setting
    rows = rows_for(tracks, seed=seed)
    got = id_volume(tracks, grid, rows=rows, dtype=dtype)
    assert got.is_contiguous()
    assert torch.equal(got, reference_id_volume(tracks, grid, rows, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("grid", [Size(16, 16), Size(5, 9)], ids=str)
def test_a_crowd_equals_the_definition(
    device: torch.device, dtype: torch.dtype, grid: Size
) -> None:
    tracks = crowd(frames=5, points=60, size=Size(48, 32)).to(device)
    rows = rows_for(tracks, dim=6).to(device)
    got = id_volume(tracks, grid, rows=rows, dtype=dtype)
    assert got.device.type == device.type
    assert torch.equal(got, reference_id_volume(tracks, grid, rows, dtype))


@pytest.mark.parametrize("rows_at_once", [1, 7, 8192])
def test_many_pieces_equal_one(monkeypatch: pytest.MonkeyPatch, rows_at_once: int) -> None:
    tracks, grid = crowd(frames=6, points=90, size=Size(40, 40)), Size(10, 10)
    rows = rows_for(tracks)
    whole = reference_id_volume(tracks, grid, rows)
    monkeypatch.setattr("motion_core.raster.scatter.rows_per_chunk", lambda *about: rows_at_once)
    assert torch.equal(id_volume(tracks, grid, rows=rows), whole)


def test_many_threads_work_on_larger_pieces_and_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    tracks, grid = crowd(frames=9, points=4000, size=Size(40, 40)), Size(10, 10)
    rows = rows_for(tracks)
    results = []
    for threads in (1, 16):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append((id_volume(tracks, grid, rows=rows), latent_cells(tracks, grid)))
        assert len(list(frame_chunks(tracks))) == (2 if threads == 1 else 1)
    assert all(map(torch.equal, *results))


def test_values_worked_by_hand() -> None:
    xy = torch.tensor([[[3.0, 1.0], [2.5, 1.9], [7.9, 0.0]], [[8.0, 1.0], [0.0, 0.0], [4.0, 3.9]]])
    visible = torch.tensor([[True, True, True], [True, True, False]])
    tracks = make_tracks(xy, Size(8, 4), visible=visible)
    rows = torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    volume = id_volume(tracks, Size(4, 2), rows=rows)
    wanted = torch.zeros(2, 2, 4, 2)
    wanted[0, 0, 1] = torch.tensor([3.0, 30.0])  # both fall into cell (1, 0) and add up
    wanted[0, 0, 3] = torch.tensor([4.0, 40.0])
    wanted[1, 0, 0] = torch.tensor([2.0, 20.0])  # the first has left, the third is hidden
    assert torch.equal(volume, wanted)


def test_half_precision_sums_are_rounded_once() -> None:
    tracks = all_in_one_cell(frames=1, points=100)
    rows = torch.full((100, 2), 0.1, dtype=torch.float16)
    got = id_volume(tracks, Size(16, 8), rows=rows)[0, 5, 5]
    exact = 100 * rows[0].double()
    assert torch.equal(got, exact.to(torch.float16))  # adding in float16 would give 9.98


def test_scaling_a_canvas_and_its_tracks_changes_nothing() -> None:
    tracks, grid = crowd(4, 30, Size(32, 16)), Size(8, 4)
    larger = make_tracks(tracks.xy * 4, Size(128, 64), visible=tracks.visible)
    rows = rows_for(tracks)
    small, large = (id_volume(t, grid, rows=rows) for t in (tracks, larger))
    assert torch.equal(small, large)


@settings(max_examples=40, deadline=None)
@given(tracks_and_grid())
def test_sparse_holds_one_entry_per_point_on_the_canvas(setting: tuple[Tracks, Size]) -> None:
    tracks, grid = setting
    volume = sparse_id_volume(tracks, grid, rows_for(tracks))
    x, y = tracks.xy.unbind(-1)
    on_canvas = (x >= 0) & (x < tracks.size.width) & (y >= 0) & (y < tracks.size.height)
    frame, track = (on_canvas & tracks.visible).nonzero(as_tuple=True)
    positions = volume.positions()
    assert torch.equal(volume.tracks, track)
    assert torch.equal(positions[:, 0], frame)
    assert bool((positions[:, 3] == 0).all())
    assert volume.shape == (tracks.num_frames, grid.height, grid.width, 4)


def test_positions_scatter_to_the_dense_volume() -> None:
    tracks, grid = crowd(4, 40, Size(32, 32)), Size(8, 6)
    volume = sparse_id_volume(tracks, grid, rows_for(tracks).double())
    frame, row, column, _ = volume.positions().unbind(1)
    dense = torch.zeros(volume.shape, dtype=torch.float64)
    dense.index_put_((frame, row, column), volume.rows[volume.tracks], accumulate=True)
    torch.testing.assert_close(volume.to_dense(), dense)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_gradient_equals_the_definitions(device: torch.device, dtype: torch.dtype) -> None:
    tracks, grid = crowd(5, 40, Size(32, 16)).to(device), Size(8, 4)
    rows = rows_for(tracks).to(device)
    upstream = torch.randn(5, 4, 8, 4, generator=torch.Generator().manual_seed(1)).to(device)
    gradients = []
    for build in (id_volume, reference_id_volume):
        leaf = rows.clone().requires_grad_()
        volume = build(tracks, grid, rows=leaf, dtype=dtype)
        volume.backward(upstream.to(dtype))
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-5)


def test_gradient_passes_gradcheck_and_survives_odd_layouts() -> None:
    tracks, grid = crowd(3, 12, Size(8, 8)), Size(4, 4)
    leaf = rows_for(tracks).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda rows: id_volume(tracks, grid, rows=rows), (leaf,))
    weight = torch.randn(3, 4, 4, 4, dtype=torch.float64)
    id_volume(tracks, grid, rows=leaf).permute(0, 3, 2, 1).mul(weight).sum().backward()
    permuted, leaf.grad = leaf.grad, None
    id_volume(tracks, grid, rows=leaf).mul(weight.permute(0, 3, 2, 1)).sum().backward()
    torch.testing.assert_close(permuted, leaf.grad)


def test_gradient_of_a_sum_counts_visits() -> None:
    tracks = all_in_one_cell(frames=3, points=2)
    leaf = rows_for(tracks).requires_grad_()
    total = id_volume(tracks, Size(16, 8), rows=leaf).sum()
    assert torch.equal(torch.autograd.grad(total, leaf)[0], torch.full_like(leaf, 3.0))


def test_sparse_form_carries_the_gradient() -> None:
    tracks = crowd(3, 10, Size(8, 8))
    leaf = rows_for(tracks).requires_grad_()
    volume = sparse_id_volume(tracks, Size(8, 8), leaf)
    gradient = torch.autograd.grad(volume.rows[volume.tracks].sum(), leaf)[0]
    visits = torch.bincount(volume.tracks, minlength=10).float()
    assert torch.equal(gradient, visits[:, None].expand(-1, 4))


def test_everyone_in_one_cell(device: torch.device) -> None:
    tracks = all_in_one_cell(points=300).to(device)
    rows = rows_for(tracks, dim=8).to(device)
    got = id_volume(tracks, Size(16, 8), rows=rows)
    assert torch.equal(got, reference_id_volume(tracks, Size(16, 8), rows))


def test_twice_gives_the_same_bits(device: torch.device) -> None:
    tracks = crowd(8, 400, Size(64, 64)).to(device)
    leaf = rows_for(tracks, dim=16).to(device).requires_grad_()
    upstream = torch.randn(8, 8, 8, 16, device=device)
    results = []
    for _ in range(2):
        volume = id_volume(tracks, Size(8, 8), rows=leaf)
        results.append((volume, torch.autograd.grad(volume, leaf, upstream)[0]))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_no_tracks_is_an_empty_volume(frames: int) -> None:
    tracks = empty_tracks(frames, Size(32, 32))
    volume = id_volume(tracks, Size(4, 4), rows=IdEmbedding().rows(0, 0))
    assert torch.equal(volume, torch.zeros(frames, 4, 4, 64))


def test_inputs_stay_as_they_are() -> None:
    tracks = crowd(4, 20, Size(16, 16))
    rows = rows_for(tracks)
    kept = tracks.xy.clone(), tracks.visible.clone(), rows.clone()
    id_volume(tracks, Size(4, 4), rows=rows)
    for now, before in zip((tracks.xy, tracks.visible, rows), kept, strict=True):
        assert torch.equal(now, before)


def test_wrong_frames_say_how_to_resample() -> None:
    tracks = crowd(5, 3, Size(8, 8))
    with pytest.raises(ShapeError, match=r"5 frames but 9.*resample\(tracks, 9\)"):
        id_volume(tracks, Size(4, 4), rows=rows_for(tracks), frames=9)
    assert id_volume(tracks, Size(4, 4), rows=rows_for(tracks), frames=5).shape[0] == 5


def test_wrong_rows_are_refused() -> None:
    tracks, grid = crowd(2, 3, Size(8, 8)), Size(4, 4)
    with pytest.raises(ShapeError, match="3 tracks but 2 rows"):
        sparse_id_volume(tracks, grid, torch.zeros(2, 4))
    with pytest.raises(ShapeError, match=r"\(N, D\)"):
        sparse_id_volume(tracks, grid, torch.zeros(3))
    with pytest.raises(ShapeError, match="D >= 1"):
        sparse_id_volume(tracks, grid, torch.zeros(3, 0))
    with pytest.raises(TypeError, match="encode"):
        sparse_id_volume(tracks, grid, torch.zeros(3, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match="meta"):
        sparse_id_volume(tracks, grid, torch.zeros(3, 4, device="meta"))


@pytest.mark.parametrize("grid", [(0, 4), (4, -1), (4, 1 << 20)])
def test_grids_without_cells_are_refused(grid: tuple[int, int]) -> None:
    tracks = crowd(2, 3, Size(8, 8))
    with pytest.raises(ValueError, match="canvas"):
        sparse_id_volume(tracks, Size(*grid), rows_for(tracks))


def test_a_grid_of_fractions_is_refused() -> None:
    tracks = crowd(2, 3, Size(8, 8))
    with pytest.raises(TypeError, match=r"4\.5"):
        sparse_id_volume(tracks, Size(4.5, 4), rows_for(tracks))  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
def test_dtypes_that_hold_no_code_are_refused(dtype: torch.dtype) -> None:
    tracks = crowd(2, 3, Size(8, 8))
    with pytest.raises(TypeError, match="float16"):
        id_volume(tracks, Size(4, 4), rows=rows_for(tracks), dtype=dtype)


def test_enormous_volumes_name_the_memory_they_need() -> None:
    tracks = crowd(3, 3, Size(8, 8))
    volume = sparse_id_volume(tracks, Size(65536, 65536), rows_for(tracks, dim=64))
    with pytest.raises(ValueError, match=r"needs 3,072\.0 GiB.*sparse form"):
        volume.to_dense()


def test_a_volume_checks_its_own_entries() -> None:
    tracks = crowd(2, 3, Size(8, 8))
    volume = sparse_id_volume(tracks, Size(4, 4), rows_for(tracks))
    with pytest.raises(ValueError, match=r"cells must lie in 0\.\.31"):
        replace(volume, cells=volume.cells + 32)
    with pytest.raises(ValueError, match=r"tracks must lie in 0\.\.2"):
        replace(volume, tracks=volume.tracks - 3)
    with pytest.raises(ShapeError, match="one track per cell"):
        replace(volume, cells=volume.cells[1:])
    with pytest.raises(TypeError, match="int64"):
        replace(volume, cells=volume.cells.int())
    with pytest.raises(ValueError, match="folded by 3"):
        replace(volume, fold=3)


def test_a_volume_built_by_hand_may_come_in_any_order() -> None:
    rows = torch.eye(3)
    cells, tracks = torch.tensor([5, 0, 5, 5]), torch.tensor([2, 1, 0, 2])
    dense = SparseVolume(cells, tracks, rows, frames=1, grid=Size(3, 2)).to_dense()
    wanted = torch.zeros(6, 3)
    wanted[0], wanted[5] = torch.tensor([0.0, 1, 0]), torch.tensor([1.0, 0, 2])
    assert torch.equal(dense.view(6, 3), wanted)
