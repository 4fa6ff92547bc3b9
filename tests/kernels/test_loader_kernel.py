"""The loader without a device: silent on the CPU, one report for a failure, no global changed."""

from __future__ import annotations

import logging
import os
from typing import Any

import pytest
import torch
from torch.utils import cpp_extension

from motion_core.kernels import loader

CUDA = torch.device("cuda", 0)


class FakeDevice:
    def __init__(self, index: int) -> None:
        self.index = index

    def __enter__(self) -> None: ...

    def __exit__(self, *unused: object) -> None: ...


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A loader that has compiled nothing yet, and CUDA functions that need no device."""
    monkeypatch.setattr(loader, "_compiled", {})
    monkeypatch.setattr(loader, "_reported", set())
    monkeypatch.setattr(torch.cuda, "device", FakeDevice)
    # PyTorch before 2.8 has no compiler to replace.
    monkeypatch.setattr(torch.cuda, "_compile_kernel", None, raising=False)
    return monkeypatch


def test_the_cpu_gets_no_kernels_and_no_log_line(
    fresh: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert loader.launchers("id_volume.cu", ["fill_volume"], torch.device("cpu")) is None
    assert not caplog.records


@pytest.mark.parametrize(
    "error", [OSError("no NVRTC"), RuntimeError("log"), ImportError("setuptools")]
)
def test_a_failure_is_reported_once_and_not_tried_again(
    fresh: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    tried = []

    def broken(source: str, name: str, **options: Any) -> None:
        tried.append(name)
        raise error

    fresh.setattr(torch.cuda, "_compile_kernel", broken)
    fresh.setattr(cpp_extension, "CUDA_HOME", None)
    environment = dict(os.environ)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            names = ["link_entries", "fill_volume"]
            assert loader.launchers("id_volume.cu", names, CUDA) is None
    assert tried == ["link_entries"]
    assert len(caplog.records) == 1
    assert "id_volume.cu" in caplog.text
    assert str(error) in caplog.text
    assert cpp_extension.CUDA_HOME is None
    assert dict(os.environ) == environment


def test_a_pytorch_without_the_compiler_is_no_error(
    fresh: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fresh.delattr(torch.cuda, "_compile_kernel")
    assert loader.launchers("draft_splat.cu", ["splat_displacements"], CUDA) is None
    assert len(caplog.records) == 1


def test_a_kernel_is_compiled_once_for_each_device_with_the_toolkit_left_as_it_was(
    fresh: pytest.MonkeyPatch,
) -> None:
    compiled, launched = [], []
    environment = dict(os.environ)

    def compile_kernel(source: str, name: str, *, nvcc_options: list[str]) -> Any:
        assert cpp_extension.CUDA_HOME
        assert source == loader.source_of("draft_splat.cu")
        assert "--fmad=false" in nvcc_options
        compiled.append(name)
        return lambda **arguments: launched.append(arguments)

    fresh.setattr(torch.cuda, "_compile_kernel", compile_kernel)
    fresh.setattr(cpp_extension, "CUDA_HOME", None)
    for device in (CUDA, CUDA, torch.device("cuda", 1)):
        ready = loader.launchers("draft_splat.cu", ["splat_displacements"], device)
        assert ready is not None
        ready[0]((1, 1, 1), (2, 1, 1), (3,))
    assert compiled == ["splat_displacements"] * 2
    assert launched == [{"grid": (1, 1, 1), "block": (2, 1, 1), "args": [3]}] * 3
    assert cpp_extension.CUDA_HOME is None
    assert dict(os.environ) == environment


def test_an_installed_toolkit_is_used_as_it_is(fresh: pytest.MonkeyPatch) -> None:
    homes = []

    def compile_kernel(source: str, name: str, *, nvcc_options: list[str]) -> Any:
        homes.append(cpp_extension.CUDA_HOME)

    fresh.setattr(torch.cuda, "_compile_kernel", compile_kernel)
    fresh.setattr(cpp_extension, "CUDA_HOME", "/opt/cuda")
    loader.launchers("draft_splat.cu", ["splat_displacements"], CUDA)
    assert [*homes, cpp_extension.CUDA_HOME] == ["/opt/cuda", "/opt/cuda"]


def test_blocks_cover_every_thread() -> None:
    assert [loader.num_blocks(n) for n in (0, 1, 256, 257, 2**31)] == [1, 1, 1, 2, 2**23]
