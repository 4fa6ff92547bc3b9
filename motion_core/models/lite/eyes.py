"""What the control encoder sees in a picture, at every cell of its grid."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .layers import Attention, doubled, down, look, norm


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes of the control encoder. The picture is read at `grid * 4` pixels a side."""

    grid: int = 64
    width: int = 32
    middle: int = 40
    deep: int = 56
    heads: int = 4
    head_dim: int = 16
    hidden: int = 48


class PictureNet(nn.Module):
    """A picture (B, 3, 4G, 4G) to features (B, width, G, G)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        width, middle, deep = config.width, config.middle, config.deep
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 4, 2, 1),
            norm(16),
            nn.SiLU(),
            nn.Conv2d(16, width, 4, 2, 1),
            norm(width),
            nn.SiLU(),
        )
        self.near = nn.Conv2d(width, width, 3, 1, 1)
        self.at_half = down(width, middle)
        self.at_quarter = down(middle, deep)
        self.at_eighth = down(deep, deep)
        self.around = nn.Sequential(Attention(deep), Attention(deep))
        self.to_quarter = look(deep, deep)
        self.to_half = look(deep, middle)
        self.to_full = nn.Sequential(look(middle + width, width), look(width, width))

    def forward(self, picture: Tensor) -> Tensor:
        """(B, 3, 4G, 4G) in -1..1 to (B, width, G, G)."""
        full = self.stem(picture)
        full = full + self.near(full)
        half = self.at_half(full)
        quarter = self.at_quarter(half)
        eighth = self.around(self.at_eighth(quarter))
        quarter = self.to_quarter(quarter + doubled(eighth))
        half = half + self.to_half(doubled(quarter))
        return self.to_full(torch.cat([doubled(half), full], dim=1))
