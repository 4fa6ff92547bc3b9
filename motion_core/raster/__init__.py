"""From tracks to what models read. `reference.py` defines every encoder; the rest is fast."""

from __future__ import annotations

from .encoders import (
    GaussianFlowEncoder,
    IdVolumeEncoder,
    LatentCellEncoder,
    RegionFlowEncoder,
    TrackEncoder,
)
from .gaussian import gaussian_flow
from .ids import IdEmbedding
from .latent import latent_cells
from .region import region_flow
from .sparse import SparseVolume, fold_sparse, fold_volume, id_volume, sparse_id_volume

__all__ = [
    "GaussianFlowEncoder",
    "IdEmbedding",
    "IdVolumeEncoder",
    "LatentCellEncoder",
    "RegionFlowEncoder",
    "SparseVolume",
    "TrackEncoder",
    "fold_sparse",
    "fold_volume",
    "gaussian_flow",
    "id_volume",
    "latent_cells",
    "region_flow",
    "sparse_id_volume",
]
