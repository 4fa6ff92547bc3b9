"""MotionPro's motion encoder: from the condition to one feature per level of the U-Net."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...errors import ShapeError

# Input channels: displacement x and y, mask.
CONDITION_CHANNELS = 3
GROUPS = 8


class TimeConv(nn.Conv1d):
    """A convolution over the frames of one clip, each pixel for itself; ends are repeated."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__(channels, out_channels, 3, padding=1, padding_mode="replicate")

    def forward(self, input: Tensor) -> Tensor:
        """(T, C, H, W) to (T, C', H, W)."""
        frames, channels, height, width = input.shape
        over_time = input.permute(2, 3, 1, 0).reshape(height * width, channels, frames)
        moved = super().forward(over_time)
        return moved.view(height, width, -1, frames).permute(3, 2, 0, 1)


class MotionEncoder(nn.Module):
    """Features at 1/8 of the picture, then halved per level.

    channels: of the U-Net's levels, (320, 640, 1280, 1280) as released; the first divisible by 32.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        narrow, middle, wide = channels[0] // 4, channels[0] // 2, channels[0]
        first = nn.Sequential(
            nn.Conv2d(CONDITION_CHANNELS, narrow, 3, 2, 1),
            TimeConv(narrow, narrow),
            nn.GroupNorm(GROUPS, narrow),
            nn.SiLU(),
            nn.Conv2d(narrow, middle, 3, 2, 1),
            TimeConv(middle, middle),
            nn.GroupNorm(GROUPS, middle),
            nn.SiLU(),
            nn.Conv2d(middle, wide, 3, 2, 1),
            TimeConv(wide, wide),
        )
        rest = [
            nn.Sequential(
                nn.GroupNorm(GROUPS, before),
                nn.SiLU(),
                nn.Conv2d(before, after, 3, 1, 1),
                TimeConv(after, after),
                nn.Conv2d(after, after, 3, 2, 1),
            )
            for before, after in zip(channels[:-1], channels[1:], strict=True)
        ]
        self.blocks = nn.ModuleList([first, *rest])

    def forward(self, condition: Tensor) -> list[Tensor]:
        """Features (T, C, h, w), finest first, of a condition (T, 3, H, W).

        Raises ShapeError for another number of dimensions or channels.
        """
        if condition.ndim != 4 or condition.shape[1] != CONDITION_CHANNELS:
            raise ShapeError(
                f"the motion condition must be (T, {CONDITION_CHANNELS}, H, W); got "
                f"{tuple(condition.shape)}."
            )
        features, feature = [], condition
        for block in self.blocks:
            feature = block(feature)
            features.append(feature)
        return features


class Modulation(nn.Module):
    """Adaptive modulation of one residual block (MotionPro §3.3): h + norm(h) gamma + beta.

    When new, gamma and beta are zero and the block is unchanged.

    Args:
        feature_channels: Channels of the motion feature.
        channels: Channels of the block, divisible by 32.
    """

    def __init__(self, feature_channels: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels)
        self.gamma_spatial = nn.Conv2d(feature_channels, channels // 4, 3, 1, 1)
        self.gamma_temporal = _zeroed(TimeConv(channels // 4, channels))
        self.beta_spatial = nn.Conv2d(feature_channels, channels // 4, 3, 1, 1)
        self.beta_temporal = _zeroed(TimeConv(channels // 4, channels))

    def parameters_of(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """Gamma and beta (T, channels, h, w) for a motion feature (T, C, h, w)."""
        gamma = self.gamma_temporal(self.gamma_spatial(feature))
        return gamma, self.beta_temporal(self.beta_spatial(feature))

    def forward(self, hidden: Tensor, modulation: tuple[Tensor, Tensor], strength: float) -> Tensor:
        """hidden (B*T, channels, h, w) modulated by gamma and beta of one clip, for all B alike."""
        gamma, beta = modulation
        frames = gamma.shape[0]
        # While it is trained it is float32, also on a base in half precision.
        normed = self.norm(hidden.to(self.norm.weight.dtype))
        change = normed.unflatten(0, (-1, frames)) * gamma + beta
        return hidden + (strength * change.flatten(0, 1)).to(hidden.dtype)


def _zeroed(layer: TimeConv) -> TimeConv:
    """The layer with all weights zero."""
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
    return layer
