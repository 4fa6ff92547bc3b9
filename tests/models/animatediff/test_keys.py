"""Every weight of the released checkpoints has one place, of its shape, and every place a weight.

unet_keys.txt and flow_keys.txt list the released names; the picture's network differs from the
flow's in what it reads alone. In the flow's file every updated layer X is X.base_layer, X.lora_A
and X.lora_B.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from motion_core.errors import FormatError, ShapeError
from motion_core.models.animatediff.checkpoint import build_branch, build_unet
from motion_core.models.image_conductor.checkpoint import kind_of, split_checkpoint
from motion_core.models.lora import LoraWeights
from motion_core.models.sd15.motion_module_keys import COPIED, diffusers_key

from .originals import Shapes, released, tiny, tiny_with_lora, updated, with_lora

RANK = 64


def without_memory(shapes: Shapes) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def test_all_keys_of_the_unet_map_one_to_one_with_equal_shapes() -> None:
    weights = without_memory(released("unet"))
    parts = split_checkpoint(weights, "unet", "unet.ckpt")
    copies = [name for name in weights if name.endswith(COPIED)]
    assert len(weights) == 1246 and len(copies) == 20
    assert len(parts.weights) == 1226 and not parts.lora
    # Raises on any name or shape that differs on either side.
    unet = build_unet(parts, "unet.ckpt")
    assert unet.config.block_out_channels == (320, 640, 1280, 1280)
    assert unet.config.cross_attention_dim == 768
    assert len(unet.state_dict()) == 1226


@pytest.mark.parametrize("kind", ["flow", "image"])
@pytest.mark.parametrize("wrapper", ["", "module."])
def test_all_keys_of_a_control_network_map_one_to_one(kind: str, wrapper: str) -> None:
    weights = {wrapper + k: v for k, v in without_memory(released(kind)).items()}
    assert len(weights) == 486
    parts = split_checkpoint(weights, kind, f"{kind}.ckpt")
    assert len(parts.weights) == 486
    branch, lora = build_branch(parts, f"{kind}.ckpt")
    assert len(branch.state_dict()) == 486 and not lora


def test_all_keys_of_the_flow_network_with_its_lora_map() -> None:
    weights = without_memory(with_lora(released("flow"), RANK))
    parts = split_checkpoint(weights, "flow", "flow_controlnet.ckpt")
    branch, lora = build_branch(parts, "flow_controlnet.ckpt")
    assert len(branch.state_dict()) == 486
    assert lora.keys() == {"object", "camera"}
    for update in lora.values():
        assert len(update.names) == len(updated(released("flow")))
        merged = update.merged(branch)
        assert all(merged[name].shape == parts.weights[name].shape for name in merged)


def test_names_outside_motion_modules_stay() -> None:
    for name in released("unet"):
        assert (diffusers_key(name) == name) == ("temporal_transformer" not in name)


def test_missing_foreign_and_misshapen_keys_are_listed_ten_at_most() -> None:
    weights = tiny("flow")
    for name in [name for name in weights if ".attn1.to_q." in name][:6]:
        del weights[name]
    for name in [name for name in weights if ".attn2.to_q." in name][:6]:
        del weights[name]
    weights["down_blocks.9.x"] = torch.zeros(1)
    weights["conv_in.bias"] = torch.zeros(3)
    del weights["down_blocks.9.x"]
    weights["added.weight"] = torch.zeros(1)
    with pytest.raises(FormatError) as caught:
        build_branch(split_checkpoint(weights, "flow", "flow.ckpt"), "flow.ckpt")
    message = str(caught.value)
    assert message.startswith("flow.ckpt does not fit the model: 12 missing (down_blocks.0.")
    assert message.count(".to_q.weight") == 10 and "and 2 more" in message
    assert "1 too many (added.weight)" in message
    assert "conv_in.bias (3,) instead of (32,)" in message


def test_weights_that_name_no_network_at_all_are_refused() -> None:
    weights = {name: value for name, value in tiny("unet").items() if "down_blocks" not in name}
    with pytest.raises(FormatError, match="unet.ckpt lacks weights of the network"):
        build_unet(split_checkpoint(weights, "unet", "unet.ckpt"), "unet.ckpt")


def test_half_a_lora_and_a_lora_of_nothing_are_refused() -> None:
    weights = tiny_with_lora()
    del weights["conv_in.lora_A.omcm_weights.weight"]
    with pytest.raises(FormatError, match=r"1 LoRA halves alone \(conv_in.weight\)"):
        split_checkpoint(weights, "flow", "flow.ckpt")
    weights = tiny_with_lora()
    weights["new.lora_A.omcm_weights.weight"] = torch.zeros(2, 3)
    weights["new.lora_B.omcm_weights.weight"] = torch.zeros(3, 2)
    with pytest.raises(FormatError, match=r"1 LoRA that fit no layer \(new.weight\)"):
        build_branch(split_checkpoint(weights, "flow", "flow.ckpt"), "flow.ckpt")
    weights = tiny_with_lora()
    weights["conv_in.lora_A.omcm_weights.weight"] = torch.zeros(3, 5, 3, 3)
    with pytest.raises(FormatError, match=r"1 LoRA that fit no layer \(conv_in.weight\)"):
        build_branch(split_checkpoint(weights, "flow", "flow.ckpt"), "flow.ckpt")
    weights = tiny("unet")
    weights["conv_in.lora_A.mine.weight"] = torch.zeros(3, 4, 3, 3)
    with pytest.raises(FormatError, match=r"has LoRA \(mine\), which are not read"):
        split_checkpoint(weights, "unet", "unet.ckpt")


def test_encoders_of_positions_must_be_copies() -> None:
    weights = tiny("unet")
    name = next(name for name in weights if name.endswith(COPIED))
    weights[name] = weights[name] + 1
    with pytest.raises(FormatError, match="1 positional encodings differ from their twin"):
        split_checkpoint(weights, "unet", "unet.ckpt")


def test_the_kind_is_recognised_by_weights_and_another_family_is_refused() -> None:
    kinds = ("unet", "flow", "image")
    for kind in kinds:
        weights = without_memory(released(kind))
        assert kind_of(weights) == kind
        for other in kinds:
            if other != kind:
                with pytest.raises(FormatError, match=f"x.ckpt is not .* {other} .*{kind} network"):
                    split_checkpoint(weights, other, "x.ckpt")
    foreign = {"blocks.0.self_attn.q.weight": torch.zeros(1)}
    assert kind_of(foreign) is kind_of({}) is None
    with pytest.raises(FormatError, match="blocks.0.self_attn.q.weight. Choose unet.ckpt"):
        split_checkpoint(foreign, "unet", "wan.safetensors")
    with pytest.raises(FormatError, match="no weights at all"):
        split_checkpoint({}, "flow", "empty.ckpt")


@pytest.mark.parametrize(
    ("down", "up"),
    [((2, 3), (4, 3)), ((2, 3, 3, 3), (4, 2)), ((2, 3, 3, 3), (4, 2, 3, 3)), ((2,), (4,))],
)
def test_lora_that_does_not_fit_is_refused(down: tuple[int, ...], up: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="the LoRA of x.weight must be"):
        LoraWeights({"x.weight": (torch.zeros(down), torch.zeros(up))})


def test_lora_of_another_model_is_refused() -> None:
    network = torch.nn.ModuleDict({"x": torch.nn.Linear(3, 5)})
    for name, message in (("x.weight", r"has \(5, 3\)"), ("y.weight", "has no such layer")):
        lora = LoraWeights({name: (torch.zeros(2, 3), torch.zeros(4, 2))})
        with pytest.raises(ShapeError, match=message):
            lora.merged(network)
