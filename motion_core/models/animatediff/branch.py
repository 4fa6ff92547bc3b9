"""Control branches: copies of the U-Net's encoder whose zero convolutions feed the U-Net.

Their first layer does not read the noisy latents, so its features are computed once per run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from .control_output import UNetResiduals

_EMBEDDING = "controlnet_cond_embedding"


class EncoderBranch(nn.Module):
    """A control branch without its first layer.

    Args:
        parts: A network of diffusers with time_proj, time_embedding, down_blocks and mid_block,
            which become this branch's own.
        zero: The convolutions after every skip connection, and the one after the middle block.
    """

    def __init__(self, parts: Any, zero: tuple[nn.ModuleList, nn.Module]) -> None:
        super().__init__()
        self.time_proj, self.time_embedding = parts.time_proj, parts.time_embedding
        self.down_blocks, self.mid_block = parts.down_blocks, parts.mid_block
        self.controlnet_down_blocks, self.controlnet_mid_block = zero

    def forward(self, features: Tensor, timestep: Tensor, prompt_embeds: Tensor) -> UNetResiduals:
        """Residuals for every clip of a batch.

        Args:
            features: Output of the first layer in the branch's dtype and on its device:
                (T, C, h, w), the same for all clips, or (B, T, C, h, w), as in training.
            timestep: A scalar, or (B,).
            prompt_embeds: (B, L, D), one prompt per clip.
        """
        clips, frames = len(prompt_embeds), features.shape[-4]
        hidden = features.expand(clips, *features.shape[-4:]).flatten(0, 1)
        embeds = prompt_embeds.to(features).repeat_interleave(frames, dim=0)
        time = self.time_proj(timestep.reshape(-1).to(features.device)).to(features.dtype)
        temb = self.time_embedding(time).expand(clips, -1).repeat_interleave(frames, dim=0)
        skips: list[Tensor] = [hidden]
        for block in self.down_blocks:
            attention = {"encoder_hidden_states": embeds} if _has_cross_attention(block) else {}
            hidden, passed = block(hidden, temb=temb, num_frames=frames, **attention)
            skips.extend(passed)
        motion = {"num_frames": frames} if hasattr(self.mid_block, "motion_modules") else {}
        hidden = self.mid_block(hidden, temb, encoder_hidden_states=embeds, **motion)
        pairs = zip(self.controlnet_down_blocks, skips, strict=True)
        down = tuple(zero(skip) for zero, skip in pairs)
        return UNetResiduals(down, self.controlnet_mid_block(hidden))


class SparseBranch(EncoderBranch):
    """SparseCtrl's network (2311.16933), as Image Conductor uses it for the flow and the image.

    Its noise input is always zero, so only the bias of conv_in remains.
    """

    def __init__(self, network: Any) -> None:
        super().__init__(network, (network.controlnet_down_blocks, network.controlnet_mid_block))
        self.conv_in: Any = network.conv_in
        self.controlnet_cond_embedding: Any = network.controlnet_cond_embedding

    def features(self, condition: Tensor, weights: Mapping[str, Tensor] | None = None) -> Tensor:
        """The condition as the first map of the branch.

        Args:
            condition: (T, C, h, w).
            weights: By name, used in place of the branch's own; None for its own.

        Returns:
            (T, C', h, w).
        """
        own = self.controlnet_cond_embedding
        replaced = None if weights is None else weights.get(f"{_EMBEDDING}.weight")
        weight: Tensor = own.weight if replaced is None else replaced
        condition = condition.to(weight.device, weight.dtype)
        return conv2d(condition, weight, own.bias, padding=1) + self.conv_in.bias[:, None, None]

    def with_weights(
        self,
        weights: Mapping[str, Tensor],
        features: Tensor,
        timestep: Tensor,
        prompt_embeds: Tensor,
    ) -> UNetResiduals:
        """The same as forward, with weights in place of the branch's own.

        Args:
            weights: By name.
            features: (T, C', h, w) from features().
            timestep: A scalar.
            prompt_embeds: (1, L, D).
        """
        arguments = (features, timestep, prompt_embeds)
        return torch.func.functional_call(self, dict(weights), arguments)


def first_frame_condition(latents: Tensor, frames: int) -> Tensor:
    """SparseCtrl's condition: the image's latents in frame 0, zeros after it.

    Args:
        latents: (4, h, w) of the image.
        frames: T.

    Returns:
        (T, 5, h, w); the last channel is a mask, 1 in frame 0.
    """
    first = torch.cat([latents, torch.ones_like(latents[:1])])
    condition = first.new_zeros(frames, *first.shape)
    condition[0] = first
    return condition


def _has_cross_attention(block: nn.Module) -> bool:
    return bool(getattr(block, "has_cross_attention", False))
