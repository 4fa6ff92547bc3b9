"""Diffusers' U-Net of Stable Video Diffusion, built from the shapes of a checkpoint's weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...weights_io import count_layers

# Stable Video Diffusion normalises its residual blocks with it; diffusers takes 1e-6 in some.
EPS = 1e-5
HEAD_CHANNELS = 64
TIME_IDS = 3


def unet_config(
    weights: Mapping[str, Tensor], head_channels: int = HEAD_CHANNELS
) -> dict[str, Any]:
    """Arguments of UNetSpatioTemporalConditionModel, from its weights under diffusers' names.

    Args:
        weights: By name.
        head_channels: Per attention head, which no weight shows.

    Raises:
        KeyError: A weight that is read is missing.
        IndexError: A weight lacks a dimension.
        ValueError: Widths are not divisible by the heads.
    """
    levels = count_layers(weights, "down_blocks.")
    widths = tuple(
        weights[f"down_blocks.{level}.resnets.0.spatial_res_block.conv1.bias"].shape[0]
        for level in range(levels)
    )
    if any(width % head_channels for width in widths):
        raise ValueError(f"levels of {widths} channels do not divide by heads of {head_channels}")
    attends = [f"down_blocks.{level}.attentions.0.norm.bias" in weights for level in range(levels)]
    context = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    ids = weights["add_embedding.linear_1.weight"].shape[1]
    down = tuple(f"{'CrossAttn' * has}DownBlockSpatioTemporal" for has in attends)
    up = tuple(f"{'CrossAttn' * has}UpBlockSpatioTemporal" for has in reversed(attends))
    return {
        "in_channels": weights["conv_in.weight"].shape[1],
        "out_channels": weights["conv_out.bias"].shape[0],
        "down_block_types": down,
        "up_block_types": up,
        "block_out_channels": widths,
        "addition_time_embed_dim": ids // TIME_IDS,
        "projection_class_embeddings_input_dim": ids,
        "cross_attention_dim": weights[context].shape[1],
        "num_attention_heads": tuple(width // head_channels for width in widths),
    }


def empty_unet(config: Mapping[str, Any]) -> Any:
    """A U-Net of that configuration without memory for its weights, to be loaded by assignment."""
    from diffusers.models.unets.unet_spatio_temporal_condition import (
        UNetSpatioTemporalConditionModel,
    )

    with torch.device("meta"):
        unet = UNetSpatioTemporalConditionModel(**config)
    normalise_as_trained(unet)
    return unet.eval().requires_grad_(False)


def normalise_as_trained(unet: Any) -> None:
    """Gives the residual blocks of a U-Net of diffusers the epsilon that they were trained with."""
    for name, module in unet.named_modules():
        if isinstance(module, nn.GroupNorm) and "_res_block." in name:
            module.eps = EPS
