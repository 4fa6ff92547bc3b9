"""The first layer of the Track-ControlNet: random ids of tracks, folded into Wan's tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import ShapeError
from ...geometry import Size
from ...raster.sparse import SparseVolume, fold_sparse, sparse_id_volume
from ...tracks.model import Tracks
from .latents import CELL_PX, FRAME_STRIDE, latent_frames


class TrackEmbedding(nn.Module):
    """A convolution over the id volume (Motion Prompting §4.2), computed from its points alone.

    The volume (T, H, W, ids) has the pixels of the image. It is folded to the latent grid, 4 frames
    x 8x8 pixels, with three empty frames before the first, because Wan's first latent frame stands
    for a single frame; then patches of 2x2 cells become tokens. Together this is one linear map per
    place in a token's 4 x 16 x 16 block. At 81 frames of 832x480 the volume would have 2 billion
    numbers, nearly all of them zero.

    Args:
        ids: Length of a track's code.
        width: Of a token.
        patch: Latent cells along the side of a token.
        seed: Of the first weights.
    """

    def __init__(self, ids: int, width: int, patch: int, seed: int = 0) -> None:
        super().__init__()
        self.patch = patch
        # Scaled for one point per token; more of them in one block are rare.
        shape = (FRAME_STRIDE * (patch * CELL_PX) ** 2, ids, width)
        generator = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(shape, generator=generator) / ids**0.5)

    def forward(self, tracks: Tracks, codes: Tensor) -> Tensor:
        """(S, width), embeddings of the tracks for every token, in the transformer's order.

        Args:
            tracks: 4k+1 frames on the image's canvas.
            codes: (N, ids), one per track.

        Raises:
            ShapeError: For codes of another length, and what latent_frames and fold_sparse raise.
        """
        if codes.ndim != 2 or codes.shape[1] != self.weight.shape[1]:
            raise ShapeError(
                f"codes must be (N, {self.weight.shape[1]}); got {tuple(codes.shape)}."
            )
        place, phase, track, tokens = _points(tracks, codes, self.patch * CELL_PX)
        codes = codes.to(self.weight)
        embeds = codes.new_zeros(tokens, self.weight.shape[2])
        order = torch.argsort(phase, stable=True)
        present, counts = torch.unique(phase, return_counts=True)
        groups = order.split(counts.tolist())
        # Unbound once: the gradient of every single index would be as large as the whole weight.
        maps = self.weight.unbind(0)
        for which, group in zip(present.tolist(), groups, strict=True):
            added = codes[track[group]] @ maps[which]
            # Under autocast products are narrower than their sum.
            embeds.index_add_(0, place[group], added.to(embeds))
        return embeds


def _points(tracks: Tracks, codes: Tensor, block: int) -> tuple[Tensor, Tensor, Tensor, int]:
    """Token, place in its block and track of every visible point, and the number of tokens."""
    size = Size(*tracks.size)
    volume: SparseVolume = fold_sparse(sparse_id_volume(tracks, size, codes), block)
    frame, row, column, phase = volume.positions().unbind(1)
    late = frame + FRAME_STRIDE - 1
    _, height, width, _ = volume.shape
    place = (late // FRAME_STRIDE * height + row) * width + column
    phase = late % FRAME_STRIDE * block**2 + phase
    return place, phase, volume.tracks, latent_frames(tracks.num_frames) * height * width
