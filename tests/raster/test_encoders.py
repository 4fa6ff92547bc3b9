from __future__ import annotations

import pytest
import torch

from motion_core.geometry import Size
from motion_core.raster import (
    GaussianFlowEncoder,
    IdEmbedding,
    IdVolumeEncoder,
    LatentCellEncoder,
    RegionFlowEncoder,
    SparseVolume,
    TrackEncoder,
    fold_volume,
    gaussian_flow,
    id_volume,
    latent_cells,
    region_flow,
)

from .strategies import crowd

TRACKS, GRID = crowd(9, 20, Size(96, 64)), Size(24, 16)


def test_the_id_encoder_draws_by_seed_and_folds_onto_the_grid() -> None:
    volume = IdVolumeEncoder(IdEmbedding(dim=8), seed=4, fold=2).encode(TRACKS, GRID)
    rows = IdEmbedding(dim=8).rows(20, 4)
    fine = id_volume(TRACKS, Size(48, 32), rows=rows)
    assert isinstance(volume, SparseVolume)
    assert volume.shape == (9, 16, 24, 32)
    assert torch.equal(volume.to_dense(), fold_volume(fine, 2))


def test_the_paper_settings_are_the_defaults() -> None:
    assert IdVolumeEncoder().encode(TRACKS, GRID).shape == (9, 16, 24, 64)
    assert GaussianFlowEncoder() == GaussianFlowEncoder(kernel_px=99, sigma_px=10.0)
    assert RegionFlowEncoder().block_px == 8
    assert LatentCellEncoder().frame_stride == 4


def test_encoders_pass_their_settings_on() -> None:
    brush = torch.ones(16, 24)
    pairs: list[tuple[TrackEncoder[torch.Tensor], torch.Tensor]] = [
        (GaussianFlowEncoder(9, 2.0), gaussian_flow(TRACKS, GRID, kernel_px=9, sigma_px=2.0)),
        (RegionFlowEncoder(4, brush), region_flow(TRACKS, GRID, block_px=4, brush=brush)),
        (LatentCellEncoder(2), latent_cells(TRACKS, GRID, frame_stride=2)),
    ]
    for encoder, wanted in pairs:
        assert torch.equal(encoder.encode(TRACKS, GRID), wanted)


@pytest.mark.parametrize(
    "encoder",
    [IdVolumeEncoder(), GaussianFlowEncoder(), RegionFlowEncoder(), LatentCellEncoder()],
    ids=lambda encoder: type(encoder).__name__,
)
def test_encoders_refuse_a_grid_without_cells(encoder: TrackEncoder) -> None:
    with pytest.raises(ValueError, match="canvas"):
        encoder.encode(TRACKS, Size(0, 16))


def test_a_fold_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="fold"):
        IdVolumeEncoder(fold=0).encode(TRACKS, GRID)
