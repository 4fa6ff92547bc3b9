"""A whole AnimateDiff with Image Conductor, small: real classes, weights from a recipe or seed."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch

from motion_core.geometry import Size
from motion_core.models.animatediff.checkpoint import build_branch, build_unet
from motion_core.models.animatediff.family import AnimateDiff
from motion_core.models.image_conductor.checkpoint import split_checkpoint
from motion_core.models.image_conductor.control import FlowNetwork
from motion_core.tracks.model import Tracks, make_tracks

from .originals import WORDS, tiny, tiny_with_lora

# 9 cells a side cannot be halved three times: diffusers has to make sizes meet.
SIZE = Size(72, 64)
FRAMES = 3


@cache
def tiny_vae() -> Any:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    with torch.random.fork_rng():
        torch.manual_seed(1)
        return AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(32, 32, 32, 32),
            layers_per_block=1,
            scaling_factor=0.18215,
        ).eval()


@cache
def tiny_clip() -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    with torch.random.fork_rng():
        torch.manual_seed(2)
        config = CLIPTextConfig(
            vocab_size=600,
            hidden_size=WORDS,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=0,
            eos_token_id=1,
        )
        return CLIPTextModel(config).eval()


def save_tokenizer(folder: Path) -> None:
    """A tokenizer that knows single letters, in CLIP's layout."""
    import json

    folder.mkdir()
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{x}</w>" for x in letters)]
    vocabulary = {word: index for index, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "CLIPTokenizer",
                "model_max_length": 77,
                "bos_token": "<|startoftext|>",
                "eos_token": "<|endoftext|>",
                "unk_token": "<|endoftext|>",
                "pad_token": "<|endoftext|>",
            }
        )
    )


@cache
def tiny_base() -> AnimateDiff:
    unet = build_unet(split_checkpoint(tiny("unet", torch.float32), "unet", "tiny"), "tiny")
    image, _ = build_branch(split_checkpoint(tiny("image", torch.float32), "image", "tiny"), "tiny")
    return AnimateDiff(unet, tiny_vae(), image).eval().requires_grad_(False)


@cache
def tiny_conductor() -> FlowNetwork:
    parts = split_checkpoint(tiny_with_lora(torch.float32), "flow", "tiny")
    return FlowNetwork(*build_branch(parts, "tiny")).eval().requires_grad_(False)


@cache
def picture() -> torch.Tensor:
    return torch.rand(SIZE.height, SIZE.width, 3, generator=torch.Generator().manual_seed(3))


def drags(points: int = 2, frames: int = FRAMES) -> Tracks:
    start = torch.tensor([[20.5, 20.5], [44.5, 40.5], [12.5, 50.5]])[:points]
    way = torch.linspace(0, 1, frames)[:, None, None] * torch.tensor([9.0, -6.0])
    return make_tracks(start + way, SIZE)
