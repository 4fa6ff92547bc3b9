"""A whole MotionPro, small: real classes of diffusers and transformers, weights from a seed."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from motion_core.geometry import Size
from motion_core.models.svd.checkpoint import build, split_checkpoint
from motion_core.models.svd.network import MotionPro
from motion_core.models.svd.settings import SvdSettings
from motion_core.tracks.model import Tracks, make_tracks

from .originals import HEAD, TINY, tiny_checkpoint

SIZE = Size(64, 64)
FRAMES = 3
SETTINGS = SvdSettings(frames=FRAMES, decode_at_once=2)


@cache
def tiny_vae() -> Any:
    from diffusers.models.autoencoders.autoencoder_kl_temporal_decoder import (
        AutoencoderKLTemporalDecoder,
    )

    torch.manual_seed(1)
    return AutoencoderKLTemporalDecoder(
        down_block_types=("DownEncoderBlock2D",) * 4,
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=1,
    ).eval()


@cache
def tiny_clip() -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(2)
    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        projection_dim=int(TINY["cross_attention_dim"]),  # type: ignore[call-overload]
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
    )
    return CLIPVisionModelWithProjection(config).eval()


@cache
def tiny_network() -> MotionPro:
    weights = tiny_checkpoint(lora=True, dtype=torch.float32)
    unet, adapter, lora = build(split_checkpoint(weights, "tiny"), "tiny", HEAD)
    return MotionPro(unet, tiny_vae(), tiny_clip(), adapter, lora).eval().requires_grad_(False)


def picture() -> torch.Tensor:
    return torch.rand(SIZE.height, SIZE.width, 3, generator=torch.Generator().manual_seed(3))


def drags(points: int = 2, frames: int = FRAMES) -> Tracks:
    start = torch.tensor([[20.5, 20.5], [44.5, 40.5], [12.5, 50.5]])[:points]
    way = torch.linspace(0, 1, frames)[:, None, None] * torch.tensor([9.0, -6.0])
    return make_tracks(start + way, SIZE)
