"""Compiles the kernels on first use, with NVRTC through PyTorch, so that nobody needs a compiler.

Where that is missing or fails a log line says so once, and callers take the torch path.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

log = logging.getLogger(__name__)

FOLDER = Path(__file__).resolve().parent
# Without contraction a kernel rounds like the same source compiled for the CPU.
OPTIONS = ("--fmad=false",)
# How a buffer holds its numbers; words.cuh has the same codes.
KINDS = {torch.float32: 0, torch.float16: 1, torch.bfloat16: 2}
# More does not fit the 32 bits in which PyTorch passes whole numbers.
MOST = 2**31 - 1
BLOCK = 256

Three = tuple[int, int, int]


class Launch(Protocol):
    """Runs a compiled kernel on the current stream of the device it was compiled for."""

    def __call__(self, grid: Three, block: Three, args: Sequence[Tensor | int | float]) -> None:
        """Tensors are passed as pointers, ints as 32 bits, floats as double."""
        ...


_lock = threading.Lock()
_compiled: dict[tuple[str, str, int], Launch | None] = {}
_reported: set[str] = set()


def source_of(file: str) -> str:
    """The whole text of a kernel file as it is compiled, what kernels share included."""
    parts = (FOLDER / "words.cuh", FOLDER / file)
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


def launchers(file: str, names: Sequence[str], device: torch.device) -> list[Launch] | None:
    """Kernels of one file ready to run on a device, or None where they cannot.

    None without a word on devices that are not CUDA; where compiling fails, the log says why once
    per file, and no second attempt is made.
    """
    if device.type != "cuda":
        return None
    index = torch.cuda.current_device() if device.index is None else device.index
    with _lock:
        ready = [_one(file, name, index) for name in names]
    return None if None in ready else [one for one in ready if one is not None]


def over(count: int, block: int = BLOCK) -> int:
    """How many blocks it takes to have a thread for each of `count`, at least one."""
    return max(-(-count // block), 1)


def _one(file: str, name: str, index: int) -> Launch | None:
    key = (file, name, index)
    if key not in _compiled:
        _compiled[key] = None if file in _reported else _attempt(file, name, index)
    return _compiled[key]


def _attempt(file: str, name: str, index: int) -> Launch | None:
    # PyTorch raises whatever its toolchain search, NVRTC and the driver raise: AttributeError
    # before 2.8, ImportError without setuptools, OSError without NVRTC, RuntimeError otherwise.
    try:
        compile_kernel = torch.cuda._compile_kernel  # type: ignore[attr-defined]
        with torch.cuda.device(index), _headers_not_needed():
            kernel = compile_kernel(source_of(file), name, nvcc_options=list(OPTIONS))
    except (AttributeError, ImportError, OSError, RuntimeError, AssertionError) as error:
        _reported.add(file)
        log.warning("%s runs as torch operations: its kernel does not compile (%s)", file, error)
        return None
    log.info("%s: kernel %s compiled for cuda:%d", file, name, index)
    return _on_device(kernel, index)


def _on_device(kernel: Any, index: int) -> Launch:
    def launch(grid: Three, block: Three, args: Sequence[Tensor | int | float]) -> None:
        with torch.cuda.device(index):
            kernel(grid=grid, block=block, args=list(args))

    return launch


@contextmanager
def _headers_not_needed() -> Iterator[None]:
    """PyTorch refuses to call NVRTC where no CUDA toolkit is installed, for want of its headers.

    The kernels include none, so for the moment of compiling any folder does for the toolkit's.
    """
    from torch.utils import cpp_extension

    known = cpp_extension.CUDA_HOME
    cpp_extension.CUDA_HOME = known or str(FOLDER)
    try:
        yield
    finally:
        cpp_extension.CUDA_HOME = known
