"""Every patch on MODELs of the host's loaders, in the real host: LoRA, fp8 and GGUF."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.host.worker import HostWorker

pytestmark = pytest.mark.real_host

CHECKS = "tests.host.loader_checks:"
PATCHES = {
    "follow",
    "motion_transfer",
    "refine",
    "motion_noise",
    "track_controlnet",
    "motion_guidance",
}


def holds(found: dict[str, Any], limit: float) -> None:
    """Every patch acts, reads the loaded weights, and gives what it gives on the plain ones."""
    for name in PATCHES:
        one = found[name]
        assert one["difference"] < limit, (name, one)
        assert one["effect"] > 1e-3 and one["weights_matter"] > 1e-4, (name, one)


def test_a_lora_file(worker: HostWorker) -> None:
    holds(worker.call(CHECKS + "lora"), 1e-4)


def test_fp8_weights(worker: HostWorker) -> None:
    found = worker.call(CHECKS + "fp8")
    assert "torch.float8_e4m3fn" in found["dtypes"]
    holds(found, 1e-4)


@pytest.mark.parametrize("with_adapter", [False, True])
def test_a_gguf_file(worker: HostWorker, with_adapter: bool) -> None:
    if not os.environ.get("COMFYUI_GGUF_DIR"):
        pytest.skip("needs COMFYUI_GGUF_DIR, a checkout of city96/ComfyUI-GGUF, and gguf")
    found = worker.call(CHECKS + "gguf_file", with_adapter=with_adapter)
    assert found["patcher"] == "GGUFModelPatcher"
    # Its layers round differently, and Adam's steps keep their size however small a gradient is.
    transfer = found["motion_transfer"]
    assert transfer.pop("difference") < 5e-3
    holds(found | {"motion_transfer": {"difference": 0.0} | transfer}, 1e-3)
