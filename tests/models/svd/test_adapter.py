"""The adapter is in the U-Net only while it is asked for; the LoRA never is."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from motion_core.errors import ShapeError
from motion_core.models.lora import LoraWeights, MergedOnce
from motion_core.models.svd.adapter import MotionAdapter, modulated_layers
from motion_core.models.svd.motion_encoder import TimeConv
from motion_core.models.svd.unet import empty_unet

from .originals import TINY, WIDTHS, recipe, values


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@cache
def tiny_unet() -> Any:
    unet = empty_unet(TINY)
    names = unet.state_dict()
    weights = {name: recipe(name, tuple(names[name].shape)).float() for name in names}
    unet.load_state_dict(weights, assign=True)
    return unet


def adapter(*, taught: bool) -> MotionAdapter:
    found = MotionAdapter(WIDTHS).requires_grad_(False)
    if taught:
        names = found.state_dict()
        found.load_state_dict({name: recipe(name, tuple(names[name].shape)) for name in names})
    return found


@torch.no_grad()
def predicted(batch: int = 1) -> Tensor:
    given = values("given", (1, 2, 8, 8, 8)).float().expand(batch, -1, -1, -1, -1)
    embeds = values("words", (1, 1, 24)).float().expand(batch, -1, -1)
    return tiny_unet()(given, 0.3, embeds, torch.ones(batch, 3)).sample


def condition() -> Tensor:
    return 5 * values("condition", (2, 3, 64, 64)).float()


@pytest.mark.slow
def test_an_untaught_adapter_changes_nothing_and_a_taught_one_does() -> None:
    base = predicted()
    for taught in (False, True):
        steered = adapter(taught=taught)
        with steered.attached(tiny_unet(), steered.modulations(condition()), 1.0):
            assert torch.equal(predicted(), base) is not taught


def test_taking_it_out_restores_the_base_bit_for_bit_even_after_an_error() -> None:
    base, steered = predicted(), adapter(taught=True)
    modulations = steered.modulations(condition())
    with pytest.raises(KeyboardInterrupt), steered.attached(tiny_unet(), modulations, 1.0):
        raise KeyboardInterrupt
    with pytest.raises(ValueError), steered.attached(tiny_unet(), modulations[:-1], 1.0):
        pass
    assert all(not layer._forward_hooks for layer in modulated_layers(tiny_unet()))
    assert torch.equal(predicted(), base)


@pytest.mark.slow
def test_strength_scales_the_modulation_and_all_of_a_batch_are_steered_alike() -> None:
    base, steered = predicted(), adapter(taught=True)
    modulations = steered.modulations(condition())
    with steered.attached(tiny_unet(), modulations, 0.0):
        assert torch.equal(predicted(), base)
    far = []
    for strength in (0.01, 0.02):
        with steered.attached(tiny_unet(), modulations, strength):
            far.append((predicted() - base).norm())
    assert float(far[1] / far[0]) == pytest.approx(2.0, rel=0.1)
    with steered.attached(tiny_unet(), modulations, 1.0):
        alone, both = predicted(), predicted(batch=2)
    # In float32, and in an order of summands that differs between processors.
    torch.testing.assert_close(both, alone.expand_as(both), rtol=0, atol=1e-4)


def test_features_follow_the_levels_and_odd_sides_round_up() -> None:
    with torch.no_grad():
        features = adapter(taught=True).encoder(torch.zeros(5, 3, 72, 64))
    sides = [(5, 32, 9, 8), (5, 96, 5, 4), (5, 64, 3, 2), (5, 64, 2, 1)]
    assert [tuple(feature.shape) for feature in features] == sides
    with pytest.raises(ShapeError, match=r"must be \(T, 3, H, W\)"):
        adapter(taught=False).encoder(torch.zeros(5, 2, 64, 64))


def test_a_time_convolution_is_the_library_one_over_frames_alone() -> None:
    layer = TimeConv(2, 3)
    given = values("given", (5, 2, 4, 6)).float()
    wanted = nn.functional.conv3d(
        torch.cat([given[:1], given, given[-1:]]).transpose(0, 1)[None],
        layer.weight[..., None, None],
        layer.bias,
    )
    torch.testing.assert_close(layer(given), wanted[0].transpose(0, 1), rtol=0, atol=1e-5)


def test_every_weight_of_the_adapter_is_reached_by_the_gradient() -> None:
    steered = adapter(taught=True).requires_grad_(True)
    embeds = values("words", (1, 1, 24)).float()
    given = values("given", (1, 2, 8, 8, 8)).float()
    with steered.attached(tiny_unet(), steered.modulations(condition()), 1.0):
        tiny_unet()(given, 0.3, embeds, torch.ones(1, 3)).sample.square().mean().backward()
    unreached = [name for name, weight in steered.named_parameters() if weight.grad is None]
    # The last halving of the encoder is part of the checkpoint and of the feature it gives.
    assert not unreached


def test_lora_is_merged_beside_the_base() -> None:
    layer = nn.Sequential(nn.Linear(6, 4)).requires_grad_(False)
    before = layer[0].weight.clone()
    down, up = values("down", (2, 6)).float(), values("up", (4, 2)).float()
    lora = LoraWeights({"0.weight": (down, up)})
    given = values("given", (3, 6)).float()
    once = MergedOnce(lora, layer)
    for strength in (0.0, 1.0, 0.5):
        merged = once.at(strength)
        assert once.at(strength) is merged
        wanted = layer(given) + strength * (given @ down.T) @ up.T
        got = torch.func.functional_call(layer, merged, (given,))
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-5)
    assert torch.equal(layer[0].weight, before)
    assert torch.equal(once.at(0.0)["0.weight"], before)


def test_a_lora_that_fits_nothing_is_refused() -> None:
    pair = torch.zeros(2, 6), torch.zeros(4, 2)
    with pytest.raises(ShapeError, match=r"has \(6, 6\)"):
        LoraWeights({"weight": pair}).merged(nn.Linear(6, 6), 1.0)
    with pytest.raises(ShapeError, match="no such layer"):
        LoraWeights({"elsewhere": pair}).merged(nn.Linear(6, 6), 1.0)
    with pytest.raises(ShapeError, match=r"down \(r, in\)"):
        LoraWeights({"weight": (torch.zeros(3, 6), torch.zeros(4, 2))})
