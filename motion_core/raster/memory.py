"""Rejects tensors that exceed a device's memory before they are allocated."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import torch

ADDRESSABLE = 1 << 62


def check_fits(what: str, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> None:
    """Check that a tensor fits into the memory of a device.

    Args:
        what: Names the tensor in the message.
        shape: Its shape.
        dtype: Its dtype.
        device: Where it will be.

    Raises:
        ValueError: It does not; the message gives the memory needed.
    """
    needed = math.prod(shape) * dtype.itemsize
    present = _total_memory(device)
    if needed > present:
        sides = "x".join(str(side) for side in shape)
        raise ValueError(
            f"{what} of {sides} {str(dtype).removeprefix('torch.')} needs {needed / 2**30:,.1f} "
            f"GiB, more than all the memory of {device} ({present / 2**30:,.1f} GiB). Use a "
            "smaller grid, fewer frames, a half-precision dtype, or the sparse form."
        )


def _total_memory(device: torch.device) -> int:
    """Bytes of physical memory, or what can be addressed where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    if device.type == "cpu" and hasattr(os, "sysconf"):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return ADDRESSABLE
