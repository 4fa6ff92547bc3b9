"""Both hosts, and the files their workflows expect."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.host.fixtures import fill_input_folder, fill_models_folder
from tests.host.real import RealHost
from tests.host.runner import StandInHost
from tests.host.worker import HostWorker


@pytest.fixture
def stand_in(tmp_path: Path) -> StandInHost:
    """A stand-in host whose input folder holds a picture and a track file."""
    host = StandInHost(tmp_path)
    fill_input_folder(host.input_dir)
    fill_models_folder(host.models_dir)
    return host


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHost]:
    """A running ComfyUI with the same input folder; needs COMFYUI_DIR."""
    if not os.environ.get("COMFYUI_DIR"):
        pytest.skip("needs COMFYUI_DIR, a ComfyUI checkout")
    base = tmp_path_factory.mktemp("comfyui")
    host = RealHost(base)
    fill_input_folder(host.input_dir)
    fill_models_folder(host.models_dir)
    with host:
        yield host


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostWorker]:
    """ComfyUI imported in a subprocess that runs functions of the tests; needs COMFYUI_DIR."""
    if not os.environ.get("COMFYUI_DIR"):
        pytest.skip("needs COMFYUI_DIR, a ComfyUI checkout")
    with HostWorker(tmp_path_factory.mktemp("worker") / "host.log") as host:
        yield host


@pytest.fixture(params=["stand_in", pytest.param("real", marks=pytest.mark.real_host)])
def host(request: pytest.FixtureRequest) -> Any:
    """Each host in turn: the stand-in always, ComfyUI where a checkout is at hand."""
    torch.set_num_threads(1)
    return request.getfixturevalue(request.param)
