"""Compiles the kernels on first use, with NVRTC through PyTorch; users need no CUDA compiler.

Where NVRTC is missing or fails, a warning is logged once per file and callers use the torch path.
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
# Without fused multiply-add a kernel rounds like the same source compiled for the CPU.
OPTIONS = ("--fmad=false",)
# The dtypes of buffers; dtypes.cuh has the same codes.
DTYPE_CODES = {torch.float32: 0, torch.float16: 1, torch.bfloat16: 2}
# PyTorch passes integer arguments as 32 bits.
MAX_INT32 = 2**31 - 1
BLOCK_THREADS = 256

Dim3 = tuple[int, int, int]


class Launch(Protocol):
    """Runs a compiled kernel on the current stream of the device it was compiled for."""

    def __call__(self, grid: Dim3, block: Dim3, args: Sequence[Tensor | int | float]) -> None:
        """Tensors are passed as pointers, ints as 32 bits, floats as double."""
        ...


_lock = threading.Lock()
_compiled: dict[tuple[str, str, int], Launch | None] = {}
_reported: set[str] = set()


def source_of(file: str) -> str:
    """The text of a kernel file as it is compiled, with dtypes.cuh prepended."""
    parts = (FOLDER / "dtypes.cuh", FOLDER / file)
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)


def launchers(file: str, names: Sequence[str], device: torch.device) -> list[Launch] | None:
    """Launchers of kernels of one file, or None where they cannot run.

    On devices other than CUDA the result is None and nothing is logged. If compilation fails, the
    reason is logged once per file, and no second attempt is made.

    Args:
        file: name of the source.
        names: of the kernels.
        device: on which they run.
    """
    if device.type != "cuda":
        return None
    index = torch.cuda.current_device() if device.index is None else device.index
    with _lock:
        kernels = [_cached_kernel(file, name, index) for name in names]
    return None if None in kernels else [launch for launch in kernels if launch is not None]


def num_blocks(count: int, block: int = BLOCK_THREADS) -> int:
    """The number of blocks of `block` threads that `count` threads need, at least one."""
    return max(-(-count // block), 1)


def _cached_kernel(file: str, name: str, index: int) -> Launch | None:
    key = (file, name, index)
    if key not in _compiled:
        _compiled[key] = None if file in _reported else _compile_kernel(file, name, index)
    return _compiled[key]


def _compile_kernel(file: str, name: str, index: int) -> Launch | None:
    # PyTorch raises whatever its toolchain search, NVRTC and the driver raise: AttributeError
    # before 2.8, ImportError without setuptools, OSError without NVRTC, RuntimeError otherwise.
    try:
        compile_kernel = torch.cuda._compile_kernel  # type: ignore[attr-defined]
        with torch.cuda.device(index), _without_cuda_headers():
            kernel = compile_kernel(source_of(file), name, nvcc_options=list(OPTIONS))
    except (AttributeError, ImportError, OSError, RuntimeError, AssertionError) as error:
        _reported.add(file)
        log.warning("%s runs as torch operations: its kernel does not compile (%s)", file, error)
        return None
    log.info("%s: kernel %s compiled for cuda:%d", file, name, index)
    return _launcher(kernel, index)


def _launcher(kernel: Any, index: int) -> Launch:
    def launch(grid: Dim3, block: Dim3, args: Sequence[Tensor | int | float]) -> None:
        with torch.cuda.device(index):
            kernel(grid=grid, block=block, args=list(args))

    return launch


@contextmanager
def _without_cuda_headers() -> Iterator[None]:
    """Lets PyTorch call NVRTC on a machine without a CUDA toolkit.

    PyTorch looks up the toolkit's header folder before it compiles and raises where there is none.
    The kernels include no header, so any folder serves while they compile. `CUDA_HOME` of
    torch.utils.cpp_extension is restored afterwards; the environment is not touched.
    """
    from torch.utils import cpp_extension

    if cpp_extension.CUDA_HOME:
        yield
        return
    cpp_extension.CUDA_HOME = str(FOLDER)
    try:
        yield
    finally:
        cpp_extension.CUDA_HOME = None
