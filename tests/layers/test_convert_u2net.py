"""The conversion of the saliency network from ONNX."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from motion_core.errors import FormatError, MissingExtraError
from motion_core.layers import convert_u2net
from motion_core.layers.u2net import U2NetP
from motion_core.weights_io import load_into, read_safetensors


def convolutions(network: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    modules = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return [(module.weight.detach(), module.bias.detach()) for module in modules]


def test_a_converted_file_holds_every_convolution_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = U2NetP()
    monkeypatch.setattr(convert_u2net, "_convolutions", lambda source: convolutions(network))
    target = tmp_path / "u2netp.safetensors"
    convert_u2net.convert(tmp_path / "u2netp.onnx", target)
    tensors, metadata = read_safetensors(target)
    assert metadata["kind"] == "u2netp" and "Apache-2.0" in metadata["credits"]
    loaded = U2NetP()
    load_into(loaded, {name: value.float() for name, value in tensors.items()}, str(target))
    for mine, theirs in zip(loaded.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs.half().float())


def test_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = convolutions(U2NetP())[:-1]
    monkeypatch.setattr(convert_u2net, "_convolutions", lambda source: few)
    with pytest.raises(FormatError, match="118 convolutions.*expected 119.*take u2netp.onnx"):
        convert_u2net.convert(tmp_path / "other.onnx", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_without_onnx_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match="pip install onnx"):
        convert_u2net.convert(tmp_path / "u2netp.onnx", tmp_path / "out.safetensors")
