"""Weights under the names of the released checkpoints, small, from a recipe that needs no
generator: the same numbers on every machine and under every version of torch."""

from __future__ import annotations

import math
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from motion_core.models.animatediff.unet import empty_control, empty_unet
from motion_core.models.sd15.motion_module_keys import COPIED, KEPT, diffusers_key

WIDTHS = (32, 64, 32, 32)
WORDS = 24
RANK = 3
POSITIONS = 32
CONTROL = {"flow": 128, "image": 5}
Shapes = dict[str, tuple[int, ...]]


def recipe(name: str, shape: tuple[int, ...]) -> Tensor:
    """A weight of that name: waves of growing pitch, scaled by what feeds an output. Copies of an
    encoder of positions come out equal."""
    name = name.replace(COPIED, KEPT)
    count = torch.arange(math.prod(shape), dtype=torch.float64)
    wave = torch.cos((count * count) % 65521 * 0.7 + zlib.crc32(name.encode()) % 1000).view(shape)
    if name.endswith(".pe"):
        return wave
    if len(shape) > 1:
        return wave / math.prod(shape[1:]) ** 0.5
    return (1.0 if name.endswith("weight") else 0.0) + 0.2 * wave


def values(name: str, shape: tuple[int, ...]) -> Tensor:
    """The same waves of height 1."""
    return recipe(f"{name}.pe", shape)


@cache
def released(kind: str) -> Shapes:
    """Name -> shape of every weight of a released network: "unet", "flow" or "image", the last two
    with their LoRA merged. Both control networks are the same but for what they read."""
    file = "unet_keys.txt" if kind == "unet" else "flow_keys.txt"
    lines = (Path(__file__).parent / file).read_text().splitlines()
    shapes = {}
    for line in lines:
        name, shape = line.split(" ", 1)
        shapes[name] = tuple(map(int, shape.strip("()").rstrip(",").split(",")))
    if kind == "image":
        shapes["controlnet_cond_embedding.weight"] = (320, CONTROL["image"], 3, 3)
    return shapes


@cache
def tiny_shapes(kind: str) -> Shapes:
    """Name -> shape of the same network, small."""
    config: dict[str, Any] = {"block_out_channels": WIDTHS, "cross_attention_dim": WORDS}
    if kind == "unet":
        known = empty_unet(config | {"use_motion_mid_block": False}).state_dict()
    else:
        extra = {"conditioning_channels": CONTROL[kind], "concat_conditioning_mask": False}
        known = empty_control(config | extra).state_dict()
    places = {name: diffusers_key(name.replace(COPIED, KEPT)) for name in released(kind)}
    return {name: tuple(known[place].shape) for name, place in places.items()}


def tiny(kind: str, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """A small checkpoint under released names, without LoRA."""
    return {name: recipe(name, shape).to(dtype) for name, shape in tiny_shapes(kind).items()}


# Layers that the released LoRA updates, by the end of their name.
_UPDATED = (
    *("to_q", "to_k", "to_v", "to_out.0", "conv", "proj", "proj_in", "proj_out"),
    *("time_emb_proj", "linear_1", "linear_2", "ff.net.2", "conv_shortcut"),
    *("controlnet_cond_embedding", "conv_in", "conv1", "conv2", "controlnet_mid_block"),
    *(f"controlnet_down_blocks.{i}" for i in range(12)),
)


def updated(shapes: Shapes) -> list[str]:
    """Layers of the flow network that have a LoRA."""
    layers = [name[: -len(".weight")] for name, shape in shapes.items() if len(shape) > 1]
    return [
        layer
        for layer in layers
        if any(layer == end or layer.endswith(f".{end}") for end in _UPDATED)
    ]


def with_lora(shapes: Shapes, rank: int) -> Shapes:
    """The names and shapes of the flow network as released: every updated layer wrapped."""
    layers = set(updated(shapes))
    wrapped: Shapes = {}
    for name, shape in shapes.items():
        layer, _, kind = name.rpartition(".")
        if layer not in layers:
            wrapped[name] = shape
            continue
        wrapped[f"{layer}.base_layer.{kind}"] = shape
        if kind == "weight":
            for adapter in ("omcm_weights", "cmcm_weights"):
                wrapped[f"{layer}.lora_A.{adapter}.weight"] = (rank, *shape[1:])
                wrapped[f"{layer}.lora_B.{adapter}.weight"] = (shape[0], rank) + (1, 1) * (
                    len(shape) == 4
                )
    return wrapped


def tiny_with_lora(dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """A small flow checkpoint as released, base and two LoRA."""
    shapes = with_lora(tiny_shapes("flow"), RANK)
    return {
        name: recipe(name.replace(".base_layer.", "."), shape).to(dtype)
        for name, shape in shapes.items()
    }
