from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.raster import (
    IdEmbedding,
    fold_sparse,
    fold_volume,
    id_volume,
    random_id_volume,
    sparse_id_volume,
)
from motion_core.raster.reference import reference_fold, reference_id_volume

from .strategies import crowd, tracks_on


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_channels_are_ordered_as_torch_orders_them(factor: int) -> None:
    volume = torch.randn(3, 4, 8, 5)
    folded = fold_volume(volume, factor)
    wanted = torch.nn.functional.pixel_unshuffle(volume.permute(0, 3, 1, 2), factor)
    assert torch.equal(folded, wanted.permute(0, 2, 3, 1))
    assert torch.equal(folded, reference_fold(volume, factor))


@settings(max_examples=50, deadline=None)
@given(st.data(), st.sampled_from([1, 2, 3, 8]), st.integers(1, 3), st.integers(1, 3))
def test_folding_the_sparse_form_equals_folding_the_volume(
    data: st.DataObject, factor: int, wide: int, tall: int
) -> None:
    grid = Size(wide * factor, tall * factor)
    tracks = data.draw(tracks_on(grid))
    rows = IdEmbedding(dim=4).rows(tracks.num_points, 0)
    folded = fold_sparse(sparse_id_volume(tracks, grid, rows), factor)
    wanted = reference_fold(reference_id_volume(tracks, grid, rows), factor)
    dense = folded.to_dense()
    assert folded.shape == tuple(dense.shape)
    assert dense.is_contiguous()
    assert torch.equal(dense, wanted)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_folded_crowd_equals_the_definition(device: torch.device, dtype: torch.dtype) -> None:
    tracks, grid = crowd(4, 80, Size(40, 24)).to(device), Size(16, 8)
    rows = IdEmbedding(dim=6).rows(80, 0).to(device)
    got = fold_sparse(sparse_id_volume(tracks, grid, rows), 4).to_dense(dtype)
    wanted = reference_fold(reference_id_volume(tracks, grid, rows, dtype), 4)
    assert torch.equal(got, wanted)


def test_positions_say_where_the_folded_rows_are() -> None:
    tracks, grid = crowd(3, 5, Size(32, 32)), Size(32, 32)
    rows = IdEmbedding(dim=4).rows(5, 0)
    folded = fold_sparse(sparse_id_volume(tracks, grid, rows), 8)
    dense = torch.zeros(folded.shape)
    for (frame, row, column, phase), track in zip(
        folded.positions().tolist(), folded.tracks.tolist(), strict=True
    ):
        for channel in range(4):
            dense[frame, row, column, channel * 64 + phase] += rows[track, channel]
    torch.testing.assert_close(folded.to_dense(), dense)


def test_the_folded_gradient_equals_the_unfolded() -> None:
    tracks, grid = crowd(3, 30, Size(16, 16)), Size(16, 16)
    leaf = IdEmbedding(dim=4).rows(30, 0).double().requires_grad_()
    upstream = torch.randn(3, 4, 4, 64, dtype=torch.float64)
    sparse = fold_sparse(sparse_id_volume(tracks, grid, leaf), 4).to_dense()
    dense = fold_volume(id_volume(tracks, grid, rows=leaf), 4)
    gradients = [torch.autograd.grad(value, leaf, upstream)[0] for value in (sparse, dense)]
    torch.testing.assert_close(*gradients)
    assert bool(gradients[0].any())


@pytest.mark.parametrize("factor", [3, 16, 0, -2])
def test_factors_that_do_not_divide_are_refused(factor: int) -> None:
    tracks = crowd(2, 3, Size(8, 8))
    volume = sparse_id_volume(tracks, Size(8, 8), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="fold"):
        fold_sparse(volume, factor)
    with pytest.raises(ValueError, match="fold"):
        fold_volume(volume.to_dense(), factor)


def test_folding_twice_is_refused() -> None:
    volume = sparse_id_volume(crowd(2, 3, Size(8, 8)), Size(8, 8), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="folded by 2 already"):
        fold_sparse(fold_sparse(volume, 2), 2)


def test_only_volumes_fold() -> None:
    with pytest.raises(ShapeError, match=r"\(T, H, W, D\)"):
        fold_volume(torch.zeros(4, 4, 2), 2)


def test_random_ids_are_drawn_by_seed_and_folded_onto_the_grid() -> None:
    tracks, grid = crowd(9, 20, Size(96, 64)), Size(24, 16)
    embedding = IdEmbedding(dim=8)
    volume = random_id_volume(tracks, grid, embedding, seed=4, fold=2)
    unfolded = id_volume(tracks, Size(48, 32), rows=embedding.rows(20, 4))
    assert volume.shape == (9, 16, 24, 32)
    assert torch.equal(volume.to_dense(), fold_volume(unfolded, 2))
    assert random_id_volume(tracks, grid, IdEmbedding()).shape == (9, 16, 24, 64)


@pytest.mark.parametrize(("grid", "fold"), [(Size(0, 16), 1), (Size(24, 16), 0)])
def test_a_random_id_volume_needs_a_grid_and_a_fold(grid: Size, fold: int) -> None:
    with pytest.raises(ValueError, match="fold" if fold == 0 else "canvas"):
        random_id_volume(crowd(9, 20, Size(96, 64)), grid, IdEmbedding(dim=8), fold=fold)
