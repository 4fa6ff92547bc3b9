"""Attention among tracks: how well others predict each, and the second pass of the cells."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from motion_core.geometry import Size
from motion_core.models.lite import control_encoder
from motion_core.models.lite.control_encoder import ControlEncoder
from motion_core.models.lite.track_batch import make_track_batch
from motion_core.tracks.model import Tracks, make_tracks
from motion_core.tracks.start import every_nth

from .models import SIZES, wandering

CANVAS, HALF = Size(32, 32), torch.tensor([4.0, 4.0])


def encoder(seed: int = 0, *, learned: bool = False) -> ControlEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        one = ControlEncoder(SIZES)
        torch.nn.init.normal_(one.gate[2].weight, std=0.3)
        if learned:
            for layer in (
                one.track_transformer.query[2],
                one.track_transformer.modulation,
                one.context_proj,
            ):
                torch.nn.init.normal_(layer.weight, std=0.3)
    return one.eval()


def features(batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, 8, 8, 8, generator=torch.Generator().manual_seed(2))


def uncertainty_of(one: ControlEncoder, tracks: Tracks):
    track_batch = make_track_batch([tracks])
    keys = every_nth(track_batch.start.shape[1], 512)
    encoded = one.encode_tracks(features(), track_batch)
    with torch.no_grad():
        return one._track_uncertainty(encoded.key, encoded.moments, track_batch, keys)


def moving(*shifts: tuple[float, float]) -> Tracks:
    """Three frames of points that go straight, on a line."""
    start = torch.stack([torch.linspace(4, 28, len(shifts)), torch.full((len(shifts),), 16.0)], -1)
    steps = torch.tensor(shifts) * torch.tensor([0.0, 0.5, 1.0])[:, None, None]
    return make_tracks(start + steps, CANVAS)


def test_at_its_initialisation_the_second_pass_changes_nothing() -> None:
    """Whatever the other layers are: only those that add something start at zero."""
    one, other = encoder(0), encoder(0)
    other.track_transformer.load_state_dict(
        {
            name: value if name.startswith(("query.2", "modulation")) else torch.randn_like(value)
            for name, value in one.track_transformer.state_dict().items()
        }
    )
    track_batch = make_track_batch([wandering(4, 9, CANVAS)])
    first = control_encoder.estimate_field(one, features(), track_batch, HALF)
    second = control_encoder.estimate_field(other, features(), track_batch, HALF)
    for name in ("displacement", "visible", "error", "attention"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    taught = control_encoder.estimate_field(encoder(0, learned=True), features(), track_batch, HALF)
    assert not torch.allclose(taught.displacement, first.displacement)


def test_two_tracks_predict_their_own_motion_of_each_other() -> None:
    """A single other track predicts its own motion; units are an eighth of the side."""
    residual, coverage = uncertainty_of(encoder(), moving((4.0, 0.0), (0.0, 3.0)))
    # Displacements 0, 2.5 and 5 px apart in three frames; 4 px are a unit.
    torch.testing.assert_close(residual, torch.full_like(residual, (0 + 2.5 + 5) / 3 / 4))
    torch.testing.assert_close(coverage, torch.ones_like(coverage))


def test_one_against_all_is_the_uncertain_one() -> None:
    same = uncertainty_of(encoder(), moving(*[(4.0, 0.0)] * 6)).residual
    torch.testing.assert_close(same, torch.zeros_like(same), atol=1e-5, rtol=0)
    residual = uncertainty_of(encoder(), moving(*[(4.0, 0.0)] * 5, (-4.0, 0.0))).residual[0]
    assert bool((residual[:, 5] > 2 * residual[:, 0]).all())


def test_a_single_track_has_no_others_to_be_predicted_from() -> None:
    residual, coverage = uncertainty_of(encoder(), moving((4.0, 0.0)))
    assert not coverage.any()
    torch.testing.assert_close(residual, torch.full_like(residual, (0 + 2 + 4) / 3 / 4))


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
    torch.testing.assert_close(both.displacement[0], alone.displacement[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        both.attention[0, :, order], alone.attention[0], atol=1e-5, rtol=1e-4
    )


def test_padding_gets_no_attention_however_short_the_reach() -> None:
    """Logits by distance then reach hundreds of thousands below zero, where float32 is exact to a
    hundredth; the tolerance allows for that."""
    one = encoder(learned=True)
    torch.nn.init.constant_(one.log_sigma, -4.0)
    few, many = wandering(4, 5, CANVAS), wandering(4, 9, CANVAS, seed=5)
    both = control_encoder.estimate_field(
        one, features(2)[[0, 0]], make_track_batch([few, many]), HALF
    )
    alone = control_encoder.estimate_field(one, features(2)[:1], make_track_batch([few]), HALF)
    torch.testing.assert_close(both.attention[:1, :, :5], alone.attention, atol=2e-2, rtol=0)
    assert not both.attention[0, :, 5:].any()


def test_of_many_tracks_some_are_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    one, track_batch = encoder(learned=True), make_track_batch([wandering(4, 40, CANVAS)])
    whole = control_encoder.estimate_field(one, features(), track_batch, HALF).displacement
    monkeypatch.setattr(control_encoder, "MAX_KEY_TRACKS", 8)
    some = control_encoder.estimate_field(one, features(), track_batch, HALF).displacement
    assert bool(torch.isfinite(some).all())
    assert not torch.equal(some, whole)


@pytest.mark.parametrize("points", [0, 1, 2, 7])
def test_gradients_are_finite(points: int) -> None:
    """Also where tracks start in one place and where there are none."""
    one, tracks = encoder(learned=True).train(), wandering(4, points, CANVAS)
    if points == 7:
        tracks = replace(tracks, xy=tracks.xy[:, :1].expand(-1, 7, -1).contiguous())
    estimate = one(features(), make_track_batch([tracks]), torch.arange(64)[None], HALF)
    (
        estimate.displacement.square().sum() + estimate.error.sum() + estimate.affinity.sum()
    ).backward()
    found = [p.grad for p in one.parameters() if p.grad is not None]
    assert found and all(bool(torch.isfinite(grad).all()) for grad in found)
    assert points == 0 or bool(one.track_transformer.embed[0].weight.grad.any())
