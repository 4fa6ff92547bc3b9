"""Sums of rows that share a key: reproducible on every device, in order, in float32."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .chunks import rows_per_chunk


@dataclass(frozen=True, eq=False)
class _Groups:
    """Entries that share a key, the largest groups first.

    Attributes:
        keys: (G,), the key of each group.
        start: (G,), where each group begins in `order`.
        order: (M,), entries, those of one group adjacent and in their original order.
        larger_than: at index k, the number of groups with more than k entries.
    """

    keys: Tensor
    start: Tensor
    order: Tensor
    larger_than: list[int]


def _group(keys: Tensor) -> _Groups:
    ordered, order = torch.sort(keys, stable=True)
    is_first = torch.ones_like(ordered, dtype=torch.bool)
    torch.ne(ordered[1:], ordered[:-1], out=is_first[1:])
    start = is_first.nonzero().squeeze(1)
    count = torch.diff(start, append=start.new_tensor([len(keys)]))
    start = start[torch.argsort(count, descending=True, stable=True)]
    of_size = torch.bincount(count.cpu())
    larger_than = (len(count) - of_size.cumsum(0)).tolist()
    return _Groups(ordered[start], start, order, larger_than)


def read_rows(buffer: Tensor, keys: Tensor) -> Tensor:
    """Rows (M, D) of a buffer: (K, D), or (K, D, P) where key = place * P + phase."""
    if buffer.ndim == 2:
        return buffer.index_select(0, keys)
    phases = buffer.shape[2]
    return buffer.transpose(1, 2)[keys // phases, keys % phases]


def write_rows(buffer: Tensor, keys: Tensor, rows: Tensor) -> None:
    """Overwrites rows of a buffer, addressed as in read_rows.

    If a key occurs twice, the device decides which row is kept.
    """
    if buffer.ndim == 2:
        buffer.index_copy_(0, keys, rows)
        return
    phases = buffer.shape[2]
    buffer.transpose(1, 2)[keys // phases, keys % phases] = rows


def scatter_add_rows(
    target: Tensor, target_keys: Tensor, source: Tensor, source_keys: Tensor
) -> None:
    """Compute scatter_sum, faster where few entries share a key.

    Every row is written without a sum first; then the few keys that several entries share get
    their sums.

    Args:
        target: The buffer, addressed as in read_rows.
        target_keys: (S,) where each entry is added.
        source: (M, D) rows.
        source_keys: (S,) which row each entry adds.
    """
    rows = rows_per_chunk(source.shape[1], source.device)
    for keys, members in zip(target_keys.split(rows), source_keys.split(rows), strict=True):
        write_rows(target, keys, read_rows(source, members).to(target.dtype))
    places = target.numel() // source.shape[1]
    colliding = _colliding(target_keys, places)
    scatter_sum(target, target_keys[colliding], source, source_keys[colliding])


def _colliding(keys: Tensor, places: int) -> Tensor:
    """Indices of the entries (S,) that share their key with another, in order.

    Keys lie in 0..places-1. Each entry writes its index at its key; an entry that reads another
    index there marks the key as shared.
    """
    signature = torch.empty(places, dtype=torch.int32, device=keys.device)
    entries = torch.arange(len(keys), dtype=torch.int32, device=keys.device)
    size = rows_per_chunk(1, keys.device)
    chunks = list(zip(keys.split(size), entries.split(size), strict=True))
    for key, entry in chunks:
        signature.index_copy_(0, key, entry)
    for key, entry in chunks:
        signature.index_fill_(0, key[signature.index_select(0, key) != entry], -1)
    colliding = [entry[signature.index_select(0, key) < 0] for key, entry in chunks]
    return torch.cat(colliding).long()


def scatter_sum(target: Tensor, target_keys: Tensor, source: Tensor, source_keys: Tensor) -> None:
    """For every entry m, target[target_keys[m]] becomes the sum of its source[source_keys[m]].

    Rows of `target` that no entry names are unchanged. Sums run in entry order in at least float32
    and are rounded once, when written, so a plain loop gives the same bits.

    Args:
        target: written in place, addressed as in read_rows.
        target_keys: (M,) int64.
        source: read, addressed as in read_rows.
        source_keys: (M,) int64.
    """
    groups = _group(target_keys)
    members = source_keys[groups.order]
    wide = torch.promote_types(source.dtype, torch.float32)
    chunk = rows_per_chunk(source.shape[1], source.device)
    for first in range(0, len(groups.keys), chunk):
        start = groups.start[first : first + chunk]
        total = read_rows(source, members[start]).to(wide)
        for rank, size in enumerate(groups.larger_than[1:], start=1):
            ahead = start[: max(size - first, 0)]
            if not len(ahead):
                break
            total[: len(ahead)] += read_rows(source, members[ahead + rank])
        write_rows(target, groups.keys[first : first + chunk], total.to(target.dtype))
