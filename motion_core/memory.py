"""Lack of memory, on any device: recognised after the fact, and refused before the work starts.

Linux grants more memory than there is and ends the process when the pages are used, so a large
result is compared with the free memory before it is computed.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from .errors import OutOfMemoryError
from .geometry import Size

# Parts of torch's and numpy's messages on CUDA, MPS and the CPU.
MESSAGES = ("out of memory", "can't allocate memory", "not enough memory", "unable to allocate")
# RGB in float32.
PIXEL_BYTES = 12
MEMINFO = Path("/proc/meminfo")
GIB = 1024**3


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of Python, numpy or torch reports that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    message = str(error).lower()
    return isinstance(error, RuntimeError) and any(part in message for part in MESSAGES)


def free_bytes() -> int | None:
    """Memory of this machine that new work can use, in bytes; None where it cannot be found out.

    Asks psutil, which ComfyUI requires, and the kernel of Linux where psutil is missing.
    """
    try:
        return int(importlib.import_module("psutil").virtual_memory().available)
    except ImportError:
        pass
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def check_memory(needed: float, what: str, advice: str) -> None:
    """Raises OutOfMemoryError if a result does not fit into the free memory.

    Args:
        needed: Bytes that the result takes.
        what: The result, the subject of the error.
        advice: What to do, the last sentence of the error.
    """
    free = free_bytes()
    if free is not None and needed > free:
        raise OutOfMemoryError(
            f"{what} would take {needed / GIB:.1f} GiB of memory, but {free / GIB:.1f} GiB are "
            f"free. {advice}"
        )


def check_video_memory(frames: int, size: Size, what: str = "the video") -> None:
    """Raises OutOfMemoryError if `frames` RGB images of a size in float32 do not fit into the free
    memory; errors call them `what`."""
    check_memory(
        float(frames) * size.width * size.height * PIXEL_BYTES,
        f"{what} of {frames} frames of {size}",
        "Use a smaller image or fewer frames.",
    )
