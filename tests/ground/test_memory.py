"""Lack of memory is recognised on every device, and a result that cannot fit is refused."""

from __future__ import annotations

import pytest
import torch

from motion_core import memory
from motion_core.errors import OutOfMemoryError
from motion_core.geometry import Size


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (MemoryError(), True),
        (OutOfMemoryError("a"), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_which_errors_are_lack_of_memory(error: Exception, is_one: bool) -> None:
    assert memory.is_out_of_memory(error) is is_one


def test_a_real_allocation_that_fails_is_recognised() -> None:
    with pytest.raises(RuntimeError) as found:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert memory.is_out_of_memory(found.value)


def test_free_memory_is_known_here_and_plausible() -> None:
    free = memory.free_bytes()
    assert free is not None and 2**26 < free < 2**50


def test_a_video_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: 4 * 3 * 2 * 12)
    memory.check_video_memory(4, Size(3, 2))
    with pytest.raises(OutOfMemoryError, match="the video of 5 frames of 3x2 would take"):
        memory.check_video_memory(5, Size(3, 2))
    monkeypatch.setattr(memory, "free_bytes", lambda: None)
    memory.check_video_memory(10**9, Size(65536, 65536))
