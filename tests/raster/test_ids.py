from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.raster import IdEmbedding
from motion_core.raster.reference import reference_id_row


def test_draw_takes_every_integer_once() -> None:
    drawn = IdEmbedding(pool=500).draw(500, seed=3)
    assert drawn.dtype == torch.int64
    assert sorted(drawn.tolist()) == list(range(500))
    assert drawn.tolist() != list(range(500))


def test_draw_depends_on_the_seed_alone() -> None:
    before = torch.get_rng_state()
    first, again = (IdEmbedding().draw(2048, seed=7) for _ in range(2))
    torch.manual_seed(99)
    later = IdEmbedding().draw(2048, seed=7)
    torch.set_rng_state(before)
    assert torch.equal(first, again)
    assert torch.equal(first, later)
    assert not torch.equal(first, IdEmbedding().draw(2048, seed=8))


def test_draw_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    IdEmbedding().draw(10, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_more_tracks_continue_the_same_list() -> None:
    embedding = IdEmbedding()
    assert torch.equal(embedding.draw(5, seed=0), embedding.draw(900, seed=0)[:5])


@pytest.mark.parametrize("dim", [2, 4, 64, 130])
def test_encode_equals_its_definition(dim: int) -> None:
    integers = [0, 1, 2, 77, 16383]
    got = IdEmbedding(dim=dim).encode(torch.tensor(integers))
    wanted = torch.tensor([reference_id_row(n, dim) for n in integers])
    assert got.shape == (5, dim)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, wanted, atol=1e-6, rtol=0)


def test_encode_in_numbers_worked_by_hand() -> None:
    # D = 4: angles n and n / 100, sines first.
    row = IdEmbedding(dim=4).encode(torch.tensor([50]))[0].tolist()
    assert row == pytest.approx([math.sin(50), math.sin(0.5), math.cos(50), math.cos(0.5)])


def test_codes_are_all_different_and_of_one_length() -> None:
    rows = IdEmbedding().encode(torch.arange(16384))
    assert len(np.unique(rows.numpy(), axis=0)) == 16384
    torch.testing.assert_close(rows.norm(dim=1), torch.full((16384,), math.sqrt(32)))


def test_rows_are_the_codes_of_the_draw() -> None:
    embedding = IdEmbedding(dim=8, pool=99)
    assert torch.equal(embedding.rows(40, 5), embedding.encode(embedding.draw(40, 5)))


def test_zero_tracks_have_zero_rows() -> None:
    assert IdEmbedding().rows(0, seed=0).shape == (0, 64)


def test_more_tracks_than_integers_is_refused_with_advice() -> None:
    with pytest.raises(ValueError, match=r"16385 tracks.*16384.*select_random.*pool=16385"):
        IdEmbedding().draw(16385, seed=0)


@pytest.mark.parametrize("dim", [63, 1, 0, -2])
def test_a_dim_that_cannot_be_halved_is_refused(dim: int) -> None:
    with pytest.raises(ValueError, match="dim"):
        IdEmbedding(dim=dim)


@pytest.mark.parametrize("pool", [0, -1, 1 << 25])
def test_a_pool_out_of_range_is_refused(pool: int) -> None:
    with pytest.raises(ValueError, match="pool"):
        IdEmbedding(pool=pool)


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        IdEmbedding().draw(1, seed)


def test_what_is_not_a_whole_number_is_refused() -> None:
    with pytest.raises(TypeError, match="dim"):
        IdEmbedding(dim=64.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="count"):
        IdEmbedding().draw(True, 0)
    with pytest.raises(ValueError, match="count"):
        IdEmbedding().draw(-1, 0)


def test_encode_takes_a_list_of_integers_only() -> None:
    with pytest.raises(TypeError, match="integers"):
        IdEmbedding().encode(torch.rand(3))
    with pytest.raises(ShapeError, match="1, 3"):
        IdEmbedding().encode(torch.zeros(1, 3, dtype=torch.int64))
