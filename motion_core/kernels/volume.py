"""Launches id_volume.cu: rows added into a volume, and its gradient gathered back into rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from . import loader

FILE = "id_volume.cu"


@dataclass(frozen=True, eq=False)
class Entries:
    """Rows that lie in a volume of places x width numbers.

    slots: (M,) int64, place * phases + phase of each. tracks: (M,) int64, which row it holds.
    shape: (T, H, W, dim * phases) of the volume.
    """

    slots: Tensor
    tracks: Tensor
    shape: tuple[int, int, int, int]
    phases: int

    @property
    def slots_per_frame(self) -> int:
        """How many keys there are in a frame."""
        return self.shape[1] * self.shape[2] * self.phases


def add_rows(entries: Entries, rows: Tensor, dtype: torch.dtype) -> Tensor | None:
    """The volume (T, H, W, dim * phases) of rows (N, dim), zero where none is.

    Sums run in entry order in float32 and are rounded once. None where the kernel cannot run: then
    the caller does the same with torch.
    """
    frames, per_frame, width = entries.shape[0], entries.slots_per_frame, entries.shape[3]
    if not _fits(rows.dtype, dtype, len(entries.slots), frames, per_frame, width):
        return None
    ready = loader.launchers(FILE, ["link_entries", "order_entries", "fill_volume"], rows.device)
    if ready is None:
        return None
    volume = torch.empty(entries.shape, dtype=dtype, device=rows.device)
    if not volume.numel():
        return volume
    head, after = _lists(ready, entries.slots, frames, per_frame)
    across, down = _block(-(-width // 4))
    sizes = [frames, per_frame, rows.shape[1], entries.phases]
    args = [rows.contiguous(), loader.KINDS[rows.dtype], entries.tracks, head, after, *sizes]
    blocks = loader.over(frames * per_frame // entries.phases, down)
    ready[2]((blocks, 1, 1), (across, down, 1), [*args, volume, loader.KINDS[dtype]])
    return volume


def gather_gradient(entries: Entries, gradient: Tensor, rows: Tensor) -> Tensor | None:
    """The gradient (N, dim) of rows: that of the volume, summed over the entries of each track.

    gradient: as entries.shape. rows: an empty tensor to be filled, which is returned. Sums run
    frame by frame, then in entry order. None where the kernel cannot run.
    """
    (count, dim), frames = rows.shape, entries.shape[0]
    if not _fits(gradient.dtype, rows.dtype, len(entries.slots), count, frames, dim):
        return None
    ready = loader.launchers(FILE, ["link_entries", "order_entries", "gather_rows"], rows.device)
    if ready is None:
        return None
    if not rows.numel():
        return rows
    per_frame = max(entries.slots_per_frame, 1)
    keys = (entries.slots // per_frame).add_(entries.tracks, alpha=frames)
    head, after = _lists(ready, keys, count, frames)
    across, down = _block(dim)
    sizes = [count, frames, dim, entries.phases]
    args = [gradient.contiguous(), loader.KINDS[gradient.dtype], entries.slots, head, after, *sizes]
    blocks = loader.over(count, down)
    ready[2]((blocks, 1, 1), (across, down, 1), [*args, rows, loader.KINDS[rows.dtype]])
    return rows


def _lists(
    ready: list[loader.Launch], keys: Tensor, groups: int, per_group: int
) -> tuple[Tensor, Tensor]:
    """Entries of every key in ascending order: the first of each (or -1), and who comes after."""
    keys = keys.contiguous()
    head = torch.full((groups * per_group,), -1, dtype=torch.int32, device=keys.device)
    after = torch.empty(len(keys), dtype=torch.int32, device=keys.device)
    threads = (loader.BLOCK, 1, 1)
    blocks = (loader.over(len(keys)), 1, 1)
    ready[0](blocks, threads, [keys, len(keys), groups, per_group, head, after])
    ready[1]((loader.over(len(head)), 1, 1), threads, [groups, per_group, head, after])
    return head, after


def _block(width: int) -> tuple[int, int]:
    """Threads of a block: enough across for `width`, the rest down; powers of two."""
    across = min(1 << max(width - 1, 0).bit_length(), loader.BLOCK)
    return across, loader.BLOCK // across


def _fits(source: torch.dtype, target: torch.dtype, *sizes: int) -> bool:
    """Whether the kernels can count so far and read and write these numbers."""
    known = source in loader.KINDS and target in loader.KINDS
    return known and all(size <= loader.MOST for size in sizes)
