"""Which id a dot gets: derived from its layer's id, so other layers never change it."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

LOCAL_BITS = 20


def layer_ids(layer_id: str, count: int) -> Tensor:
    """(count,) int64 ids: the CRC-32 of the layer's id in the high bits, the dot's place below.

    Raises ValueError for more than 2**20 dots, which would run into another layer's ids.
    """
    if count > 1 << LOCAL_BITS:
        raise ValueError(f"a layer can number {1 << LOCAL_BITS:,} dots; got {count:,}.")
    first = zlib.crc32(layer_id.encode("utf-8", "surrogatepass")) << LOCAL_BITS
    return first + torch.arange(count, dtype=torch.int64)
