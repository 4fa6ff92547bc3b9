"""Features of a picture at every cell of lite's grid, and the affinity of cells."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import Attention, conv_block, down, norm, upsample2x, zero_conv


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes of the control encoder. Pictures are read at `grid * 4` pixels a side."""

    grid: int = 64
    width: int = 32
    middle: int = 40
    deep: int = 56
    heads: int = 4
    head_dim: int = 16
    hidden: int = 48


class ImageBackbone(nn.Module):
    """A U-Net from pictures (B, 3, 4G, 4G) to features (B, width, G, G)."""

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
        self.local_conv = nn.Conv2d(width, width, 3, 1, 1)
        self.fine = nn.Sequential(
            nn.Conv2d(3, 3 * width, 8, 4, 2), nn.SiLU(), zero_conv(3 * width, width)
        )
        self.at_half = down(width, middle)
        self.at_quarter = down(middle, deep)
        self.at_eighth = down(deep, deep)
        self.attention = nn.Sequential(Attention(deep), Attention(deep))
        self.to_quarter = conv_block(deep, deep)
        self.to_half = conv_block(deep, middle)
        self.to_full = nn.Sequential(conv_block(middle + width, width), conv_block(width, width))
        self.refine = nn.ModuleList([_refinement(width) for _ in range(2)])

    def forward(self, picture: Tensor) -> Tensor:
        """(B, 3, 4G, 4G) in -1..1 to (B, width, G, G)."""
        full = self.stem(picture)
        full = full + self.local_conv(full) + self.fine(picture)
        half = self.at_half(full)
        quarter = self.at_quarter(half)
        eighth = self.attention(self.at_eighth(quarter))
        quarter = self.to_quarter(quarter + upsample2x(eighth))
        half = half + self.to_half(upsample2x(quarter))
        features = self.to_full(torch.cat([upsample2x(half), full], dim=1))
        for correct in self.refine:
            features = features + correct(features)
        return features


def _refinement(width: int) -> nn.Sequential:
    """A correction of cells by their neighbours; zero at its initialisation."""
    return nn.Sequential(
        norm(width),
        nn.Conv2d(width, width, 3, 1, 1),
        norm(width),
        nn.SiLU(),
        zero_conv(width, width, 3),
    )


class ImageEncoder(nn.Module):
    """Features of a picture, and codes that are similar where places move together.

    Attributes:
        cell_centres: (G*G, 2) centres of the cells, -1..1 across the picture, row by row.
    """

    cell_centres: Tensor

    def __init__(self, config: EncoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or EncoderConfig()
        self.backbone = ImageBackbone(config)
        self.affinity = nn.Conv2d(config.width, config.heads * config.head_dim, 1)
        axis = (torch.arange(config.grid) + 0.5) / config.grid * 2 - 1
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).view(-1, 2)
        self.register_buffer("cell_centres", grid, persistent=False)

    def features(self, picture: Tensor) -> Tensor:
        """Features (B, width, G, G) of pictures (B, 3, 4G, 4G) in -1..1."""
        return self.backbone(picture)

    def frozen_copy(self) -> ImageEncoder:
        """An image encoder with a copy of these weights, without gradients."""
        copy = ImageEncoder(self.config)
        copy.backbone.load_state_dict(self.backbone.state_dict())
        copy.affinity.load_state_dict(self.affinity.state_dict())
        return copy.requires_grad_(False)

    def codes(self, features: Tensor) -> Tensor:
        """Unit vectors (B, heads, M, D) of features (B, M, width) of places."""
        matrix, bias = self.affinity.weight.flatten(1), self.affinity.bias
        codes = functional.linear(features, matrix, bias).unflatten(-1, (self.config.heads, -1))
        return functional.normalize(codes, dim=-1).transpose(1, 2)


def same_layer_logits(cosine: Tensor) -> Tensor:
    """Log odds that two places lie on one layer; the encoder is trained to give these.

    Args:
        cosine: -1..1, of their codes, the mean over heads.
    """
    return 8 * cosine - 3
