"""What lite sees in a picture, at every cell of its grid, and which cells are likely one thing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import Attention, conv_block, doubled, down, norm, zero_conv


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


class ImageBackbone(nn.Module):
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
        self.fine = nn.Sequential(
            nn.Conv2d(3, 3 * width, 8, 4, 2), nn.SiLU(), zero_conv(3 * width, width)
        )
        self.at_half = down(width, middle)
        self.at_quarter = down(middle, deep)
        self.at_eighth = down(deep, deep)
        self.around = nn.Sequential(Attention(deep), Attention(deep))
        self.to_quarter = conv_block(deep, deep)
        self.to_half = conv_block(deep, middle)
        self.to_full = nn.Sequential(conv_block(middle + width, width), conv_block(width, width))
        self.sharpen = nn.ModuleList([_sharpened(width) for _ in range(2)])

    def forward(self, picture: Tensor) -> Tensor:
        """(B, 3, 4G, 4G) in -1..1 to (B, width, G, G)."""
        full = self.stem(picture)
        full = full + self.near(full) + self.fine(picture)
        half = self.at_half(full)
        quarter = self.at_quarter(half)
        eighth = self.around(self.at_eighth(quarter))
        quarter = self.to_quarter(quarter + doubled(eighth))
        half = half + self.to_half(doubled(quarter))
        seen = self.to_full(torch.cat([doubled(half), full], dim=1))
        for one in self.sharpen:
            seen = seen + one(seen)
        return seen


def _sharpened(width: int) -> nn.Sequential:
    """A correction of cells by their neighbours; nothing at its initialisation."""
    return nn.Sequential(
        norm(width),
        nn.Conv2d(width, width, 3, 1, 1),
        norm(width),
        nn.SiLU(),
        zero_conv(width, width, 3),
    )


class ImageEncoder(nn.Module):
    """Features of a picture, and codes that are alike where places belong together."""

    at: Tensor

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or EncoderConfig()
        self.picture = ImageBackbone(config)
        self.affinity = nn.Conv2d(config.width, config.heads * config.head_dim, 1)
        axis = (torch.arange(config.grid) + 0.5) / config.grid * 2 - 1
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).view(-1, 2)
        # (G*G, 2) middles of the cells, -1..1.
        self.register_buffer("at", grid, persistent=False)

    def features(self, picture: Tensor) -> Tensor:
        """(B, 3, 4G, 4G) in -1..1 to (B, width, G, G): what depends on the picture alone."""
        return self.picture(picture)

    def copied(self) -> ImageEncoder:
        """The same eyes, frozen, with weights of their own."""
        own = ImageEncoder(self.config)
        own.picture.load_state_dict(self.picture.state_dict())
        own.affinity.load_state_dict(self.affinity.state_dict())
        return own.requires_grad_(False)

    def codes(self, features: Tensor) -> Tensor:
        """Of places, (B, M, width), to unit vectors (B, heads, M, D)."""
        matrix, bias = self.affinity.weight.flatten(1), self.affinity.bias
        codes = functional.linear(features, matrix, bias).unflatten(-1, (self.config.heads, -1))
        return functional.normalize(codes, dim=-1).transpose(1, 2)


def same_layer_logits(cosine: Tensor) -> Tensor:
    """Log odds that two places belong to one layer, from their likeness -1..1, the mean over heads;
    eyes are trained for it."""
    return 8 * cosine - 3
