"""Launches id_volume.cu: rows scattered into a volume, and its gradient gathered into rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import loader

FILE = "id_volume.cu"


@dataclass(frozen=True, eq=False)
class Entries:
    """The non-zero entries of a sparse volume.

    Attributes:
        slots: (M,) int64, cell * phases + phase of each entry.
        tracks: (M,) int64, the row that each entry holds.
        shape: (T, H, W, dim * phases) of the dense volume.
        phases: how many rows share a cell, one below the other in the channels; 1 unless folded.
    """

    slots: Tensor
    tracks: Tensor
    shape: tuple[int, int, int, int]
    phases: int

    @property
    def slots_per_frame(self) -> int:
        """The number of slots in a frame."""
        return self.shape[1] * self.shape[2] * self.phases


def add_rows(entries: Entries, rows: Tensor, dtype: torch.dtype) -> Tensor | None:
    """The dense volume of rows, zero where no entry lies.

    Sums run in entry order in float32 and are rounded once to `dtype`.

    Args:
        entries: the volume's entries.
        rows: (N, dim).
        dtype: of the volume.

    Returns:
        (T, H, W, dim * phases) of `dtype`; None where the kernel cannot run, so that the caller
        uses torch operations.
    """
    frames, per_frame, width = entries.shape[0], entries.slots_per_frame, entries.shape[3]
    if not _fits(rows.dtype, dtype, len(entries.slots), frames, per_frame, width):
        return None
    kernels = loader.launchers(FILE, ["link_entries", "order_entries", "fill_volume"], rows.device)
    if kernels is None:
        return None
    volume = torch.empty(entries.shape, dtype=dtype, device=rows.device)
    if not volume.numel():
        return volume
    head, following = _linked_lists(kernels, entries.slots, frames, per_frame)
    across, down = _block(-(-width // 4))
    sizes = [frames, per_frame, rows.shape[1], entries.phases]
    args = [
        rows.contiguous(),
        loader.DTYPE_CODES[rows.dtype],
        entries.tracks,
        head,
        following,
        *sizes,
    ]
    blocks = loader.num_blocks(frames * per_frame // entries.phases, down)
    kernels[2]((blocks, 1, 1), (across, down, 1), [*args, volume, loader.DTYPE_CODES[dtype]])
    return volume


def gather_gradient(entries: Entries, gradient: Tensor, rows: Tensor) -> Tensor | None:
    """The gradient of the rows: the volume's gradient summed over the entries of each track.

    Sums run frame by frame, then in entry order.

    Args:
        entries: the volume's entries.
        gradient: of the dense volume, shaped `entries.shape`.
        rows: (N, dim) uninitialised tensor that is filled and returned.

    Returns:
        `rows`, or None where the kernel cannot run.
    """
    (count, dim), frames = rows.shape, entries.shape[0]
    if not _fits(gradient.dtype, rows.dtype, len(entries.slots), count, frames, dim):
        return None
    kernels = loader.launchers(FILE, ["link_entries", "order_entries", "gather_rows"], rows.device)
    if kernels is None:
        return None
    if not rows.numel():
        return rows
    per_frame = max(entries.slots_per_frame, 1)
    keys = (entries.slots // per_frame).add_(entries.tracks, alpha=frames)
    head, following = _linked_lists(kernels, keys, count, frames)
    across, down = _block(dim)
    sizes = [count, frames, dim, entries.phases]
    args = [
        gradient.contiguous(),
        loader.DTYPE_CODES[gradient.dtype],
        entries.slots,
        head,
        following,
        *sizes,
    ]
    blocks = loader.num_blocks(count, down)
    kernels[2]((blocks, 1, 1), (across, down, 1), [*args, rows, loader.DTYPE_CODES[rows.dtype]])
    return rows


def _linked_lists(
    kernels: list[loader.Launch], keys: Tensor, groups: int, per_group: int
) -> tuple[Tensor, Tensor]:
    """The entries of every key in ascending order, as linked lists.

    Returns the first entry of each key (-1 for none) and the entry that follows each entry.
    """
    keys = keys.contiguous()
    head = torch.full((groups * per_group,), -1, dtype=torch.int32, device=keys.device)
    following = torch.empty(len(keys), dtype=torch.int32, device=keys.device)
    threads = (loader.BLOCK_THREADS, 1, 1)
    blocks = (loader.num_blocks(len(keys)), 1, 1)
    kernels[0](blocks, threads, [keys, len(keys), groups, per_group, head, following])
    kernels[1]((loader.num_blocks(len(head)), 1, 1), threads, [groups, per_group, head, following])
    return head, following


def _block(width: int) -> tuple[int, int]:
    """The shape of a block: a power of two at least `width` across, the other threads down."""
    across = min(1 << max(width - 1, 0).bit_length(), loader.BLOCK_THREADS)
    return across, loader.BLOCK_THREADS // across


def _fits(source: torch.dtype, target: torch.dtype, *sizes: int) -> bool:
    """Whether the kernels support these dtypes and sizes."""
    known = source in loader.DTYPE_CODES and target in loader.DTYPE_CODES
    return known and all(size <= loader.MAX_INT32 for size in sizes)
