"""Tracks that hear each other: who is foretold by the others, and what places make of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from motion_core.geometry import Size
from motion_core.models.lite import control_encoder
from motion_core.models.lite.control_encoder import ControlEncoder
from motion_core.models.lite.track_batch import every_nth, make_track_batch
from motion_core.tracks.model import Tracks, make_tracks

from .models import SIZES, wandering

CANVAS, HALF = Size(32, 32), torch.tensor([4.0, 4.0])


def encoder(seed: int = 0, *, learned: bool = False) -> ControlEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        one = ControlEncoder(SIZES)
        torch.nn.init.normal_(one.gate[2].weight, std=0.3)
        if learned:
            for layer in (one.accord.ask[2], one.accord.voice, one.rumour):
                torch.nn.init.normal_(layer.weight, std=0.3)
    return one.eval()


def features(batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, 8, 8, 8, generator=torch.Generator().manual_seed(2))


def doubt_of(one: ControlEncoder, tracks: Tracks):
    track_batch = make_track_batch([tracks])
    asked = every_nth(track_batch.place.shape[1], 512)
    told = one.encoded_tracks(features(), track_batch)
    with torch.no_grad():
        return one._doubt(told.key, told.moments, track_batch, asked)


def moving(*shifts: tuple[float, float]) -> Tracks:
    """Three frames of points that go straight, on a line."""
    start = torch.stack([torch.linspace(4, 28, len(shifts)), torch.full((len(shifts),), 16.0)], -1)
    steps = torch.tensor(shifts) * torch.tensor([0.0, 0.5, 1.0])[:, None, None]
    return make_tracks(start + steps, CANVAS)


def test_at_its_start_the_second_round_changes_nothing() -> None:
    """Whatever the rest of it is: only what it adds begins as nothing."""
    one, other = encoder(0), encoder(0)
    other.accord.load_state_dict(
        {
            name: value if name.startswith(("ask.2", "voice")) else torch.randn_like(value)
            for name, value in one.accord.state_dict().items()
        }
    )
    track_batch = make_track_batch([wandering(4, 9, CANVAS)])
    first = control_encoder.estimate_field(one, features(), track_batch, HALF)
    second = control_encoder.estimate_field(other, features(), track_batch, HALF)
    for name in ("moved", "visible", "error", "shares"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    taught = control_encoder.estimate_field(encoder(0, learned=True), features(), track_batch, HALF)
    assert not torch.allclose(taught.moved, first.moved)


def test_two_tracks_foretell_each_other_their_own_motion() -> None:
    """A single other track says that one moves as it does; units are an eighth of the side."""
    miss, heard = doubt_of(encoder(), moving((4.0, 0.0), (0.0, 3.0)))
    # Displacements 0, 2.5 and 5 px apart in three frames; 4 px are a unit.
    torch.testing.assert_close(miss, torch.full_like(miss, (0 + 2.5 + 5) / 3 / 4))
    torch.testing.assert_close(heard, torch.ones_like(heard))


def test_one_against_all_is_the_one_in_doubt() -> None:
    same = doubt_of(encoder(), moving(*[(4.0, 0.0)] * 6)).miss
    torch.testing.assert_close(same, torch.zeros_like(same), atol=1e-5, rtol=0)
    miss = doubt_of(encoder(), moving(*[(4.0, 0.0)] * 5, (-4.0, 0.0))).miss[0]
    assert bool((miss[:, 5] > 2 * miss[:, 0]).all())


def test_alone_a_track_hears_nobody() -> None:
    miss, heard = doubt_of(encoder(), moving((4.0, 0.0)))
    assert not heard.any()
    torch.testing.assert_close(miss, torch.full_like(miss, (0 + 2 + 4) / 3 / 4))


@pytest.mark.parametrize("learned", [False, True])
def test_order_and_padding_do_not_matter(learned: bool) -> None:
    one = encoder(learned=learned)
    few, many = wandering(4, 5, CANVAS), wandering(4, 9, CANVAS, seed=5)
    order = torch.tensor([3, 1, 4, 0, 2])
    turned = replace(few, xy=few.xy[:, order], visible=few.visible[:, order])
    both = control_encoder.estimate_field(
        one, features(2)[[0, 0]], make_track_batch([few, many]), HALF
    )
    alone = control_encoder.estimate_field(one, features(2)[:1], make_track_batch([turned]), HALF)
    torch.testing.assert_close(both.moved[0], alone.moved[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(both.shares[0, :, order], alone.shares[0], atol=1e-5, rtol=1e-4)


def test_however_little_tracks_carry_nobody_listens_to_padding() -> None:
    """Logits by distance then reach hundreds of thousands below zero; float32 tells them apart by a
    hundredth, hence the tolerance. Listening to padding means not to listen at all."""
    one = encoder(learned=True)
    torch.nn.init.constant_(one.reach, -4.0)
    few, many = wandering(4, 5, CANVAS), wandering(4, 9, CANVAS, seed=5)
    both = control_encoder.estimate_field(
        one, features(2)[[0, 0]], make_track_batch([few, many]), HALF
    )
    alone = control_encoder.estimate_field(one, features(2)[:1], make_track_batch([few]), HALF)
    torch.testing.assert_close(both.shares[:1, :, :5], alone.shares, atol=2e-2, rtol=0)
    assert not both.shares[0, :, 5:].any()


def test_of_many_tracks_some_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    one, track_batch = encoder(learned=True), make_track_batch([wandering(4, 40, CANVAS)])
    whole = control_encoder.estimate_field(one, features(), track_batch, HALF).moved
    monkeypatch.setattr(control_encoder, "MOST_ASKED", 8)
    some = control_encoder.estimate_field(one, features(), track_batch, HALF).moved
    assert bool(torch.isfinite(some).all())
    assert not torch.equal(some, whole)


@pytest.mark.parametrize("points", [0, 1, 2, 7])
def test_gradients_are_finite(points: int) -> None:
    """Also where tracks start in one place and where there are none."""
    one, tracks = encoder(learned=True).train(), wandering(4, points, CANVAS)
    if points == 7:
        tracks = replace(tracks, xy=tracks.xy[:, :1].expand(-1, 7, -1).contiguous())
    told = one(features(), make_track_batch([tracks]), torch.arange(64)[None], HALF)
    (told.moved.square().sum() + told.error.sum() + told.alike.sum()).backward()
    found = [p.grad for p in one.parameters() if p.grad is not None]
    assert found and all(bool(torch.isfinite(grad).all()) for grad in found)
    assert points == 0 or bool(one.accord.tell[0].weight.grad.any())
