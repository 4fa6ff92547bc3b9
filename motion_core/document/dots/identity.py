"""Ids of dots, derived from their layer's id so that other layers never change them."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

LOCAL_BITS = 20


def layer_ids(layer_id: str, count: int) -> Tensor:
    """The CRC-32 of the layer's id in the high bits, the dot's index in the low bits.

    Args:
        layer_id: The layer's id.
        count: Number of dots.

    Returns:
        (count,) int64.

    Raises:
        ValueError: More than 2**20 dots, which would collide with another layer's ids.
    """
    if count > 1 << LOCAL_BITS:
        raise ValueError(f"a layer can number {1 << LOCAL_BITS:,} dots; got {count:,}.")
    first = zlib.crc32(layer_id.encode("utf-8", "surrogatepass")) << LOCAL_BITS
    return first + torch.arange(count, dtype=torch.int64)
