"""Base and control: nothing changes at the start, nothing without tracks; ids find their like."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.fields.motion_field import MotionField
from motion_core.geometry import Size
from motion_core.models.lite.base import velocity
from motion_core.models.lite.latents import (
    coloured_noise,
    field_from_latents,
    field_to_latents,
    time_factor,
)
from motion_core.models.lite.track_controlnet import LiteTrackControlNet, resample_tracks
from motion_core.tracks.model import empty_tracks, make_tracks
from motion_core.tracks.select import select

from .models import BASE, picture, tiny_lite, wandering

CANVAS = Size(60, 40)


@pytest.fixture(scope="module")
def lite():
    torch.set_num_threads(1)
    return tiny_lite()


def learned(lite, input: str) -> LiteTrackControlNet:
    control = LiteTrackControlNet(lite.base, lite, input)
    for zero in (*control.zero_convs, control.gate):
        torch.nn.init.normal_(zero.weight, std=0.2, generator=torch.Generator().manual_seed(1))
    return control.eval()


@pytest.mark.parametrize("input", ["tracks", "region"])
@torch.no_grad()
def test_at_its_start_control_changes_nothing_bit_for_bit(lite, input: str) -> None:
    control = LiteTrackControlNet(lite.base, lite, input)
    prepared = control.prepare(picture(60, 40), wandering(5, 6, CANVAS))
    features = lite.base.encode_image(lite.preprocess(picture(60, 40)))
    noisy, tau = lite.base.noise(1, torch.Generator().manual_seed(0)), torch.tensor([0.7])
    plain = lite.base(noisy, tau, features)
    residuals = control.residuals(prepared, noisy, tau)
    assert torch.equal(lite.base(noisy, tau, features, residuals), plain)


@pytest.mark.parametrize("input", ["tracks", "region"])
@torch.no_grad()
def test_a_learned_control_acts_and_empty_tracks_are_the_base(lite, input: str) -> None:
    control = learned(lite, input)
    features = lite.base.encode_image(lite.preprocess(picture(60, 40)))
    noisy, tau = lite.base.noise(1, torch.Generator().manual_seed(0)), torch.tensor([0.7])
    prepared = control.prepare(picture(60, 40), wandering(5, 6, CANVAS))
    residuals = control.residuals(prepared, noisy, tau)
    plain = lite.base(noisy, tau, features)
    assert not torch.allclose(lite.base(noisy, tau, features, residuals), plain)
    off = lite.base(noisy, tau, features, residuals.scaled(0.0))
    assert torch.equal(off, plain)
    empty = control.prepare(picture(60, 40), empty_tracks(5, CANVAS))
    nothing = control.residuals(empty, noisy, tau)
    assert torch.equal(lite.base(noisy, tau, features, nothing), plain)


@torch.no_grad()
def test_residuals_are_corrected_by_the_gate_in_pure_noise(lite) -> None:
    control, tracks = LiteTrackControlNet(lite.base, lite), wandering(5, 6, CANVAS)
    fresh = control.prepare(picture(60, 40), tracks).correction
    assert fresh is not None and not fresh.amount.any()
    for bias, firm in ((0.5, math.tanh(0.5)), (-2.0, 0.0)):
        torch.nn.init.constant_(control.gate.bias, bias)
        correction = control.prepare(picture(60, 40), tracks).correction
        assert correction is not None
        torch.testing.assert_close(correction.amount, torch.full((1, 1, 64), firm))


@torch.no_grad()
def test_a_track_without_weight_steers_nothing(lite) -> None:
    control = learned(lite, "tracks")
    tracks = wandering(5, 6, CANVAS)
    weights = torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0, 0.0])
    few = select(tracks, weights.nonzero().squeeze(1))
    weighted = control.prepare(picture(60, 40), tracks, weights)
    alone = control.prepare(picture(60, 40), few)
    torch.testing.assert_close(weighted.embedding, alone.embedding)
    torch.testing.assert_close(weighted.target, alone.target)


def test_other_lengths_are_resampled_and_say_so(lite, caplog: pytest.LogCaptureFixture) -> None:
    control = LiteTrackControlNet(lite.base, lite)
    with caplog.at_level("INFO"):
        prepared = control.prepare(picture(60, 40), wandering(9, 6, CANVAS))
    assert "resampled" in caplog.text
    assert prepared.target.shape == (1, BASE.channels, 8, 8)


def test_a_briefly_visible_track_is_not_lost_between_frames() -> None:
    visible = torch.zeros(40, 2, dtype=torch.bool)
    visible[7, 0], visible[:, 1] = True, True
    xy = wandering(40, 2, CANVAS).xy.clone()
    xy[~visible] = 1e4
    few = resample_tracks(make_tracks(xy, CANVAS, visible=visible), 5)
    assert int(few.visible[:, 0].sum()) == 1
    torch.testing.assert_close(few.xy[:, 0], xy[7, 0].expand(5, 2))
    torch.testing.assert_close(few.xy[0], torch.stack([xy[7, 0], xy[0, 1]]))
    assert bool(few.visible[:, 1].all())
    for frames in (0, 9):
        assert resample_tracks(empty_tracks(frames, CANVAS), 5).num_frames == 5


def test_foreign_latents_are_refused(lite) -> None:
    with pytest.raises(ShapeError, match="latents"):
        features = lite.base.encode_image(torch.zeros(1, 3, 32, 32))
        lite.base(torch.zeros(1, 3, 8, 8), torch.ones(1), features)
    with pytest.raises(ValueError, match="tracks, region"):
        LiteTrackControlNet(lite.base, lite, "colour")


def test_latents_keep_a_field() -> None:
    generator = torch.Generator().manual_seed(0)
    moved = torch.randn(5, 8, 8, 2, generator=generator) * 9
    moved[0] = 0
    visible = torch.rand(5, 8, 8, generator=generator)
    visible[0] = 1
    field = MotionField(moved, visible, torch.ones(8, 8), CANVAS)
    back = field_from_latents(field_to_latents(field, 5), CANVAS, 5)
    torch.testing.assert_close(back.displacement, moved)
    torch.testing.assert_close(back.visible, visible)
    assert field_from_latents(field_to_latents(field, 5), CANVAS, 12).frames == 12


def test_noise_has_the_colour_it_should() -> None:
    factor = time_factor(6)
    noise = coloured_noise((400, 15, 16, 16), factor, torch.Generator().manual_seed(0))
    across = noise[:, 0:10:2].permute(1, 0, 2, 3)
    cover = torch.einsum("sbij,tbij->st", across, across) / across[0].numel()
    torch.testing.assert_close(cover, factor @ factor.T, atol=0.06, rtol=0)
    beside = (across[-1] * across[-1].roll(1, dims=-1)).mean()
    assert abs(float(beside)) < 0.02, "white over space"


def test_velocity_leads_from_noise_to_the_clean() -> None:
    clean, noise = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4)
    tau = torch.tensor([0.3, 1.0])
    level = tau.view(-1, 1, 1, 1)
    torch.testing.assert_close(
        velocity(clean, (1 - level) * clean + level * noise, tau), noise - clean
    )
