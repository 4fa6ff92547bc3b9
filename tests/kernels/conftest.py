from __future__ import annotations

import pytest

from motion_core.kernels import loader

from .cpu import CpuLaunchers


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CpuLaunchers:
    """The kernels compiled for the CPU, once."""
    return CpuLaunchers(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(params=["first thread first", "last thread first"])
def kernels(
    request: pytest.FixtureRequest, compiled: CpuLaunchers, monkeypatch: pytest.MonkeyPatch
) -> CpuLaunchers:
    """Everything that asks the loader for kernels gets them, on the CPU, for one test."""
    compiled.is_backward = request.param.startswith("last")
    compiled.launched.clear()
    monkeypatch.setattr(loader, "launchers", compiled)
    return compiled
