"""MotionPro's adapter, attached to diffusers' U-Net by hooks for the time of a prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from .motion_encoder import Modulation, MotionEncoder

# Gamma and beta of every modulated block: down blocks first, then up blocks.
Modulations = list[tuple[Tensor, Tensor]]


class MotionAdapter(nn.Module):
    """The motion encoder and the modulation of the first residual block of every level.

    down[i] modulates down_blocks[i], up[i] modulates up_blocks[i]; level i of the encoder serves
    both blocks of its resolution. channels: of the U-Net's levels.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.encoder = MotionEncoder(channels)
        self.down = nn.ModuleList(Modulation(width, width) for width in channels)
        self.up = nn.ModuleList(Modulation(width, width) for width in reversed(channels))

    def modulations(self, condition: Tensor) -> Modulations:
        """Gamma and beta of every block for a condition (T, 3, H, W); the same for all steps."""
        features = self.encoder(condition)
        down = zip(self.down, features, strict=True)
        up = zip(self.up, reversed(features), strict=True)
        return [site.parameters_of(feature) for site, feature in (*down, *up)]  # type: ignore[operator]

    @contextmanager
    def attached(self, unet: Any, modulations: Modulations, strength: float) -> Iterator[None]:
        """Modulates the U-Net's blocks while the context is open.

        Two threads must not do so with one U-Net at a time.
        """
        handles = []
        try:
            for site, conv, modulation in zip(
                (*self.down, *self.up), modulated_layers(unet), modulations, strict=True
            ):
                handles.append(conv.register_forward_hook(_hook(site, modulation, strength)))
            yield
        finally:
            for handle in handles:
                handle.remove()


def modulated_layers(unet: Any) -> list[nn.Module]:
    """The layers after which MotionPro modulates, in the order of the adapter's sites."""
    blocks = (*unet.down_blocks, *unet.up_blocks)
    return [block.resnets[0].spatial_res_block.conv1 for block in blocks]


def _hook(site: nn.Module, modulation: tuple[Tensor, Tensor], strength: float) -> Any:
    def modulate(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        return site(output, modulation, strength)

    return modulate
