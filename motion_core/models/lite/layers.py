"""Building blocks that the networks of lite share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def norm(channels: int) -> nn.GroupNorm:
    """Group normalisation in groups of eight."""
    return nn.GroupNorm(max(1, channels // 8), channels)


def down(channels: int, wider: int) -> nn.Sequential:
    """Half the size and `wider` channels, by two convolutions."""
    return nn.Sequential(
        nn.Conv2d(channels, wider, 4, 2, 1),
        norm(wider),
        nn.SiLU(),
        nn.Conv2d(wider, wider, 3, 1, 1),
        norm(wider),
        nn.SiLU(),
    )


def conv_block(channels: int, out: int) -> nn.Sequential:
    """One convolution with norm and activation."""
    return nn.Sequential(nn.Conv2d(channels, out, 3, 1, 1), norm(out), nn.SiLU())


def zero_conv(channels: int, out: int, side: int = 1) -> nn.Conv2d:
    """A convolution whose output is zero at its initialisation."""
    conv = nn.Conv2d(channels, out, side, 1, side // 2)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(torch.as_tensor(conv.bias))
    return conv


def upsample2x(x: Tensor) -> Tensor:
    """Twice the size, bilinear."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Attention(nn.Module):
    """Self-attention among the cells of a small map; adds nothing at its initialisation."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zero_conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        batch, channels, height, width = x.shape
        parts = self.qkv(self.norm(x)).view(batch, 3, self.heads, channels // self.heads, -1)
        # Contiguous: torch's fast attention on the CPU needs a dense last axis.
        query, key, value = parts.transpose(-1, -2).contiguous().unbind(dim=1)
        attended = functional.scaled_dot_product_attention(query, key, value)
        return x + self.out(attended.transpose(-1, -2).reshape(batch, channels, height, width))
