"""The random-ID volume read back: which track is where, without training."""

from __future__ import annotations

import pytest
import torch

from motion_core.evaluation.id_reader import IdReader, read_tracks, spread_ids, through_ids
from motion_core.geometry import Size
from motion_core.raster.ids import IdEmbedding
from motion_core.raster.sparse import sparse_id_volume
from motion_core.tracks.model import make_tracks
from tests.lite.models import wandering


def test_tracks_come_back_from_the_id_volume() -> None:
    """Within the pixel of a 256-cell volume; a point is lost where it is not on the canvas."""
    tracks = wandering(6, 30, Size(256, 256))
    back = through_ids(tracks, IdReader())
    apart = torch.cdist(back.xy[0], tracks.xy[0])
    nearest = apart.argmin(dim=1)
    visible = back.visible & tracks.visible[:, nearest]
    inside = ((tracks.xy >= 0) & (tracks.xy < 256)).all(dim=-1)[:, nearest]
    error = (back.xy - tracks.xy[:, nearest]).norm(dim=-1)
    assert float(error[visible & inside].median()) < 0.75
    assert float((error[visible & inside] < 2).float().mean()) > 0.97
    assert float((back.visible == inside).float().mean()) > 0.97


def test_ids_are_drawn_apart() -> None:
    ids = spread_ids(IdEmbedding(), 256, seed=3)
    assert len(ids.unique()) == 256
    assert int(ids.sort().values.diff().min()) >= 16384 // 256 // 2 - 1
    assert torch.equal(ids, spread_ids(IdEmbedding(), 256, seed=3))
    with pytest.raises(ValueError, match="pool"):
        spread_ids(IdEmbedding(), 20000, seed=0)


@torch.no_grad()
def test_codes_find_themselves_untrained() -> None:
    size, embedding = Size(256, 256), IdEmbedding()
    tracks = wandering(6, 48, size)
    inside = ((tracks.xy > 1) & (tracks.xy < 255)).all(dim=-1)
    visible = inside & (torch.rand(6, 48, generator=torch.Generator().manual_seed(2)) > 0.2)
    visible[0] = inside[0]
    tracks = make_tracks(tracks.xy, size, visible=visible)
    rows = embedding.encode(spread_ids(embedding, 48, seed=0))
    found = read_tracks(IdReader(), sparse_id_volume(tracks, size, rows), size)
    nearest = torch.cdist(found.xy[0], tracks.xy[0].where(visible[0, :, None], 1e4)).argmin(dim=1)
    visible = visible[:, nearest]
    assert torch.equal(found.visible, visible)
    error = (found.xy - tracks.xy[:, nearest]).norm(dim=-1)[visible]
    # A cell is a pixel: no more than half its diagonal is lost.
    assert float(error.max()) < 0.75


def test_gradients_reach_the_reader() -> None:
    size = Size(64, 64)
    tracks = wandering(4, 5, size)
    embedding, reader = IdEmbedding(), IdReader()
    rows = embedding.rows(5, 0)
    _, found, _ = reader(sparse_id_volume(tracks, size, rows))
    found.square().mean().backward()
    assert reader.project.weight.grad is not None
    assert float(reader.project.weight.grad.abs().sum()) > 0
