"""Settings every test shares: one thread, property tests judged by values and not by the speed of
a busy machine, a device option, a real host only when asked for."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)
# Property tests draw the same inputs in every run, so that a red run is a fault of the change and
# can be repeated. HYPOTHESIS_SEARCH=1 draws new ones; `make fuzz` searches as long as wanted.
settings.register_profile(
    "project", deadline=None, max_examples=50, derandomize="HYPOTHESIS_SEARCH" not in os.environ
)
settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", help="also run device tests on this torch device")


@pytest.fixture
def device(request: pytest.FixtureRequest) -> torch.device:
    return torch.device(request.config.getoption("--device"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    has_cuda = config.getoption("--device").startswith("cuda")
    has_host = bool(os.environ.get("COMFYUI_DIR"))
    for item in items:
        if item.get_closest_marker("cuda") and not has_cuda:
            item.add_marker(pytest.mark.skip(reason="needs --device cuda"))
        if item.get_closest_marker("real_host") and not has_host:
            item.add_marker(pytest.mark.skip(reason="needs COMFYUI_DIR, a ComfyUI checkout"))
