"""Track-ControlNet for AnimateDiff, as in Motion Prompting (2412.02700, section 4.2)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from torch import Tensor, nn

from ...geometry import Size
from ...raster.ids import IdEmbedding
from ...raster.sparse import SparseVolume, random_id_volume
from ...tracks.arguments import whole_number
from ...tracks.model import Tracks
from ..sd15.encoding import CELL_PX
from .branch import EncoderBranch
from .sparse_conv import sparse_conv

# Parts of a U-Net that form its encoder.
_COPIED = ("time_proj", "time_embedding", "down_blocks", "mid_block")


class AnimateDiffTrackControlNet(EncoderBranch):
    """A trainable copy of a base's encoder that reads the id volume, and zero convolutions.

    When new, its outputs are zero and the base's prediction is unchanged.

    Args:
        parts: A UNetMotionModel whose encoder becomes this network's own; see
            copy_track_controlnet for a copy.
        codes: Embedding that tells tracks apart.
        fold: 1 draws the volume at the latent grid, 8 at full resolution, folded.
    """

    def __init__(self, parts: Any, codes: IdEmbedding | None = None, fold: int = 1) -> None:
        widths, layers = _encoder(parts)
        zero = nn.ModuleList(_zero_conv(width) for width in layers)
        super().__init__(parts, (zero, _zero_conv(widths[-1])))
        self.config = dict(parts.config)
        self.codes = codes or IdEmbedding()
        self.fold = whole_number("fold", fold, least=1, most=CELL_PX)
        channels = self.codes.dim * self.fold**2
        self.first = nn.Conv2d(channels, widths[0], kernel_size=3, padding=1)

    def volume(self, tracks: Tracks, cells: Size, seed: int) -> SparseVolume:
        """The id volume of tracks on the latent grid. seed: of the random codes."""
        return random_id_volume(tracks, cells, self.codes, seed=seed, fold=self.fold)

    def features(self, volume: SparseVolume) -> Tensor:
        """(T, C, h, w), output of the first layer, computed from the points alone."""
        weight = self.first.weight
        moved = replace(
            volume,
            cells=volume.cells.to(weight.device),
            tracks=volume.tracks.to(weight.device),
            rows=volume.rows.to(weight.device),
        )
        assert self.first.bias is not None
        return sparse_conv(moved, weight, self.first.bias)


def copy_track_controlnet(
    unet: Any, codes: IdEmbedding | None = None, fold: int = 1
) -> AnimateDiffTrackControlNet:
    """A new Track-ControlNet that copies the encoder of a UNetMotionModel, ready to be trained.

    See AnimateDiffTrackControlNet for codes and fold.
    """
    copied = {name: deepcopy(getattr(unet, name)) for name in _COPIED}
    parts = SimpleNamespace(config=unet.config, conv_in=unet.conv_in, **copied)
    network = AnimateDiffTrackControlNet(parts, codes, fold).requires_grad_(True)
    return network.to(unet.device, unet.dtype)


def _encoder(unet: Any) -> tuple[list[int], list[int]]:
    """Channels of the levels of an encoder, and of its skip connections."""
    widths = [block.resnets[-1].out_channels for block in unet.down_blocks]
    skips = [unet.conv_in.out_channels]
    for width, block in zip(widths, unet.down_blocks, strict=True):
        passed = len(block.resnets) + len(block.downsamplers or ())
        skips.extend([width] * passed)
    return widths, skips


def _zero_conv(width: int) -> nn.Conv2d:
    conv = nn.Conv2d(width, width, kernel_size=1)
    nn.init.zeros_(conv.weight)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
