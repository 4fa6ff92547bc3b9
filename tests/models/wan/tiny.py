"""Wan's real classes with random weights, small enough for a test."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from motion_core.geometry import Size
from motion_core.models.protocols import GenerationRequest
from motion_core.models.wan.family import released_scheduler
from motion_core.models.wan.parts import WanParts
from motion_core.tracks import Tracks, make_tracks

SIDE, FRAMES = 32, 5
LATENT = 4


def transformer(image_dim: int | None = None, layers: int = 3, seed: int = 0) -> Any:
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return WanTransformer3DModel(
            patch_size=(1, 2, 2),
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=2 * LATENT + 4,
            out_channels=LATENT,
            text_dim=16,
            freq_dim=32,
            ffn_dim=32,
            num_layers=layers,
            cross_attn_norm=True,
            image_dim=image_dim,
            added_kv_proj_dim=None if image_dim is None else 24,
            rope_max_seq_len=32,
        ).eval()


def vae(seed: int = 1) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return AutoencoderKLWan(
            base_dim=4,
            z_dim=LATENT,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            latents_mean=[0.1, -0.2, 0.0, 0.3],
            latents_std=[1.5, 2.0, 1.0, 0.5],
        ).eval()


def clip(seed: int = 2) -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModel

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return CLIPVisionModel(
            CLIPVisionConfig(
                hidden_size=8,
                intermediate_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                image_size=32,
                patch_size=16,
            )
        ).eval()


class Letters:
    """Text that is read letter by letter: enough to tell prompts apart."""

    def encode(self, prompt: str) -> Tensor:
        read = torch.zeros(1, 512, 16)
        for place, letter in enumerate(prompt[:512]):
            read[0, place, ord(letter) % 16] = 3.0
        return read


def parts(text: Any = None) -> WanParts:
    return WanParts(transformer(), vae(), released_scheduler(), text)


def picture(side: int = SIDE, width: int | None = None) -> Tensor:
    return torch.tensor(
        np.random.default_rng(7).random((side, width or side, 3)), dtype=torch.float32
    )


def request(**changes: Any) -> GenerationRequest:
    return GenerationRequest(**{"image": picture(), "frames": FRAMES, **changes})


def tracks(frames: int = FRAMES, points: int = 5) -> Tracks:
    """Points that all move to the right and start in different cells."""
    start = torch.tensor([[3.0 + 5 * n, 4.0 + 5 * n] for n in range(points)])
    moved = torch.stack([torch.arange(frames) * 1.5, torch.zeros(frames)], -1)
    return make_tracks(start[None] + moved[:, None], Size(SIDE, SIDE))
