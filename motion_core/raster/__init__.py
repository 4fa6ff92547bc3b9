"""Tracks rasterised to the conditioning of video models.

`reference.py` defines every format as a plain loop; the other modules are the fast paths.
"""

from __future__ import annotations

from .gaussian import gaussian_flow
from .ids import IdEmbedding
from .latent import latent_cells
from .region import region_flow
from .sparse import (
    SparseVolume,
    fold_sparse,
    fold_volume,
    id_volume,
    random_id_volume,
    sparse_id_volume,
)

__all__ = [
    "IdEmbedding",
    "SparseVolume",
    "fold_sparse",
    "fold_volume",
    "gaussian_flow",
    "id_volume",
    "latent_cells",
    "random_id_volume",
    "region_flow",
    "sparse_id_volume",
]
