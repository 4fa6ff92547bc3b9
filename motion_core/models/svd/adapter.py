"""MotionPro's adapter on diffusers' U-Net: hung into it for a prediction, and taken out again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from .encoder import Modulation, MotionEncoder

# Gamma and beta of every modulated block: down blocks first, then up blocks.
Signals = list[tuple[Tensor, Tensor]]


class MotionAdapter(nn.Module):
    """The motion encoder and the modulation of the first residual block of every level.

    channels: of the U-Net's levels. down[i] steers down_blocks[i], up[i] steers up_blocks[i];
    level i of the encoder serves both blocks of its resolution.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.encoder = MotionEncoder(channels)
        self.down = nn.ModuleList(Modulation(width, width) for width in channels)
        self.up = nn.ModuleList(Modulation(width, width) for width in reversed(channels))

    def signals(self, condition: Tensor) -> Signals:
        """What a condition (T, 3, H, W) asks of every block; the same for all steps of a run."""
        features = self.encoder(condition)
        down = zip(self.down, features, strict=True)
        up = zip(self.up, reversed(features), strict=True)
        return [site.signal(feature) for site, feature in (*down, *up)]  # type: ignore[operator]

    @contextmanager
    def steering(self, unet: Any, signals: Signals, strength: float) -> Iterator[None]:
        """While open, the U-Net's predictions follow the signals; after it, they are as before.

        Not for two threads with one U-Net at a time.
        """
        handles = []
        try:
            for site, conv, signal in zip(
                (*self.down, *self.up), modulated_layers(unet), signals, strict=True
            ):
                handles.append(conv.register_forward_hook(_hook(site, signal, strength)))
            yield
        finally:
            for handle in handles:
                handle.remove()


def modulated_layers(unet: Any) -> list[nn.Module]:
    """The layers after which MotionPro modulates, in the order of the adapter's sites."""
    blocks = (*unet.down_blocks, *unet.up_blocks)
    return [block.resnets[0].spatial_res_block.conv1 for block in blocks]


def _hook(site: nn.Module, signal: tuple[Tensor, Tensor], strength: float) -> Any:
    def modulate(module: nn.Module, given: Any, output: Tensor) -> Tensor:
        return site(output, signal, strength)

    return modulate
