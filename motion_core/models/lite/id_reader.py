"""Reading the random-ID volume: who is where, found by likeness of codes.

Motion Prompting (section 4.2) feeds the volume to convolutions. At this scale plain convolutions
do not learn to compare codes across frames; attention by cosine does it untrained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...geometry import Size
from ...raster.ids import IdEmbedding
from ...raster.sparse import SparseVolume
from ...tracks.model import Tracks, make_tracks

# Codes are compared at this many places of the volume a side.
VOLUME_SIDE = 256


def far_apart(embedding: IdEmbedding, count: int, seed: int) -> Tensor:
    """`count` integers of the embedding's pool, as far from each other as chance allows: (count,).

    The pool is cut into `count` equal parts and one integer is drawn from the middle half of each,
    in random order: codes of close integers are nearly the same and would be mistaken for each
    other. Raises ValueError when the pool holds fewer than `count`.
    """
    if count > embedding.pool:
        return embedding.draw(count, seed)
    generator = torch.Generator().manual_seed(seed)
    part = embedding.pool / max(count, 1)
    place = torch.arange(count) + 0.25 + 0.5 * torch.rand(count, generator=generator)
    integers = (place * part).floor().long().clamp(max=embedding.pool - 1)
    return integers[torch.randperm(count, generator=generator)]


class IdReader(nn.Module):
    """Finds, for every code in frame 0, the same code in the other frames.

    Queries and keys start as the codes themselves; a null key takes codes that are not there.
    """

    def __init__(self, dim: int = 64) -> None:
        super().__init__()
        self.project = nn.Linear(dim, dim, bias=False)
        nn.init.eye_(self.project.weight)
        self.sharpness = nn.Parameter(torch.tensor(4.0))
        self.least = nn.Parameter(torch.tensor(0.8))

    def forward(self, volume: SparseVolume) -> tuple[Tensor, Tensor, Tensor]:
        """Places (K, 2) in cells of the K codes in frame 0, and, for every frame, where they are
        (T, K, 2), and how surely they are there (T, K) 0..1."""
        codes, cells = occupied(volume, 0)
        start = _places(cells, volume.grid)
        query = functional.normalize(self.project(codes), dim=-1)
        found, sure = [start], [start.new_ones(len(start))]
        for frame in range(1, volume.frames):
            codes, cells = occupied(volume, frame)
            key = functional.normalize(self.project(codes), dim=-1)
            logits = (query @ key.T - self.least) * self.sharpness.exp()
            null = torch.zeros_like(logits[:, :1]) if len(key) else query.new_zeros(len(query), 1)
            weights = torch.cat([logits, null], dim=1).softmax(dim=1)
            there = 1 - weights[:, -1]
            at = weights[:, :-1] @ _places(cells, volume.grid)
            found.append(at / there.clamp(min=1e-6)[:, None])
            sure.append(there)
        return start, torch.stack(found), torch.stack(sure)


def occupied(volume: SparseVolume, frame: int) -> tuple[Tensor, Tensor]:
    """What stands in the cells of a frame: codes (K, D), summed where tracks meet, and their cells
    (K,) within the frame."""
    area = volume.grid.width * volume.grid.height
    here = volume.cells // area == frame
    cells, owner = torch.unique(volume.cells[here] % area, return_inverse=True)
    codes = volume.rows.new_zeros(len(cells), volume.rows.shape[1])
    return codes.index_add(0, owner, volume.rows[volume.tracks[here]]), cells


def matched_tracks(reader: IdReader, volume: SparseVolume, size: Size) -> Tracks:
    """Tracks on a canvas as a reader recovers them from a volume."""
    start, found, sure = reader(volume)
    factor = start.new_tensor(size) / start.new_tensor(volume.grid)
    visible = sure > 0.5
    at = torch.where(visible[..., None], found, start)
    return make_tracks((at * factor).detach(), size, visible=visible)


def _places(cells: Tensor, grid: Size) -> Tensor:
    column, row = cells % grid.width, cells // grid.width
    return torch.stack([column, row], dim=1).float() + 0.5
