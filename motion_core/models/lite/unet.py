"""The U-Net of lite's base and control branch: maps in space, frames in channels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from .layers import Attention, norm, upsample2x

DEEP_BLOCKS = 2


@dataclass(frozen=True)
class BaseConfig:
    """Sizes of the base.

    Attributes:
        grid: G, cells a side.
        frames: T. Frame 0 is known, T - 1 are generated.
        widths: Channels at the full grid, its half and its quarter.
        features: Channels of the picture's features.
        time: Channels of the embedding of the noise level.
    """

    grid: int = 64
    frames: int = 16
    widths: tuple[int, int, int] = (40, 64, 96)
    features: int = 32
    time: int = 96

    @property
    def channels(self) -> int:
        """C of the latents: two of displacement and one of visibility per generated frame."""
        return 3 * (self.frames - 1)


class Block(nn.Module):
    """A residual block with the embedding of the noise level."""

    def __init__(self, channels: int, out: int, time: int) -> None:
        super().__init__()
        self.first = nn.Sequential(norm(channels), nn.SiLU(), nn.Conv2d(channels, out, 3, 1, 1))
        self.time = nn.Linear(time, out)
        self.second = nn.Sequential(norm(out), nn.SiLU(), nn.Conv2d(out, out, 3, 1, 1))
        self.skip = nn.Conv2d(channels, out, 1) if channels != out else nn.Identity()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """(B, channels, H, W) and (B, time) to (B, out, H, W)."""
        h = self.first(x) + self.time(time)[..., None, None]
        return self.skip(x) + self.second(h)


class NoiseEmbedding(nn.Module):
    """Noise levels tau (B,) in 0..1 to (B, time)."""

    def __init__(self, time: int) -> None:
        super().__init__()
        self.octaves = time // 2
        self.mlp = nn.Sequential(
            nn.Linear(2 * self.octaves, time), nn.SiLU(), nn.Linear(time, time)
        )

    def forward(self, tau: Tensor) -> Tensor:
        """Sines and cosines of tau at octaves, through an MLP."""
        rates = torch.exp(torch.linspace(0, math.log(1000), self.octaves, device=tau.device))
        angle = tau.float()[:, None] * rates
        return self.mlp(torch.cat([angle.sin(), angle.cos()], dim=1))


class Encoder(nn.Module):
    """The down path; the control branch holds a trainable copy of it."""

    def __init__(self, config: BaseConfig) -> None:
        super().__init__()
        full, half, quarter = config.widths
        self.noise_embedding = NoiseEmbedding(config.time)
        self.first = nn.Conv2d(config.channels + config.features, full, 3, 1, 1)
        self.local_conv = nn.Sequential(norm(full), nn.SiLU(), nn.Conv2d(full, full, 3, 1, 1))
        self.to_half = nn.Conv2d(full, half, 4, 2, 1)
        self.at_half = Block(half, half, config.time)
        self.to_quarter = nn.Conv2d(half, quarter, 4, 2, 1)
        self.at_quarter = Block(quarter, quarter, config.time)
        self.attention = Attention(quarter)

    def forward(self, x: Tensor, tau: Tensor, added: Tensor) -> tuple[list[Tensor], Tensor]:
        """Maps at the full grid, its half and its quarter, and the embedding of the noise level.

        Args:
            x: Input of the first layer: noisy latents and features (B, C + F, G, G) in the base,
                noisy latents (B, C, G, G) in the control branch.
            tau: (B,) noise levels.
            added: (B, W, G, G) added to the output of the first layer.
        """
        time = self.noise_embedding(tau)
        full = self.first(x) + added
        full = full + self.local_conv(full)
        half = self.at_half(self.to_half(full), time)
        quarter = self.attention(self.at_quarter(self.to_quarter(half), time))
        return [full, half, quarter], time


class Decoder(nn.Module):
    """The up path, to `out` maps."""

    def __init__(self, config: BaseConfig, out: int) -> None:
        super().__init__()
        full, half, quarter = config.widths
        self.deep = Block(quarter, quarter, config.time)
        self.up_half = nn.Conv2d(quarter, half, 1)
        self.at_half = nn.ModuleList([Block(2 * half, half, config.time)])
        self.up_full = nn.Conv2d(half, full, 1)
        # The up path may be costly: control copies the down path only.
        blocks = [Block(full, full, config.time) for _ in range(DEEP_BLOCKS)]
        self.at_full = nn.ModuleList([Block(2 * full, full, config.time), *blocks])
        write = nn.Conv2d(full, out, 3, 1, 1)
        # The output is zero at initialisation.
        nn.init.zeros_(write.weight)
        nn.init.zeros_(torch.as_tensor(write.bias))
        self.last = nn.Sequential(norm(full), nn.SiLU(), write)

    def forward(self, skips: list[Tensor], time: Tensor) -> Tensor:
        """(B, out, G, G) from the encoder's maps and embedding."""
        full, half, quarter = skips
        x = self.deep(quarter, time)
        x = torch.cat([self.up_half(upsample2x(x)), half], dim=1)
        for block in self.at_half:
            x = cast(Block, block)(x, time)
        x = torch.cat([self.up_full(upsample2x(x)), full], dim=1)
        for block in self.at_full:
            x = cast(Block, block)(x, time)
        return self.last(x)
