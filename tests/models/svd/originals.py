"""Weights under the names of the released checkpoints, small, from a recipe that needs no
generator: the same numbers on every machine and under every version of torch."""

from __future__ import annotations

import math
import zlib
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from motion_core.models.svd.adapter import MotionAdapter
from motion_core.models.svd.keys import adapter_key, unet_key
from motion_core.models.svd.unet import empty_unet

HEAD = 16
RANK = 4
WIDTHS = (32, 96, 64, 64)
TINY = {
    "block_out_channels": WIDTHS,
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 24,
    "cross_attention_dim": 24,
    "num_attention_heads": tuple(width // HEAD for width in WIDTHS),
}
WRAPPED = "module.model.diffusion_model."


def recipe(name: str, shape: tuple[int, ...]) -> Tensor:
    """A weight of that name: waves of growing pitch, scaled by what feeds an output."""
    count = torch.arange(math.prod(shape), dtype=torch.float64)
    wave = torch.cos((count * count) % 65521 * 0.9 + zlib.crc32(name.encode()) % 1000).view(shape)
    if len(shape) > 1:
        return wave / math.prod(shape[1:]) ** 0.5
    return (1.0 if name.endswith("weight") else 0.0) + 0.2 * wave


def values(name: str, shape: tuple[int, ...]) -> Tensor:
    """The same waves of height 1."""
    return recipe(name, shape) * math.prod(shape[1:]) ** 0.5


@cache
def released() -> dict[str, tuple[int, ...]]:
    """Name -> shape of every weight of the released U-Net, its LoRA merged."""
    lines = (Path(__file__).parent / "keys.txt").read_text().splitlines()
    pairs = (line.split(" ", 1) for line in lines)
    return {
        name: tuple(map(int, shape.strip("()").rstrip(",").split(","))) for name, shape in pairs
    }


@cache
def tiny_shapes(widths: tuple[int, ...] = WIDTHS, head: int = HEAD) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the same U-Net, small."""
    heads = tuple(width // head for width in widths)
    config = TINY | {"block_out_channels": widths, "num_attention_heads": heads}
    known = dict(empty_unet(config).state_dict())
    with torch.device("meta"):
        known |= MotionAdapter(widths).state_dict()
    places = {name: adapter_key(name) or unet_key(name) for name in released()}
    return {name: tuple(known[place].shape) for name, place in places.items() if place is not None}


def with_lora(shapes: dict[str, tuple[int, ...]], rank: int) -> dict[str, tuple[int, ...]]:
    """The same weights with every linear layer wrapped by its LoRA, as released."""
    linear = {name[: -len(".weight")] for name, shape in shapes.items() if len(shape) == 2}
    wrapped: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        layer, _, kind = name.rpartition(".")
        if layer not in linear:
            wrapped[name] = shape
            continue
        wrapped[f"{layer}.linear.{kind}"] = shape
        if kind == "weight":
            wrapped[f"{layer}.lora_down.weight"] = (rank, shape[1])
            wrapped[f"{layer}.lora_up.weight"] = (shape[0], rank)
    return wrapped


def tiny_checkpoint(
    *,
    lora: bool,
    dtype: torch.dtype = torch.float64,
    widths: tuple[int, ...] = WIDTHS,
    head: int = HEAD,
) -> dict[str, Tensor]:
    """A small checkpoint under the names that DeepSpeed gave the released ones."""
    weights = _weights(lora, widths, head)
    return {WRAPPED + name: weight.to(dtype) for name, weight in weights.items()}


@cache
def _weights(lora: bool, widths: tuple[int, ...], head: int) -> dict[str, Tensor]:
    shapes = tiny_shapes(widths, head)
    shapes = with_lora(shapes, RANK) if lora else shapes
    return {name: recipe(f"model.diffusion_model.{name}", shape) for name, shape in shapes.items()}
