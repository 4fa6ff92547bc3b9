"""The id volume of Motion Prompting, as sparse entries and as a dense tensor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..errors import ShapeError
from ..geometry import Size, checked_size
from ..kernels.volume import Entries, add_rows, gather_gradient
from ..tracks.arguments import whole_number
from ..tracks.model import Tracks
from .cells import check_frames, grid_cells
from .chunks import frame_chunks, rows_per_chunk
from .ids import IdEmbedding
from .memory import check_fits
from .scatter import scatter_add_rows, scatter_sum

DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


@dataclass(frozen=True, eq=False)
class SparseVolume:
    """A volume (T, H, W, D) that is zero except for M entries; entries that share a cell add up.

    Entries made by sparse_id_volume are ordered by frame, then by track.

    Attributes:
        cells: (M,) int64, the cell of each entry: (t * H + y) * W + x on `grid`.
        tracks: (M,) int64, the index of each entry's row in `rows`.
        rows: (N, D) floating point, one code per track. Gradients reach them through to_dense and
            through any use of rows[tracks].
        frames: T.
        grid: W and H, on which cells are counted.
        fold: r. Above 1 the volume stands for its PixelUnshuffle by r: (T, H/r, W/r, D*r*r).

    Raises:
        TypeError, ShapeError, ValueError: the attributes do not agree.
    """

    cells: Tensor
    tracks: Tensor
    rows: Tensor
    frames: int
    grid: Size
    fold: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", checked_size(*self.grid))
        whole_number("SparseVolume.frames", self.frames)
        _check_rows(self.rows)
        _check_fold(self.grid, self.fold)
        places = self.frames * self.grid.width * self.grid.height
        _check_index("cells", self.cells, places, self.rows.device)
        _check_index("tracks", self.tracks, len(self.rows), self.rows.device)
        if len(self.cells) != len(self.tracks):
            raise ShapeError(
                f"SparseVolume needs one track per cell; got {len(self.cells)} cells and "
                f"{len(self.tracks)} tracks."
            )

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of the dense volume: (T, H, W, D), after folding."""
        width, height = self.grid.width // self.fold, self.grid.height // self.fold
        return (self.frames, height, width, self.rows.shape[1] * self.fold**2)

    def positions(self) -> Tensor:
        """Frame, row, column and phase of every entry: (M, 4) int64 on the folded grid.

        Channel d of an entry's row is channel d*r*r + phase of the volume (phase is 0 unless
        folded).
        """
        width, height = self.grid
        column, line = self.cells % width, self.cells // width
        row, frame = line % height, line // height
        r = self.fold
        phase = row % r * r + column % r
        return torch.stack([frame, row // r, column // r, phase], dim=1)

    def to_dense(self, dtype: torch.dtype | None = None) -> Tensor:
        """The volume as one contiguous tensor, channels last: (T, H, W, D).

        Sums are taken in float32 or wider and rounded once. Differentiable (once) with respect to
        `rows`.

        Args:
            dtype: float32, float16, bfloat16 or float64; that of `rows` when None.

        Raises:
            TypeError: another dtype.
            ValueError: the volume exceeds the device's memory.
        """
        dtype = dtype or self.rows.dtype
        if dtype not in DTYPES:
            raise TypeError(f"an id volume is one of {', '.join(map(str, DTYPES))}; got {dtype}.")
        check_fits("an id volume", self.shape, dtype, self.rows.device)
        return _Densify.apply(self.rows, self, dtype)


def sparse_id_volume(
    tracks: Tracks, grid: Size, rows: Tensor, *, frames: int | None = None
) -> SparseVolume:
    """The cells of a grid that every visible track passes (Motion Prompting §4.2).

    A point of track n in frame t that is visible and inside the canvas puts rows[n] into cell
    floor(xy * grid / canvas).

    Args:
        tracks: on any canvas.
        grid: width and height of the volume.
        rows: (N, D), as from IdEmbedding.
        frames: the expected number of frames, or None for any.

    Returns:
        A volume with M <= T*N entries.

    Raises:
        ShapeError: rows are not (N, D), or the tracks have another number of frames.
        TypeError: rows are integers.
        ValueError: the grid has no cells, or rows and tracks are on different devices.
    """
    grid = checked_size(*grid)
    check_frames(tracks, frames)
    _check_rows(rows)
    if len(rows) != tracks.num_points:
        raise ShapeError(
            f"there are {tracks.num_points} tracks but {len(rows)} rows; draw one row per track: "
            "IdEmbedding().rows(tracks.num_points, seed)."
        )
    if rows.device != tracks.device:
        raise ValueError(
            f"rows are on {rows.device} but the tracks on {tracks.device}; move one to the other."
        )
    cells, passing = [], []
    track = torch.arange(tracks.num_points, device=tracks.device)
    for chunk in frame_chunks(tracks):
        columns, lines, counts = grid_cells(tracks, grid, chunk)
        frame = torch.arange(chunk.start, chunk.stop, device=tracks.device)[:, None]
        cell = torch.add(columns, lines, alpha=grid.width).add_(frame * grid.height * grid.width)
        cells.append(cell.masked_select(counts))
        passing.append(track.expand_as(counts).masked_select(counts))
    return SparseVolume(torch.cat(cells), torch.cat(passing), rows, tracks.num_frames, grid)


def random_id_volume(
    tracks: Tracks, grid: Size, embedding: IdEmbedding, *, seed: int = 0, fold: int = 1
) -> SparseVolume:
    """The sparse id volume of tracks whose ids are drawn at random (Motion Prompting §4.2).

    Args:
        tracks: on any canvas.
        grid: width and height of the result.
        embedding: turns ids into rows of D numbers.
        seed: decides which ids are drawn.
        fold: r. Above 1 the volume is drawn on a grid r times finer and folded by PixelUnshuffle.

    Returns:
        A volume that stands for (T, H, W, D*r*r); `.to_dense(dtype)` builds it.

    Raises:
        TypeError, ValueError: for a grid or fold below 1, and what `IdEmbedding.draw` raises.
    """
    factor = whole_number("fold", fold, least=1)
    width, height = checked_size(*grid)
    rows = embedding.rows(tracks.num_points, seed).to(tracks.device)
    fine = checked_size(width * factor, height * factor)
    return fold_sparse(sparse_id_volume(tracks, fine, rows), factor)


def id_volume(
    tracks: Tracks,
    grid: Size,
    *,
    rows: Tensor,
    dtype: torch.dtype | None = None,
    frames: int | None = None,
) -> Tensor:
    """The dense id volume: (T, H, W, D), zero where no track passes, channels last.

    Args:
        tracks: on any canvas.
        grid: width and height of the volume.
        rows: (N, D), as from IdEmbedding.
        dtype: of the result; that of `rows` when None.
        frames: the expected number of frames, or None for any.

    Returns:
        The same as sparse_id_volume(...).to_dense(dtype).

    Raises:
        The errors of sparse_id_volume and SparseVolume.to_dense.
    """
    return sparse_id_volume(tracks, grid, rows, frames=frames).to_dense(dtype)


def fold_sparse(volume: SparseVolume, factor: int) -> SparseVolume:
    """PixelUnshuffle of a sparse volume: (T, H, W, D) to (T, H/r, W/r, D*r*r).

    No tensor is computed or made dense. Channels are ordered as in fold_volume.

    Args:
        volume: not folded yet.
        factor: r.

    Raises:
        ValueError: r does not divide both sides, or the volume is folded already.
    """
    if volume.fold != 1:
        raise ValueError(
            f"this volume is folded by {volume.fold} already; fold the unfolded one by the whole "
            f"factor, for instance {volume.fold}*{factor}."
        )
    return replace(volume, fold=factor)


def fold_volume(volume: Tensor, factor: int) -> Tensor:
    """PixelUnshuffle of a dense volume, channels last: (T, H, W, D) to (T, H/r, W/r, D*r*r).

    Channel d of pixel (dy, dx) in its r x r block becomes channel d*r*r + dy*r + dx, the order of
    torch.nn.functional.pixel_unshuffle.

    Args:
        volume: (T, H, W, D).
        factor: r.

    Raises:
        ShapeError: the volume is not (T, H, W, D).
        ValueError: r does not divide H and W.
    """
    if volume.ndim != 4:
        raise ShapeError(f"fold_volume takes (T, H, W, D); got {tuple(volume.shape)}.")
    frames, height, width, dim = volume.shape
    r = _check_fold(Size(width, height), factor)
    blocks = volume.reshape(frames, height // r, r, width // r, r, dim)
    blocks = blocks.permute(0, 1, 3, 5, 2, 4)
    return blocks.reshape(frames, height // r, width // r, dim * r * r)


class _Densify(torch.autograd.Function):
    """Adds rows into a volume; its gradient adds the volume's cells back into rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, volume: SparseVolume, dtype: torch.dtype) -> Tensor:
        entries = Entries(_slots(volume), volume.tracks, volume.shape, volume.fold**2)
        ctx.entries, ctx.fold = entries, volume.fold
        ctx.rows_shape, ctx.rows_dtype = rows.shape, rows.dtype
        dense = add_rows(entries, rows, dtype)
        if dense is not None:
            return dense
        dense = torch.zeros(volume.shape, dtype=dtype, device=rows.device)
        buffer = _as_rows(dense, rows.shape[1], volume.fold)
        scatter_add_rows(buffer, entries.slots, rows, entries.tracks)
        return dense

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        grad_rows = grad.new_zeros(ctx.rows_shape, dtype=ctx.rows_dtype)
        if gather_gradient(ctx.entries, grad, grad_rows) is None:
            buffer = _as_rows(grad, ctx.rows_shape[1], ctx.fold)
            scatter_sum(grad_rows, ctx.entries.tracks, buffer, ctx.entries.slots)
        return grad_rows, None, None


def _slots(volume: SparseVolume) -> Tensor:
    """Each entry's flat index in the dense volume: cell, or folded cell * r*r + phase."""
    if volume.fold == 1:
        return volume.cells
    _, height, width, _ = volume.shape
    frame, row, column, phase = volume.positions().unbind(dim=1)
    return ((frame * height + row) * width + column) * volume.fold**2 + phase


def _as_rows(dense: Tensor, dim: int, fold: int) -> Tensor:
    """A volume as read_rows and write_rows index it: (cells, D) or (cells, D, r*r)."""
    if fold == 1:
        return dense.reshape(-1, dim)
    return dense.reshape(-1, dim, fold**2)


def _check_rows(rows: Tensor) -> None:
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ShapeError(f"rows must be (N, D) with D >= 1; got {tuple(rows.shape)}.")
    if not rows.is_floating_point():
        raise TypeError(
            f"rows must be floating point; got {rows.dtype}. Turn integers into rows with "
            "IdEmbedding.encode."
        )


def _check_fold(grid: Size, factor: int) -> int:
    whole_number("fold factor", factor, least=1)
    if grid.width % factor or grid.height % factor:
        raise ValueError(
            f"a {grid} grid cannot be folded by {factor}: both sides must be multiples of it."
        )
    return factor


def _check_index(name: str, index: Tensor, limit: int, device: torch.device) -> None:
    if index.dtype != torch.int64 or index.ndim != 1:
        raise TypeError(
            f"SparseVolume.{name} must be (M,) int64; got {tuple(index.shape)} {index.dtype}."
        )
    if index.device != device:
        raise ValueError(f"SparseVolume.{name} is on {index.device} but rows are on {device}.")
    for chunk in index.split(rows_per_chunk(1, device)) if len(index) else ():
        least, most = (int(value) for value in torch.aminmax(chunk))
        if least < 0 or most >= limit:
            raise ValueError(
                f"SparseVolume.{name} must lie in 0..{limit - 1}; got {least}..{most}."
            )
