"""What tracks hold: misses are mended, and only where somebody listens."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from motion_core.geometry import Size
from motion_core.models.lite.base import LiteControlOutput
from motion_core.models.lite.track_batch import TrackBatch, make_track_batch
from motion_core.models.lite.track_correction import (
    DOUBLINGS,
    MOST_HOLDING,
    TrackAttention,
    TrackCorrection,
    make_attention,
    make_correction,
)
from motion_core.tracks.model import Tracks, make_tracks

from .models import wandering

GRID, FRAMES, CANVAS = 8, 4, Size(64, 64)
MOTION = 2 * (FRAMES - 1)
ANSWER_SEED, ROUNDS = 9, 2**DOUBLINGS


def in_cells(points: int = 3) -> Tracks:
    """Tracks that start in the middle of cells (0, 0), (2, 2), ..."""
    start = (torch.arange(points) * 2 + 0.5) * (CANVAS.width / GRID)
    return make_tracks(start[:, None].expand(FRAMES, points, 2).clone(), CANVAS)


def whole(track_batch: TrackBatch, shares: torch.Tensor) -> TrackCorrection:
    """All of every miss is mended."""
    return make_correction(make_attention(track_batch, shares), torch.ones(1))


def by_column(points: int = 3) -> TrackCorrection:
    """Every column of cells is a thing of its own that listens to the track that starts in it."""
    column = torch.arange(GRID * GRID) % GRID
    shares = (column[:, None] == torch.arange(points) * 2).float()[None]
    return whole(make_track_batch([in_cells(points)]), shares)


def latents(seed: int = 0, batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3 * (FRAMES - 1), GRID, GRID, generator=generator)


def test_what_is_read_is_the_motion_where_tracks_start() -> None:
    clean = latents()
    read = by_column().attention.read(clean[:, :MOTION])
    torch.testing.assert_close(read[0], clean[0, :MOTION, [0, 2, 4], [0, 2, 4]])


def test_a_thing_moves_as_a_whole_and_what_nobody_holds_stays() -> None:
    correction, clean, answer = by_column(), latents(), latents(ANSWER_SEED)
    held = correction.held(clean, answer)
    read = correction.attention.read
    torch.testing.assert_close(read(held)[:, :MOTION], read(answer)[:, :MOTION], atol=1e-5, rtol=0)
    shift = (held - clean)[0]
    for column in (0, 2, 4):
        missed = (answer - clean)[0, :MOTION, column, column]
        wanted = missed[:, None].expand(-1, GRID)
        torch.testing.assert_close(shift[:MOTION, :, column], wanted, atol=1e-5, rtol=0)
    assert not shift[:, :, [1, 3, 5, 6, 7]].any(), "no track speaks for these"
    assert not shift[MOTION:].any(), "visibility is not held"


def test_an_answer_that_nothing_misses_changes_nothing() -> None:
    correction, answer = by_column(), latents()
    assert torch.equal(correction.held(answer, answer), answer)


def test_trust_decides_between_tracks_of_one_thing() -> None:
    visible = torch.ones(FRAMES, 2, dtype=torch.bool)
    visible[2, 0] = False
    tracks = make_tracks(in_cells(2).xy, CANVAS, visible=visible)
    track_batch = make_track_batch([tracks])
    correction = whole(track_batch, torch.full((1, GRID * GRID, 2), 0.4))
    nothing, answer = torch.zeros_like(latents()), latents(ANSWER_SEED)
    told = correction.held(nothing, answer)[0, 2:4, 3, 3]
    # In frame 2 the first is not seen: the mean leans to the second. 0.8 listen, and every round
    # leaves a fifth of the mean.
    trust = track_batch.trust[0, :, 2]
    mean = (trust * answer[0, 2:4, [0, 2], [0, 2]]).sum(dim=1) / trust.sum()
    torch.testing.assert_close(told, mean * (1 - 0.2**ROUNDS))


def test_neighbours_leave_each_other_what_is_theirs() -> None:
    """Against the rounds themselves: what is still missed is told again, time after time."""
    visible = torch.rand(FRAMES, 5, generator=torch.Generator().manual_seed(3)) < 0.7
    visible[0] = True
    tracks = make_tracks(wandering(FRAMES, 5, CANVAS).xy, CANVAS, visible=visible)
    shares = torch.randn(1, GRID * GRID, 5, generator=torch.Generator().manual_seed(2)) * 2
    correction = whole(make_track_batch([tracks]), shares.softmax(dim=-1) * 0.9)
    told, answer = correction.attention, latents(ANSWER_SEED)
    by_hand = latents()[:, :MOTION]
    for _ in range(ROUNDS):
        missed = told.read(answer[:, :MOTION] - by_hand)
        by_hand = by_hand + told.heard(missed).view_as(by_hand)
    held = correction.held(latents(), answer)[:, :MOTION]
    torch.testing.assert_close(held, by_hand, atol=1e-4, rtol=1e-4)


def test_strength_and_amount_loosen_it() -> None:
    correction, clean, answer = by_column(), latents(), latents(ANSWER_SEED)
    assert torch.equal(replace(correction, amount=torch.zeros(())).held(clean, answer), clean)
    still = LiteControlOutput((), torch.zeros(1, 1, 1, 1), answer, correction)
    read = correction.attention.read
    left = read(answer - still.scaled(0.25).led(clean))[:, :MOTION]
    torch.testing.assert_close(left, read(answer - clean)[:, :MOTION] * 0.75, atol=1e-5, rtol=1e-4)
    assert torch.equal(still.scaled(3.0).led(clean), still.led(clean)), "never more than all of it"


def test_batches_do_not_mix_and_padding_says_nothing() -> None:
    many, few = wandering(FRAMES, 5, CANVAS), wandering(FRAMES, 2, CANVAS, seed=4)
    track_batch = make_track_batch([many, few])
    shares = torch.rand(2, GRID * GRID, 5) / 5
    shares[1, :, 2:] = 0
    clean, answer = latents(batch=2), latents(ANSWER_SEED, batch=2)
    both = whole(track_batch, shares).held(clean, answer)
    alone = whole(make_track_batch([few]), shares[1:, :, :2]).held(clean[1:], answer[1:])
    torch.testing.assert_close(both[1:], alone)


def test_who_is_heard_by_nobody_says_so() -> None:
    shares = torch.zeros(2, GRID * GRID, 5)
    shares[1, 7, 3] = 0.1
    track_batch = make_track_batch([wandering(FRAMES, 5, CANVAS), wandering(FRAMES, 5, CANVAS)])
    assert make_attention(track_batch, shares).any_heard().flatten().tolist() == [0.0, 1.0]


def test_of_many_tracks_an_even_choice_holds() -> None:
    count = 2 * MOST_HOLDING
    track_batch = make_track_batch([wandering(FRAMES, count, CANVAS)])
    attention = make_attention(track_batch, torch.rand(1, GRID * GRID, count))
    torch.testing.assert_close(attention.spot, track_batch.spot[:, ::2])


@pytest.mark.parametrize("points", [1, 3])
def test_gradients_are_right(points: int) -> None:
    correction = by_column(points)
    told = correction.attention
    parts = (told.spot, told.trust, told.shares, told.scale)
    attention, mend = TrackAttention(*(part.double() for part in parts)), correction.mend.double()
    clean = latents().double().requires_grad_()
    answer = latents(ANSWER_SEED).double()
    amount = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    def held(clean: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
        return TrackCorrection(attention, mend, amount).held(clean, answer)

    assert torch.autograd.gradcheck(held, (clean, amount))
