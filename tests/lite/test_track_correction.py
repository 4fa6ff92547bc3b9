"""Correction at tracks: residuals vanish, and only cells that attend to tracks change."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from motion_core.geometry import Size
from motion_core.models.lite.base import LiteControlOutput
from motion_core.models.lite.track_batch import TrackBatch, make_track_batch
from motion_core.models.lite.track_correction import (
    DOUBLINGS,
    MAX_TRACKS,
    TrackAttention,
    TrackCorrection,
    make_attention,
    make_correction,
)
from motion_core.tracks.model import Tracks, make_tracks

from .models import wandering

GRID, FRAMES, CANVAS = 8, 4, Size(64, 64)
MOTION = 2 * (FRAMES - 1)
TARGET_SEED, ROUNDS = 9, 2**DOUBLINGS


def in_cells(points: int = 3) -> Tracks:
    """Tracks that start in the middle of cells (0, 0), (2, 2), ..."""
    start = (torch.arange(points) * 2 + 0.5) * (CANVAS.width / GRID)
    return make_tracks(start[:, None].expand(FRAMES, points, 2).clone(), CANVAS)


def whole(track_batch: TrackBatch, weights: torch.Tensor) -> TrackCorrection:
    """A correction of whole residuals."""
    return make_correction(make_attention(track_batch, weights), torch.ones(1))


def by_column(points: int = 3) -> TrackCorrection:
    """Every column of cells is a thing of its own that attends to the track that starts in it."""
    column = torch.arange(GRID * GRID) % GRID
    weights = (column[:, None] == torch.arange(points) * 2).float()[None]
    return whole(make_track_batch([in_cells(points)]), weights)


def latents(seed: int = 0, batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3 * (FRAMES - 1), GRID, GRID, generator=generator)


def test_samples_are_the_motion_where_tracks_start() -> None:
    clean = latents()
    sampled = by_column().attention.sample(clean[:, :MOTION])
    torch.testing.assert_close(sampled[0], clean[0, :MOTION, [0, 2, 4], [0, 2, 4]])


def test_a_thing_moves_as_a_whole_and_cells_without_tracks_stay() -> None:
    correction, clean, target = by_column(), latents(), latents(TARGET_SEED)
    corrected = correction.apply(clean, target)
    sample = correction.attention.sample
    torch.testing.assert_close(
        sample(corrected)[:, :MOTION], sample(target)[:, :MOTION], atol=1e-5, rtol=0
    )
    shift = (corrected - clean)[0]
    for column in (0, 2, 4):
        residual = (target - clean)[0, :MOTION, column, column]
        wanted = residual[:, None].expand(-1, GRID)
        torch.testing.assert_close(shift[:MOTION, :, column], wanted, atol=1e-5, rtol=0)
    assert not shift[:, :, [1, 3, 5, 6, 7]].any(), "no track starts in these"
    assert not shift[MOTION:].any(), "visibility is not corrected"


def test_without_residuals_nothing_changes() -> None:
    correction, target = by_column(), latents()
    assert torch.equal(correction.apply(target, target), target)


def test_confidence_decides_between_tracks_of_one_thing() -> None:
    visible = torch.ones(FRAMES, 2, dtype=torch.bool)
    visible[2, 0] = False
    tracks = make_tracks(in_cells(2).xy, CANVAS, visible=visible)
    track_batch = make_track_batch([tracks])
    correction = whole(track_batch, torch.full((1, GRID * GRID, 2), 0.4))
    zero, target = torch.zeros_like(latents()), latents(TARGET_SEED)
    corrected = correction.apply(zero, target)[0, 2:4, 3, 3]
    # In frame 2 the first is not visible: the mean leans to the second. Weights add up to 0.8, so
    # every round leaves a fifth of the mean.
    confidence = track_batch.confidence[0, :, 2]
    mean = (confidence * target[0, 2:4, [0, 2], [0, 2]]).sum(dim=1) / confidence.sum()
    torch.testing.assert_close(corrected, mean * (1 - 0.2**ROUNDS))


def test_the_inverse_is_the_sum_of_the_rounds() -> None:
    """Against the rounds themselves: what is still missing is added again, round after round."""
    visible = torch.rand(FRAMES, 5, generator=torch.Generator().manual_seed(3)) < 0.7
    visible[0] = True
    tracks = make_tracks(wandering(FRAMES, 5, CANVAS).xy, CANVAS, visible=visible)
    weights = torch.randn(1, GRID * GRID, 5, generator=torch.Generator().manual_seed(2)) * 2
    correction = whole(make_track_batch([tracks]), weights.softmax(dim=-1) * 0.9)
    attention, target = correction.attention, latents(TARGET_SEED)
    by_hand = latents()[:, :MOTION]
    for _ in range(ROUNDS):
        residual = attention.sample(target[:, :MOTION] - by_hand)
        by_hand = by_hand + attention.spread(residual).view_as(by_hand)
    corrected = correction.apply(latents(), target)[:, :MOTION]
    torch.testing.assert_close(corrected, by_hand, atol=1e-4, rtol=1e-4)


def test_strength_and_amount_weaken_it() -> None:
    correction, clean, target = by_column(), latents(), latents(TARGET_SEED)
    assert torch.equal(replace(correction, amount=torch.zeros(())).apply(clean, target), clean)
    still = LiteControlOutput((), torch.zeros(1, 1, 1, 1), target, correction)
    sample = correction.attention.sample
    left = sample(target - still.scaled(0.25).apply(clean))[:, :MOTION]
    wanted = sample(target - clean)[:, :MOTION] * 0.75
    torch.testing.assert_close(left, wanted, atol=1e-5, rtol=1e-4)
    assert torch.equal(still.scaled(3.0).apply(clean), still.apply(clean)), (
        "never more than all of it"
    )


def test_batches_do_not_mix_and_padding_adds_nothing() -> None:
    many, few = wandering(FRAMES, 5, CANVAS), wandering(FRAMES, 2, CANVAS, seed=4)
    track_batch = make_track_batch([many, few])
    weights = torch.rand(2, GRID * GRID, 5) / 5
    weights[1, :, 2:] = 0
    clean, target = latents(batch=2), latents(TARGET_SEED, batch=2)
    both = whole(track_batch, weights).apply(clean, target)
    alone = whole(make_track_batch([few]), weights[1:, :, :2]).apply(clean[1:], target[1:])
    torch.testing.assert_close(both[1:], alone)


def test_attention_without_weights_is_not_active() -> None:
    weights = torch.zeros(2, GRID * GRID, 5)
    weights[1, 7, 3] = 0.1
    track_batch = make_track_batch([wandering(FRAMES, 5, CANVAS), wandering(FRAMES, 5, CANVAS)])
    assert make_attention(track_batch, weights).is_active().flatten().tolist() == [0.0, 1.0]


def test_of_many_tracks_an_even_choice_is_used() -> None:
    count = 2 * MAX_TRACKS
    track_batch = make_track_batch([wandering(FRAMES, count, CANVAS)])
    attention = make_attention(track_batch, torch.rand(1, GRID * GRID, count))
    torch.testing.assert_close(attention.start_ndc, track_batch.start_ndc[:, ::2])


@pytest.mark.parametrize("points", [1, 3])
def test_gradients_are_right(points: int) -> None:
    correction = by_column(points)
    single = correction.attention
    parts = (single.start_ndc, single.confidence, single.weights, single.scale)
    attention = TrackAttention(*(part.double() for part in parts))
    inverse = correction.inverse.double()
    clean = latents().double().requires_grad_()
    target = latents(TARGET_SEED).double()
    amount = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    def corrected(clean: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
        return TrackCorrection(attention, inverse, amount).apply(clean, target)

    assert torch.autograd.gradcheck(corrected, (clean, amount))
