"""Stable Diffusion 1.5 and motion modules as files: the names of single files are written down here
a second time, the other way round."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor

from .originals import WORDS, tiny

_RESIDUAL = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_TOP = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_MIDDLE = {"resnets.0": "0", "attentions.0": "1", "resnets.1": "2"}


def original_unet(name: str) -> str:
    """A weight of UNet2DConditionModel as the original release calls it."""
    layer, _, kind = name.rpartition(".")
    if layer in _TOP:
        return f"{_TOP[layer]}.{kind}"
    side, rest = name.split(".", 1)
    if side == "mid_block":
        part, _, inner = rest.partition(".")
        number, _, inner = inner.partition(".")
        return f"middle_block.{_MIDDLE[f'{part}.{number}']}.{_inner(part, inner)}"
    level, part, number, inner = rest.split(".", 3)
    down = side == "down_blocks"
    if part == "downsamplers":
        return f"input_blocks.{3 * int(level) + 3}.0.op.{kind}"
    if part == "upsamplers":
        # The first level of the way up has no attention before it.
        return f"output_blocks.{3 * int(level) + 2}.{1 if level == '0' else 2}.conv.{kind}"
    block = 3 * int(level) + int(number) + down
    place = 0 if part == "resnets" else 1
    return f"{'input' if down else 'output'}_blocks.{block}.{place}.{_inner(part, inner)}"


def _inner(part: str, inner: str) -> str:
    layer, _, kind = inner.rpartition(".")
    return f"{_RESIDUAL[layer]}.{kind}" if part == "resnets" else inner


def original_vae(name: str, levels: int = 4) -> str:
    """A weight of AutoencoderKL, likewise."""

    def up(found: re.Match[str]) -> str:
        return f"up.{levels - 1 - int(found[1])}."

    steps: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
        (r"down_blocks\.", "down."),
        (r"up_blocks\.(\d)\.", up),
        (r"mid_block\.resnets\.0", "mid.block_1"),
        (r"mid_block\.resnets\.1", "mid.block_2"),
        (r"mid_block\.attentions\.0", "mid.attn_1"),
        (r"resnets\.", "block."),
        (r"(down|up)samplers\.0", r"\1sample"),
        (r"conv_shortcut", "nin_shortcut"),
        (r"conv_norm_out", "norm_out"),
        (r"group_norm", "norm"),
        (r"attn_1\.to_out\.0", "attn_1.proj_out"),
        (r"attn_1\.to_([qkv])", r"attn_1.\1"),
    )
    for pattern, place in steps:
        name = re.sub(pattern, place, name)
    return name


def single_file(
    unet: Mapping[str, Tensor], vae: Mapping[str, Tensor], clip: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """A checkpoint as people share it: three networks, and an encoder's table of positions."""
    made = {f"model.diffusion_model.{original_unet(name)}": one for name, one in unet.items()}
    for name, tensor in vae.items():
        # The attention's layers are convolutions there.
        flat = ".attentions." in name and tensor.ndim == 2
        made[f"first_stage_model.{original_vae(name)}"] = (
            tensor[:, :, None, None].clone() if flat else tensor
        )
    text = "cond_stage_model.transformer.text_model."
    made |= {text + name.removeprefix("text_model."): one for name, one in clip.items()}
    return made | {f"{text}embeddings.position_ids": torch.arange(77)[None]}


@cache
def _unet() -> dict[str, Tensor]:
    return tiny("unet", torch.float32)


def spatial() -> dict[str, Tensor]:
    """The small U-Net without motion modules, under diffusers' names."""
    return {name: one for name, one in _unet().items() if ".motion_modules." not in name}


def motion(middle: bool = False) -> dict[str, Tensor]:
    """Its motion modules as released: of version 3, or of version 2 with one in the middle."""
    found = {name: one for name, one in _unet().items() if ".motion_modules." in name}
    last = "down_blocks.3.motion_modules.0."
    of_last = {name: one for name, one in found.items() if name.startswith(last)}
    moved = {name.replace(last, "mid_block.motion_modules.0."): v for name, v in of_last.items()}
    return found | (moved if middle else {})


@cache
def clip() -> Any:
    """CLIP with one head, as its width tells."""
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = CLIPTextConfig(
            vocab_size=600,
            hidden_size=WORDS,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=1,
            bos_token_id=0,
            eos_token_id=1,
        )
        return CLIPTextModel(config).eval()
