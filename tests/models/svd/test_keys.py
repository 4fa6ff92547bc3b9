"""Every weight of the released checkpoints has one place, of its shape, and every place a weight.

Both released checkpoints, sparse and dense, hold a U-Net of these names; keys.txt lists them as
they are after the LoRA (X.linear, X.lora_down, X.lora_up for every linear X) is taken apart.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from motion_core.errors import FormatError
from motion_core.models.lora import LoraWeights
from motion_core.models.svd.adapter import MotionAdapter
from motion_core.models.svd.checkpoint import Checkpoint, build, split_checkpoint
from motion_core.models.svd.keys import adapter_key, unet_key

from .originals import WRAPPED, released, with_lora

LINEAR_LAYERS = 464
RANK = 32


def as_released(*, lora: bool) -> dict[str, Tensor]:
    """All weights, without memory, under the names in the file."""
    shapes = with_lora(released(), RANK) if lora else released()
    weights = {WRAPPED + name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    foreign = ("conditioner.embedders.0.x", "first_stage_model.decoder.conv_in.weight")
    return weights | {f"module.{name}": torch.empty(1, device="meta") for name in foreign}


def split(*, lora: bool) -> Checkpoint:
    return split_checkpoint(as_released(lora=lora), "motionpro.pt")


@cache
def whole(*, lora: bool) -> tuple[Any, MotionAdapter, LoraWeights]:
    """The full-size modules; raises on any name or shape that differs on either side."""
    return build(split(lora=lora), "motionpro.pt")


@pytest.mark.parametrize("lora", [True, False])
def test_all_keys_map_one_to_one_with_equal_shapes(lora: bool) -> None:
    parts, (unet, _, update) = split(lora=lora), whole(lora=lora)
    assert len(parts.unet) == 1428 and len(parts.adapter) == 120
    assert len(parts.unet) + len(parts.adapter) == len(released())
    assert len(parts.lora) == (LINEAR_LAYERS if lora else 0)
    assert not parts.unknown
    assert unet.config.num_attention_heads == (5, 10, 20, 20)
    assert unet.config.block_out_channels == (320, 640, 1280, 1280)
    assert sum(weight.numel() for weight in parts.adapter.values()) == pytest.approx(
        114.7e6, rel=1e-3
    )
    merged = update.merged(unet, 1.0)
    assert len(merged) == len(parts.lora)
    assert all(merged[name].shape == parts.unet[name].shape for name in merged)


@torch.no_grad()
def test_at_full_size_every_signal_fits_its_block() -> None:
    """Sixteen frames of 512x320, as released, without memory."""
    unet, adapter, update = whole(lora=True)
    with torch.device("meta"):
        modulations = adapter.modulations(torch.empty(16, 3, 320, 512))
        given = torch.empty(1, 16, 8, 40, 64), torch.tensor(0.5), torch.empty(1, 1, 1024)
        with adapter.attached(unet, modulations, 1.0):
            asked = (*given, torch.empty(1, 3))
            made = torch.func.functional_call(unet, update.merged(unet, 1.0), asked).sample
    assert made.shape == (1, 16, 4, 40, 64)
    assert [tuple(gamma.shape) for gamma, _ in modulations[:4]] == [
        (16, 320, 40, 64),
        (16, 640, 20, 32),
        (16, 1280, 10, 16),
        (16, 1280, 5, 8),
    ]


def test_no_key_goes_to_both_parts() -> None:
    for name in released():
        assert (adapter_key(name) is None) != (unet_key(name) is None), name


@pytest.mark.parametrize(
    "name",
    [
        "flow_blocks.weight",
        "input_blocks.2.0.flow_gamma_spatial.weight",
        "input_blocks.1.0.new_layers.0.weight",
        "input_blocks.1.1.ff.weight",
        "input_blocks.1.0.time_stack.new.weight",
        "new_block.0.weight",
    ],
)
def test_foreign_keys_have_no_place_and_are_named(name: str) -> None:
    assert adapter_key(name) is None and unet_key(name) is None
    weights = as_released(lora=False)
    weights[WRAPPED + name] = torch.empty(1, device="meta")
    with pytest.raises(FormatError, match=name):
        build(split_checkpoint(weights, "motionpro.pt"), "motionpro.pt")


def test_missing_and_misshapen_keys_are_listed_ten_at_most() -> None:
    weights = as_released(lora=False)
    for name in [name for name in released() if ".attn1.to_q." in name][:12]:
        del weights[WRAPPED + name]
    weights[f"{WRAPPED}out.2.bias"] = torch.empty(4, 1, device="meta")
    with pytest.raises(FormatError) as caught:
        build(split_checkpoint(weights, "motionpro.pt"), "motionpro.pt")
    message = str(caught.value)
    assert message.startswith("motionpro.pt does not fit the model: 12 missing (down_blocks.0.")
    assert message.count(".attn1.to_q.weight") == 10 and "and 2 more" in message
    assert "1 of the wrong shape (conv_out.bias (4, 1) instead of (4,))" in message


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("label_emb.0.0.weight", (1280,), "out of range"),
        ("input_blocks.1.0.in_layers.2.bias", (48,), "do not divide by heads of 64"),
        ("input_blocks.0.0.bias", None, r"missing \(conv_in.bias\)"),
        ("label_emb.0.0.weight", None, "add_embedding.linear_1.weight"),
    ],
)
def test_no_shape_in_a_file_breaks_the_loader(
    name: str, shape: tuple[int, ...] | None, message: str
) -> None:
    weights = as_released(lora=False)
    del weights[WRAPPED + name]
    if shape is not None:
        weights[WRAPPED + name] = torch.empty(shape, device="meta")
    with pytest.raises(FormatError, match=f"motionpro.pt.*{message}"):
        build(split_checkpoint(weights, "motionpro.pt"), "motionpro.pt")


def test_half_a_lora_is_refused() -> None:
    weights = as_released(lora=True)
    del weights[WRAPPED + "time_embed.0.lora_up.weight"]
    with pytest.raises(FormatError, match=r"1 LoRA halves alone \(.*time_embed.0\)"):
        split_checkpoint(weights, "motionpro.pt")


@pytest.mark.parametrize("shape", [(RANK,), (RANK, 321), (RANK - 1, 320)])
def test_a_lora_that_fits_no_layer_is_refused_when_it_is_read(shape: tuple[int, ...]) -> None:
    weights = as_released(lora=True)
    down = WRAPPED + "time_embed.0.lora_down.weight"
    weights[down] = torch.empty(shape, device="meta")
    with pytest.raises(FormatError, match="1 LoRA updates that fit no layer .time_embedding"):
        build(split_checkpoint(weights, "motionpro.pt"), "motionpro.pt")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("down_blocks.0.resnets.0.norm1.weight", "a U-Net of diffusers"),
        ("model.diffusion_model.input_blocks.1.0.time_stack.x.weight", "without MotionPro"),
        ("model.diffusion_model.input_blocks.0.0.weight", "Stable Diffusion"),
        ("blocks.0.self_attn.q.weight", "Wan"),
        ("down_blocks.0.motion_modules.0.x.weight", "AnimateDiff or Image Conductor"),
        ("x", "1 weights of an unknown kind"),
    ],
)
def test_another_family_is_named(name: str, kind: str) -> None:
    with pytest.raises(FormatError, match=f"file.pt is no MotionPro checkpoint.*{kind}"):
        split_checkpoint({name: torch.zeros(1)}, "file.pt")
    with pytest.raises(FormatError, match="no weights at all"):
        split_checkpoint({}, "file.pt")
