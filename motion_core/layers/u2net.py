"""U²-Net-p: a small network that predicts which object of a picture is salient."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# Channels between and inside the blocks of the small version.
OUTER, INNER = 64, 16
# Heights of the encoder's first four blocks; the last two, and the first of the decoder, are
# dilated instead of pooled.
HEIGHTS = (7, 6, 5, 4)
DILATED_HEIGHT = 4


class Convolution(nn.Module):
    """A 3x3 convolution, its batch norm folded in, and ReLU."""

    def __init__(self, inputs: int, outputs: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.conv(x), inplace=True)


class ResidualUBlock(nn.Module):
    """RSU-L (Qin et al., "U²-Net", 2020, section 3.1): a U-Net of `height` levels and a shortcut.

    A dilated block (RSU-4F) keeps its resolution and doubles the dilation per level.
    """

    def __init__(self, inputs: int, height: int, *, dilated: bool = False) -> None:
        super().__init__()
        self.dilated = dilated
        self.enter = Convolution(inputs, OUTER)
        rates = [2**level if dilated else 1 for level in range(height)]
        if not dilated:
            rates[-1] = 2
        widths = [OUTER] + [INNER] * (height - 1)
        self.down = nn.ModuleList(
            Convolution(width, INNER, rate) for width, rate in zip(widths, rates, strict=True)
        )
        up_rates = rates[-2::-1]
        up_widths = [INNER] * (height - 2) + [OUTER]
        self.up = nn.ModuleList(
            Convolution(2 * INNER, width, rate)
            for width, rate in zip(up_widths, up_rates, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        entered = level = self.enter(x)
        levels: list[Tensor] = []
        for number, convolution in enumerate(self.down):
            # The deepest convolution works at the resolution of the one above it.
            if not self.dilated and 0 < number < len(self.down) - 1:
                level = halved(level)
            level = convolution(level)
            levels.append(level)
        level = levels.pop()
        for convolution in self.up:
            skip = levels.pop()
            level = convolution(torch.cat([resized(level, skip), skip], dim=1))
        return level + entered


class U2NetP(nn.Module):
    """The small version of U²-Net: 1.1 million weights, six side outputs, one fused map."""

    def __init__(self) -> None:
        super().__init__()
        encoder = [ResidualUBlock(3, HEIGHTS[0])]
        encoder += [ResidualUBlock(OUTER, height) for height in HEIGHTS[1:]]
        encoder += [ResidualUBlock(OUTER, DILATED_HEIGHT, dilated=True) for _ in range(2)]
        decoder = [ResidualUBlock(2 * OUTER, DILATED_HEIGHT, dilated=True)]
        decoder += [ResidualUBlock(2 * OUTER, height) for height in reversed(HEIGHTS)]
        self.encoder, self.decoder = nn.ModuleList(encoder), nn.ModuleList(decoder)
        self.side = nn.ModuleList(nn.Conv2d(OUTER, 1, 3, padding=1) for _ in range(6))
        self.fuse = nn.Conv2d(6, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, H, W) saliency 0..1 of normalised pictures (B, 3, H, W)."""
        return torch.sigmoid(self.logits(x))

    def logits(self, x: Tensor) -> Tensor:
        """(B, 1, H, W) before the sigmoid."""
        skips: list[Tensor] = []
        level = x
        for number, block in enumerate(self.encoder):
            level = block(halved(level) if number else level)
            skips.append(level)
        level = skips.pop()
        decoded = [level]
        for block in self.decoder:
            skip = skips.pop()
            level = block(torch.cat([resized(level, skip), skip], dim=1))
            decoded.append(level)
        sides = [side(one) for side, one in zip(self.side, reversed(decoded), strict=True)]
        return self.fuse(torch.cat([resized(one, sides[0]) for one in sides], dim=1))


def halved(x: Tensor) -> Tensor:
    """Max pooling by two, odd sides rounded up."""
    return functional.max_pool2d(x, 2, 2, ceil_mode=True)


def resized(x: Tensor, like: Tensor) -> Tensor:
    """Bilinear, to the height and width of another map."""
    if x.shape[2:] == like.shape[2:]:
        return x
    return functional.interpolate(x, like.shape[2:], mode="bilinear", align_corners=False)
