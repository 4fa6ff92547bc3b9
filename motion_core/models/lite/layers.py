"""Building blocks that the networks of lite share."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def norm(channels: int) -> nn.GroupNorm:
    """Group normalisation in groups of eight."""
    return nn.GroupNorm(max(1, channels // 8), channels)


def down(channels: int, wider: int) -> nn.Sequential:
    """Half the size, `wider` channels, and a look around."""
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
    """A convolution that gives nothing at its initialisation."""
    conv = nn.Conv2d(channels, out, side, 1, side // 2)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(torch.as_tensor(conv.bias))
    return conv


def doubled(x: Tensor) -> Tensor:
    """Twice the size, bilinear."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Attention(nn.Module):
    """Every cell of a small map listens to every other; nothing at its initialisation."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = norm(channels)
        self.read = nn.Conv2d(channels, 3 * channels, 1)
        self.write = zero_conv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        batch, channels, height, width = x.shape
        parts = self.read(self.norm(x)).view(batch, 3, self.heads, channels // self.heads, -1)
        # Contiguous: torch's fast attention on the CPU wants the last axis dense.
        query, key, value = parts.transpose(-1, -2).contiguous().unbind(dim=1)
        heard = functional.scaled_dot_product_attention(query, key, value)
        return x + self.write(heard.transpose(-1, -2).reshape(batch, channels, height, width))
