"""Diffusers' networks of AnimateDiff, configured from their weights and normalised as trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ...weights_io import count_layers

# Of every attention in Stable Diffusion 1.5 and in AnimateDiff's motion modules; weights do not
# show it.
HEADS = 8
_POSITIONS = ".pos_embed.pe"


class FrameNorm(nn.GroupNorm):
    """Group normalisation of (B, C, T, H, W), each frame by itself, as AnimateDiff was trained.

    Diffusers takes all frames of a clip together.
    """

    def forward(self, input: Tensor) -> Tensor:  # the name is nn.GroupNorm's
        """Same shape out."""
        frames = input.transpose(1, 2)
        normed = super().forward(frames.flatten(0, 1))
        return normed.view(frames.shape).transpose(1, 2)


def normalise_per_frame(network: nn.Module) -> None:
    """Gives every motion module of a network FrameNorm, with the weights it has."""
    from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D

    for module in network.modules():
        if isinstance(module, AnimateDiffTransformer3D) and not isinstance(module.norm, FrameNorm):
            old = module.norm
            new = FrameNorm(old.num_groups, old.num_channels, old.eps, device="meta")
            new.weight, new.bias = old.weight, old.bias
            module.norm = new


def unet_config(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of UNetMotionModel from its weights under diffusers' names.

    Raises KeyError or ValueError if one that it reads is missing.
    """
    shared = _shared(weights)
    attends = [kind.startswith("Cross") for kind in shared["down_block_types"]]
    return shared | {
        "out_channels": weights["conv_out.bias"].shape[0],
        "up_block_types": tuple(f"{'CrossAttn' * has}UpBlockMotion" for has in reversed(attends)),
        "num_attention_heads": HEADS,
        "use_motion_mid_block": any(".motion_modules." in name for name in _inside_mid(weights)),
    }


def control_config(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments of SparseControlNetModel, likewise. A mask counts as one of its channels."""
    return _shared(weights) | {
        "conditioning_channels": weights["controlnet_cond_embedding.weight"].shape[1],
        "attention_head_dim": HEADS,
        "concat_conditioning_mask": False,
    }


def empty_unet(config: Mapping[str, Any]) -> Any:
    """A UNetMotionModel without memory for its weights, to be loaded by assignment."""
    from diffusers.models.unets.unet_motion_model import UNetMotionModel

    with torch.device("meta"):
        unet = UNetMotionModel(**config)
    normalise_per_frame(unet)
    return unet.eval().requires_grad_(False)


def empty_control(config: Mapping[str, Any]) -> Any:
    """A SparseControlNetModel, likewise."""
    from diffusers.models.controlnets.controlnet_sparsectrl import SparseControlNetModel

    with torch.device("meta"):
        network = SparseControlNetModel(**config)
    normalise_per_frame(network)
    return network.eval().requires_grad_(False)


def _shared(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arguments that both kinds of network share."""
    levels = range(count_layers(weights, "down_blocks."))
    widths = tuple(weights[f"down_blocks.{i}.resnets.0.conv1.bias"].shape[0] for i in levels)
    attends = [f"down_blocks.{i}.attentions.0.norm.bias" in weights for i in levels]
    context = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    positions = next((name for name in weights if name.endswith(_POSITIONS)), None)
    if positions is None:
        raise KeyError(f"down_blocks.0.motion_modules.0.transformer_blocks.0{_POSITIONS}")
    return {
        "in_channels": weights["conv_in.weight"].shape[1],
        "down_block_types": tuple(f"{'CrossAttn' * has}DownBlockMotion" for has in attends),
        "block_out_channels": widths,
        "layers_per_block": count_layers(weights, "down_blocks.0.resnets."),
        "cross_attention_dim": weights[context].shape[1],
        "motion_max_seq_length": weights[positions].shape[1],
        "motion_num_attention_heads": HEADS,
    }


def _inside_mid(weights: Mapping[str, Tensor]) -> list[str]:
    return [name for name in weights if name.startswith("mid_block.")]
