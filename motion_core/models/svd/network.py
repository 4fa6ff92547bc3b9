"""All networks of a run of Stable Video Diffusion in one module."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..lora import LoraWeights
from .adapter import MotionAdapter


class SvdNetworks(nn.Module):
    """Diffusers' U-Net and temporal autoencoder, and transformers' CLIP vision model with
    projection."""

    def __init__(self, unet: Any, vae: Any, image_encoder: Any) -> None:
        super().__init__()
        self.unet, self.vae, self.image_encoder = unet, vae, image_encoder


class MotionPro(SvdNetworks):
    """These networks and MotionPro's own."""

    def __init__(
        self, unet: Any, vae: Any, image_encoder: Any, adapter: MotionAdapter, lora: LoraWeights
    ) -> None:
        super().__init__(unet, vae, image_encoder)
        self.adapter, self.lora = adapter, lora


def with_adapter(networks: SvdNetworks, adapter: MotionAdapter) -> MotionPro:
    """Networks under an adapter that was trained without a LoRA."""
    parts = (networks.unet, networks.vae, networks.image_encoder)
    return MotionPro(*parts, adapter, LoraWeights({}))
