"""Track-ControlNet on AnimateDiff, in the form of Motion Prompting (2412.02700, section 4.2)."""

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
from .branch import EncoderBranch, Signals
from .condition import CELL_PX
from .family import AnimateDiffCondition, ControlResiduals
from .points import convolve_points

# What of a U-Net its encoder is.
_COPIED = ("time_proj", "time_embedding", "down_blocks", "mid_block")


class TrackNet(EncoderBranch):
    """A trainable copy of a base's encoder that reads the id volume, and zero convolutions.

    parts: a UNetMotionModel whose encoder becomes this network's own; see track_net_of for a copy.
    codes: how tracks are told apart. fold: 1 draws the volume at the latent grid, 8 at full
    resolution, folded. At first the outputs are zero, so the base's prediction is unchanged.
    """

    def __init__(self, parts: Any, codes: IdEmbedding | None = None, fold: int = 1) -> None:
        widths, layers = _encoder(parts)
        zero = nn.ModuleList(_zero_conv(width) for width in layers)
        super().__init__(parts, (zero, _zero_conv(widths[-1])))
        self.config = dict(parts.config)
        self.codes = codes or IdEmbedding()
        self.fold = whole_number("fold", fold, least=1, most=CELL_PX)
        given = self.codes.dim * self.fold**2
        self.first = nn.Conv2d(given, widths[0], kernel_size=3, padding=1)

    def volume(self, tracks: Tracks, cells: Size, seed: int) -> SparseVolume:
        """The id volume on the latent grid. seed: decides which codes are drawn."""
        return random_id_volume(tracks, cells, self.codes, seed=seed, fold=self.fold)

    def features(self, volume: SparseVolume) -> Tensor:
        """(T, C, h, w) of the first layer, computed from the points."""
        weight = self.first.weight
        moved = replace(
            volume,
            cells=volume.cells.to(weight.device),
            tracks=volume.tracks.to(weight.device),
            rows=volume.rows.to(weight.device),
        )
        assert self.first.bias is not None
        return convolve_points(moved, weight, self.first.bias)


def track_net_of(unet: Any, codes: IdEmbedding | None = None, fold: int = 1) -> TrackNet:
    """A new Track-ControlNet for a base UNetMotionModel, ready to be trained; the base keeps its
    weights. Its arguments are TrackNet's."""
    copied = {name: deepcopy(getattr(unet, name)) for name in _COPIED}
    parts = SimpleNamespace(config=unet.config, conv_in=unet.conv_in, **copied)
    network = TrackNet(parts, codes, fold).requires_grad_(True)
    return network.to(unet.device, unet.dtype)


class PreparedVolumeControl:
    """The features of a run's tracks, computed once."""

    motion: str | None = None

    def __init__(self, network: TrackNet, features: Tensor) -> None:
        self._network, self._features = network, features

    def signals(self, timestep: Tensor, words: Tensor, adapter: str | None) -> Signals:
        """What the tracks add. Raises ValueError for an adapter: there is none."""
        if adapter is not None:
            raise ValueError(f"a Track-ControlNet has no adapters; got {adapter!r}.")
        return self._network(self._features, timestep, words)


class TrackNetTracks:
    """A TrackControl for AnimateDiffFamily. seed: decides which codes tracks get."""

    def __init__(self, network: TrackNet, seed: int = 0) -> None:
        self.network, self.seed = network, seed

    def prepare(
        self, tracks: Tracks, weights: Tensor, condition: AnimateDiffCondition
    ) -> PreparedVolumeControl:
        """The tracks' features. weights: (N,) 0..1, what their codes are multiplied with."""
        height, width = condition.shape[-2:]
        volume = self.network.volume(tracks, Size(width, height), self.seed)
        weighted = replace(volume, rows=volume.rows * weights.to(volume.rows)[:, None])
        return PreparedVolumeControl(self.network, self.network.features(weighted))

    def residuals(
        self,
        prepared: PreparedVolumeControl,
        latents: Tensor,
        timestep: Tensor,
        condition: AnimateDiffCondition,
    ) -> ControlResiduals:
        """The same features at every step."""
        return ControlResiduals(prepared)


def _encoder(unet: Any) -> tuple[list[int], list[int]]:
    """Widths of the levels of an encoder, and of every skip connection it makes."""
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
