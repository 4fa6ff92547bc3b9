"""Control branches: a copy of the U-Net's encoder whose zero convolutions feed the U-Net.

Their first layer sees no noise, so its features are computed once per run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

_EMBEDDING = "controlnet_cond_embedding"


@dataclass(frozen=True, eq=False)
class Signals:
    """What a branch adds to the U-Net: to every skip connection, and after the middle.

    down[i], mid: (B*T, C, h, w).
    """

    down: tuple[Tensor, ...]
    mid: Tensor

    def scaled(self, strength: float) -> Signals:
        """The same, multiplied."""
        return Signals(tuple(part * strength for part in self.down), self.mid * strength)


def summed(signals: Iterable[Signals]) -> Signals | None:
    """All together, None where there are none."""
    total: Signals | None = None
    for given in signals:
        if total is None:
            total = given
            continue
        down = tuple(a + b for a, b in zip(total.down, given.down, strict=True))
        total = Signals(down, total.mid + given.mid)
    return total


class EncoderBranch(nn.Module):
    """Everything of a branch after its first layer.

    parts: a network of diffusers with time_proj, time_embedding, down_blocks and mid_block, which
    become this branch's own. zero: the convolution after every skip connection, and after the
    middle.
    """

    def __init__(self, parts: Any, zero: tuple[nn.ModuleList, nn.Module]) -> None:
        super().__init__()
        self.time_proj, self.time_embedding = parts.time_proj, parts.time_embedding
        self.down_blocks, self.mid_block = parts.down_blocks, parts.mid_block
        self.controlnet_down_blocks, self.controlnet_mid_block = zero

    def forward(self, features: Tensor, timestep: Tensor, words: Tensor) -> Signals:
        """Signals for every clip of a batch.

        features: (T, C, h, w) of the first layer, the same for all, or (B, T, C, h, w), as in
        training. timestep: scalar, or (B,). words: (B, L, D), one prompt per clip. The features'
        dtype and device are the branch's.
        """
        clips, frames = len(words), features.shape[-4]
        hidden = features.expand(clips, *features.shape[-4:]).flatten(0, 1)
        told = words.to(features).repeat_interleave(frames, dim=0)
        time = self.time_proj(timestep.reshape(-1).to(features.device)).to(features.dtype)
        when = self.time_embedding(time).expand(clips, -1).repeat_interleave(frames, dim=0)
        skips: list[Tensor] = [hidden]
        for block in self.down_blocks:
            attends = {"encoder_hidden_states": told} if _attends(block) else {}
            hidden, passed = block(hidden, temb=when, num_frames=frames, **attends)
            skips.extend(passed)
        moves = {"num_frames": frames} if hasattr(self.mid_block, "motion_modules") else {}
        hidden = self.mid_block(hidden, when, encoder_hidden_states=told, **moves)
        down = zip(self.controlnet_down_blocks, skips, strict=True)
        return Signals(tuple(zero(skip) for zero, skip in down), self.controlnet_mid_block(hidden))


class SparseBranch(EncoderBranch):
    """SparseCtrl's network (2311.16933), as Image Conductor uses it for the flow and the picture.

    The noise it could read is always zero: of conv_in only the bias is left.
    """

    def __init__(self, network: Any) -> None:
        super().__init__(network, (network.controlnet_down_blocks, network.controlnet_mid_block))
        self.conv_in: Any = network.conv_in
        self.controlnet_cond_embedding: Any = network.controlnet_cond_embedding

    def features(self, condition: Tensor, weights: Mapping[str, Tensor] | None = None) -> Tensor:
        """(T, C', h, w) of a condition (T, C, h, w). weights: laid over the branch's own."""
        own = self.controlnet_cond_embedding
        laid = None if weights is None else weights.get(f"{_EMBEDDING}.weight")
        weight: Tensor = own.weight if laid is None else laid
        given = condition.to(weight.device, weight.dtype)
        return conv2d(given, weight, own.bias, padding=1) + self.conv_in.bias[:, None, None]

    def under(
        self, weights: Mapping[str, Tensor], features: Tensor, timestep: Tensor, words: Tensor
    ) -> Signals:
        """As forward, with weights laid over the branch's own."""
        given = (features, timestep, words)
        return torch.func.functional_call(self, dict(weights), given)


def _attends(block: nn.Module) -> bool:
    return bool(getattr(block, "has_cross_attention", False))
