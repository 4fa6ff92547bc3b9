"""Tracks read back from the random-ID volume of Motion Prompting, for measuring that encoding.

Motion Prompting (section 4.2) feeds the volume to convolutions. At this scale plain convolutions
do not learn to compare codes across frames; cosine attention does so without training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..geometry import Size
from ..raster.ids import IdEmbedding
from ..raster.sparse import SparseVolume, sparse_id_volume
from ..tracks.model import Tracks, make_tracks

# Cells of the volume a side.
VOLUME_SIDE = 256


def through_ids(tracks: Tracks, reader: IdReader, seed: int = 0) -> Tracks:
    """Tracks rasterised to the random-ID volume of Motion Prompting, section 4.2.2, and read back.

    Tracks that are not visible in frame 0 are lost, and positions are rounded to cells of the
    volume.

    Args:
        tracks: On any canvas.
        reader: What matches the codes.
        seed: Of the random ids.
    """
    embedding = IdEmbedding()
    codes = embedding.encode(spread_ids(embedding, tracks.num_points, seed))
    with torch.no_grad():
        volume = sparse_id_volume(tracks, Size(VOLUME_SIDE, VOLUME_SIDE), codes)
        return read_tracks(reader, volume, tracks.size)


def spread_ids(embedding: IdEmbedding, count: int, seed: int) -> Tensor:
    """Integers of the embedding's pool, spread evenly over it.

    The pool is cut into `count` equal parts and one integer is drawn from the middle half of each,
    in random order. Codes of close integers are nearly equal and would be confused.

    Args:
        embedding: whose pool is used.
        count: how many integers are drawn.
        seed: of the draw.

    Returns:
        (count,) int64.

    Raises:
        ValueError: the pool holds fewer than `count` integers.
    """
    if count > embedding.pool:
        return embedding.draw(count, seed)
    generator = torch.Generator().manual_seed(seed)
    part = embedding.pool / max(count, 1)
    place = torch.arange(count) + 0.25 + 0.5 * torch.rand(count, generator=generator)
    integers = (place * part).floor().long().clamp(max=embedding.pool - 1)
    return integers[torch.randperm(count, generator=generator)]


class IdReader(nn.Module):
    """Finds, for every code in frame 0, the same code in the other frames by cosine attention.

    Queries and keys start as the codes themselves. A null key takes the codes that a frame lacks.
    """

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.project = nn.Linear(dim, dim, bias=False)
        nn.init.eye_(self.project.weight)
        self.sharpness = nn.Parameter(torch.tensor(4.0))
        self.threshold = nn.Parameter(torch.tensor(0.8))

    def forward(self, volume: SparseVolume) -> tuple[Tensor, Tensor, Tensor]:
        """The cells of every code of frame 0, in all frames.

        Returns:
            (K, 2) positions in frame 0, in cells; (T, K, 2) positions in every frame; (T, K) 0..1
            probability that the code stands in the frame.
        """
        codes, cells = occupied_cells(volume, 0)
        start = _cell_centres(cells, volume.grid)
        query = functional.normalize(self.project(codes), dim=-1)
        positions, presence = [start], [start.new_ones(len(start))]
        for frame in range(1, volume.frames):
            codes, cells = occupied_cells(volume, frame)
            key = functional.normalize(self.project(codes), dim=-1)
            logits = (query @ key.T - self.threshold) * self.sharpness.exp()
            null = torch.zeros_like(logits[:, :1]) if len(key) else query.new_zeros(len(query), 1)
            weights = torch.cat([logits, null], dim=1).softmax(dim=1)
            present = 1 - weights[:, -1]
            position = weights[:, :-1] @ _cell_centres(cells, volume.grid)
            positions.append(position / present.clamp(min=1e-6)[:, None])
            presence.append(present)
        return start, torch.stack(positions), torch.stack(presence)


def occupied_cells(volume: SparseVolume, frame: int) -> tuple[Tensor, Tensor]:
    """Codes (K, D) of the occupied cells of a frame, and the cells' indices (K,) within the frame.

    Codes of tracks that meet in a cell are summed.
    """
    area = volume.grid.width * volume.grid.height
    here = volume.cells // area == frame
    cells, owner = torch.unique(volume.cells[here] % area, return_inverse=True)
    codes = volume.rows.new_zeros(len(cells), volume.rows.shape[1])
    return codes.index_add(0, owner, volume.rows[volume.tracks[here]]), cells


def read_tracks(reader: IdReader, volume: SparseVolume, size: Size) -> Tracks:
    """Tracks on a canvas of `size`, as a reader recovers them from a volume."""
    start, positions, presence = reader(volume)
    factor = start.new_tensor(size) / start.new_tensor(volume.grid)
    visible = presence > 0.5
    xy = torch.where(visible[..., None], positions, start)
    return make_tracks((xy * factor).detach(), size, visible=visible)


def _cell_centres(cells: Tensor, grid: Size) -> Tensor:
    column, row = cells % grid.width, cells // grid.width
    return torch.stack([column, row], dim=1).float() + 0.5
