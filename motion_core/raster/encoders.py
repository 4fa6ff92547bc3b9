"""One question asked of every model family: what do you want to see of these tracks?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from torch import Tensor

from ..geometry import Size, checked_size
from ..tracks.arguments import whole_number
from ..tracks.model import Tracks
from .gaussian import gaussian_flow
from .ids import IdEmbedding
from .latent import latent_cells
from .region import region_flow
from .sparse import SparseVolume, fold_sparse, sparse_id_volume

Conditioning = TypeVar("Conditioning", covariant=True)


class TrackEncoder(Protocol[Conditioning]):
    """Turns tracks into the conditioning of one model family."""

    def encode(self, tracks: Tracks, grid: Size) -> Conditioning:
        """What the family's control branch reads.

        grid: width and height of the result. The canvas of the tracks need not match it.
        """
        ...


@dataclass(frozen=True)
class IdVolumeEncoder:
    """Motion Prompting: random codes of the tracks, as a sparse volume.

    seed decides which codes are drawn. With fold = r tracks are drawn on a grid r times finer and
    folded by PixelUnshuffle, so the volume has r*r times the channels on the same grid.
    """

    embedding: IdEmbedding = field(default_factory=IdEmbedding)
    seed: int = 0
    fold: int = 1

    def encode(self, tracks: Tracks, grid: Size) -> SparseVolume:
        """The id volume; .to_dense(dtype) gives (T, H, W, D*r*r)."""
        fold = whole_number("fold", self.fold, least=1)
        width, height = checked_size(*grid)
        rows = self.embedding.rows(tracks.num_points, self.seed).to(tracks.device)
        fine = checked_size(width * fold, height * fold)
        return fold_sparse(sparse_id_volume(tracks, fine, rows), fold)


@dataclass(frozen=True)
class GaussianFlowEncoder:
    """Image Conductor: blurred step displacements; sizes in pixels of the grid."""

    kernel_px: int = 99
    sigma_px: float = 10.0

    def encode(self, tracks: Tracks, grid: Size) -> Tensor:
        """(T, H, W, 2), as gaussian_flow."""
        return gaussian_flow(tracks, grid, kernel_px=self.kernel_px, sigma_px=self.sigma_px)


@dataclass(frozen=True, eq=False)
class RegionFlowEncoder:
    """MotionPro: displacement since frame 0 on small blocks, and a motion mask."""

    block_px: int = 8
    brush: Tensor | None = None

    def encode(self, tracks: Tracks, grid: Size) -> Tensor:
        """(T, H, W, 3), as region_flow."""
        return region_flow(tracks, grid, block_px=self.block_px, brush=self.brush)


@dataclass(frozen=True)
class LatentCellEncoder:
    """Wan-Move: where in the latent each track is, so that first-frame features can follow it."""

    frame_stride: int = 4

    def encode(self, tracks: Tracks, grid: Size) -> Tensor:
        """(T', N, 2) cells (x, y) or (-1, -1), as latent_cells."""
        return latent_cells(tracks, grid, frame_stride=self.frame_stride)
