"""LoRA of the base in every layout: the same sum, which a plain product confirms; else refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from motion_core.errors import FormatError
from motion_core.models.sd15.lora import TEXT, UNET, LoraFile, with_loras

from ..animatediff.originals import values

Q = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
OUT = "up_blocks.1.attentions.2.transformer_blocks.0.attn2.to_out.0"
CONV = "mid_block.resnets.1.conv2"
ENTRY = "down_blocks.0.attentions.0.proj_in"
MOVES = "up_blocks.1.motion_modules.0.transformer_blocks.0.attn2.to_k"
WORDS = "encoder.layers.0.self_attn.q_proj"
SHAPES = {Q: (6, 5), OUT: (4, 6), CONV: (4, 3, 3, 3), ENTRY: (6, 4, 1, 1), MOVES: (5, 5)}
RANK = 2
# Where a layer's halves are called, by layout.
KOHYA = (".lora_down.weight", ".lora_up.weight")
PEFT = (".lora_A.weight", ".lora_B.weight")
NAMED = (".lora_A.default.weight", ".lora_B.default.weight")
LINEAR = (".lora.down.weight", ".lora.up.weight")
OLD = ("_lora.down.weight", "_lora.up.weight")


def base() -> dict[str, dict[str, Tensor]]:
    unet = {f"{name}.weight": values(name, shape).float() for name, shape in SHAPES.items()}
    # A norm has a weight that no LoRA updates.
    unet["conv_norm_out.weight"] = torch.ones(4)
    return {UNET: unet, TEXT: {f"{WORDS}.weight": values(WORDS, (3, 3)).float()}}


def pair(layer: str) -> tuple[Tensor, Tensor]:
    shape = SHAPES.get(layer, (3, 3))
    down = values(f"{layer} down", (RANK, *shape[1:])).float()
    up = values(f"{layer} up", (shape[0], RANK, *(1 for _ in shape[2:]))).float()
    return down, up


def saved(folder: Path, layers: dict[str, tuple[str, tuple[str, str]]], **more: Tensor) -> Path:
    """A file of {layer: (its name there, its halves' names)}."""
    tensors = dict(more)
    for layer, (name, halves) in layers.items():
        for half, tensor in zip(halves, pair(layer), strict=True):
            tensors[name + half] = tensor
    save_file(tensors, folder / "lora.safetensors")
    return folder / "lora.safetensors"


def kohya(layer: str) -> str:
    return f"lora_unet_{layer.replace('.', '_')}"


LAYOUTS: dict[str, dict[str, tuple[str, tuple[str, str]]]] = {
    "kohya": {
        **{layer: (kohya(layer), KOHYA) for layer in (Q, OUT, CONV, ENTRY)},
        WORDS: ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", KOHYA),
    },
    "kohya, two text encoders": {
        Q: (kohya(Q), KOHYA),
        WORDS: ("lora_te1_text_model_encoder_layers_0_self_attn_q_proj", KOHYA),
    },
    "peft": {
        **{layer: (f"unet.{layer}", PEFT) for layer in (Q, OUT, CONV, ENTRY)},
        WORDS: (f"text_encoder.text_model.{WORDS}", PEFT),
    },
    "peft, saved whole": {Q: (f"base_model.model.{Q}", NAMED), CONV: (CONV, NAMED)},
    "diffusers": {Q: (f"unet.{Q}", LINEAR), OUT: (f"unet.{OUT}", LINEAR)},
    "diffusers, old": {
        Q: (f"unet.{Q.replace('to_q', 'processor.to_q')}", OLD),
        OUT: (f"unet.{OUT.replace('to_out.0', 'processor.to_out')}", OLD),
        WORDS: ("text_encoder.text_model.encoder.layers.0.self_attn.to_q", OLD),
    },
    "v3_sd15_adapter": {Q: (Q.replace("to_q", "processor.to_q"), OLD)},
    "v2_lora_PanLeft": {
        MOVES: (
            "up_blocks.1.motion_modules.0.temporal_transformer.transformer_blocks.0"
            ".attention_blocks.1.processor.to_k",
            OLD,
        )
    },
}


def dense(weight: Tensor, layer: str, scale: float) -> Tensor:
    """The sum, entry by entry."""
    down, up = (half.double() for half in pair(layer))
    return weight.double() + scale * torch.einsum("or,ri->oi", up.flatten(1), down.flatten(1)).view(
        weight.shape
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_adds_the_product_and_leaves_the_base(layout: str, tmp_path: Path) -> None:
    layers, given = LAYOUTS[layout], base()
    found = with_loras(given, [LoraFile(saved(tmp_path, layers), 0.5)])
    for part, weights in base().items():
        for name, weight in weights.items():
            assert torch.equal(given[part][name], weight)
            layer = name.removesuffix(".weight")
            wanted = dense(weight, layer, 0.5).float() if layer in layers else weight
            torch.testing.assert_close(found[part][name], wanted, rtol=0, atol=1e-6)


def test_alpha_over_rank_scales_and_files_add_up(tmp_path: Path) -> None:
    alpha = {f"{kohya(Q)}.alpha": torch.tensor(8.0)}
    file = saved(tmp_path, {Q: (kohya(Q), KOHYA)}, **alpha)
    loras = [LoraFile(file, 0.25), LoraFile(file, -1.0)]
    weight = base()[UNET][f"{Q}.weight"]
    for count, scale in ((1, 0.25 * 8 / RANK), (2, -0.75 * 8 / RANK)):
        found = with_loras(base(), loras[:count])[UNET][f"{Q}.weight"]
        torch.testing.assert_close(found, dense(weight, Q, scale).float(), rtol=0, atol=1e-5)


def test_half_precision_is_summed_in_float32(tmp_path: Path) -> None:
    parts: Any = {UNET: {n: v.bfloat16() for n, v in base()[UNET].items()}, TEXT: {}}
    file = saved(tmp_path, {Q: (f"unet.{Q}", PEFT)})
    found = with_loras(parts, [LoraFile(file)])[UNET][f"{Q}.weight"]
    wanted = dense(parts[UNET][f"{Q}.weight"], Q, 1.0)
    assert found.dtype == torch.bfloat16 and torch.equal(found, wanted.float().bfloat16())


def test_what_fits_nothing_is_refused_with_the_first_ten(tmp_path: Path) -> None:
    def fault(layers: dict[str, tuple[str, tuple[str, str]]], **more: Tensor) -> str:
        with pytest.raises(FormatError) as caught:
            with_loras(base(), [LoraFile(saved(tmp_path, layers, **more))])
        return str(caught.value)

    one = torch.zeros(1)
    fits: dict[str, tuple[str, tuple[str, str]]] = {Q: (kohya(Q), KOHYA)}
    listed = fault(
        fits, **{f"lora_unet_input_blocks_{n}.lora_down.weight": one.clone() for n in range(13)}
    )
    assert "13 keys fit no layer of Stable Diffusion 1.5" in listed and "and 3 more" in listed
    assert listed.count("lora_unet_input_blocks_") == 10
    for other in ("hada_w1_a", "dora_scale", "lora_mid.weight"):
        assert f"1 keys fit no layer of Stable Diffusion 1.5 ({kohya(Q)}.{other})" in fault(
            fits, **{f"{kohya(Q)}.{other}": one}
        )
    assert "1 LoRA halves alone" in fault(fits, **{f"{kohya(CONV)}.lora_up.weight": one})
    swapped = {Q: (kohya(CONV), KOHYA)}
    assert "1 keys are of another shape" in fault(swapped)
    many = {f"{kohya(Q)}.alpha": torch.ones(2)}
    assert f"1 keys fit no layer of Stable Diffusion 1.5 ({kohya(Q)}.alpha)" in fault(fits, **many)
    assert "lora.safetensors holds no weights" in fault({})
    layers = {WORDS: ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", KOHYA)}
    with pytest.raises(FormatError, match="2 keys fit no layer"):
        with_loras({UNET: base()[UNET]}, [LoraFile(saved(tmp_path, layers))])
    with pytest.raises(FileNotFoundError, match="gone"):
        with_loras(base(), [LoraFile(tmp_path / "gone.safetensors")])
