"""Sums of rows that share a place: reproducible on every device, in order, in float32."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .pieces import piece_rows


@dataclass(frozen=True, eq=False)
class _Groups:
    """Entries that share a key, the largest groups first.

    keys (G,): the key of each group. start (G,): where in `order` it begins. order (M,): entries,
    those of one group side by side and in their original order. larger_than[k]: how many groups
    have more than k entries.
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
    shared, alone = (count > 1).nonzero().squeeze(1), (count == 1).nonzero().squeeze(1)
    shared = shared[torch.argsort(count[shared], descending=True, stable=True)]
    start = start[torch.cat([shared, alone])]
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
    """Overwrites rows of a buffer, addressed as in read_rows; no key may come twice."""
    if buffer.ndim == 2:
        buffer.index_copy_(0, keys, rows)
        return
    phases = buffer.shape[2]
    buffer.transpose(1, 2)[keys // phases, keys % phases] = rows


def write_sums(target: Tensor, target_keys: Tensor, source: Tensor, source_keys: Tensor) -> None:
    """For every entry m, target[target_keys[m]] becomes the sum of its source[source_keys[m]].

    Rows of `target` that no entry names are left alone. Sums run in entry order in at least
    float32 and are rounded once, when written: a plain loop gives the same bits.
    """
    groups = _group(target_keys)
    members = source_keys[groups.order]
    wide = torch.promote_types(source.dtype, torch.float32)
    piece = piece_rows(source.shape[1], source.device)
    for first in range(0, len(groups.keys), piece):
        start = groups.start[first : first + piece]
        total = read_rows(source, members[start]).to(wide)
        for rank, size in enumerate(groups.larger_than[1:], start=1):
            ahead = start[: max(size - first, 0)]
            if not len(ahead):
                break
            total[: len(ahead)] += read_rows(source, members[ahead + rank])
        write_rows(target, groups.keys[first : first + piece], total.to(target.dtype))
