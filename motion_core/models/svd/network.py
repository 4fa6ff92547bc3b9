"""All networks of a MotionPro run in one module."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..lora import LoraWeights
from .adapter import MotionAdapter


class MotionPro(nn.Module):
    """All weights of a run: diffusers' U-Net and temporal autoencoder, transformers' CLIP vision
    model with projection, and MotionPro's own."""

    def __init__(
        self, unet: Any, vae: Any, image_encoder: Any, adapter: MotionAdapter, lora: LoraWeights
    ) -> None:
        super().__init__()
        self.unet, self.vae, self.image_encoder = unet, vae, image_encoder
        self.adapter, self.lora = adapter, lora
