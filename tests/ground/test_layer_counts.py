"""How many layers weights have, and what configs may describe before a network is built."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from motion_core.errors import FormatError
from motion_core.model_folder import diffusers_config
from motion_core.weights_io import (
    MAX_LAYERS,
    count_layers,
    parse_config,
    read_shapes,
    read_weights,
)


def test_layers_are_counted_from_0() -> None:
    names = ["blocks.0.a", "blocks.1.a", "blocks.1.b", "other.7.a"]
    assert count_layers(names, "blocks.") == 2
    assert count_layers(names, "none.") == 0


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ([0, 2], "not numbered 0..1"),
        (["0", "x"], "not numbered 0..1"),
        ([199_999], "not numbered 0..0"),
        (range(MAX_LAYERS + 1), "513 layers"),
        (["9" * 5000], "not numbered"),
    ],
)
def test_other_numbers_are_refused(numbers, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        count_layers([f"blocks.{number}.a" for number in numbers], "blocks.")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("[]", "is no object"),
        ('{"a": NaN}', "NaN"),
        ('{"a": ' + "[" * 1000, "nested deeper"),
        ('{"a": ' + "9" * 5000 + "}", "5,000 digits"),
    ],
)
def test_configs_in_headers_are_read_with_limits(text: str, says: str) -> None:
    with pytest.raises(FormatError, match=f"w.safetensors.*{says}"):
        parse_config(text, Path("w.safetensors"))
    assert parse_config('{"a": 1}', Path("w.safetensors")) == {"a": 1}


class Network:
    """Stands for a network of diffusers."""

    @staticmethod
    def _get_init_keys(kind: type) -> set[str]:
        return {"self", "block_out_channels", "layers_per_block", "transformer_layers_per_block"}


def test_levels_times_layers_are_bounded() -> None:
    path = Path("config.json")
    real = {"block_out_channels": [8] * 4, "layers_per_block": 2, "unused": 3}
    assert diffusers_config(real, Network, path) == {
        "block_out_channels": [8] * 4,
        "layers_per_block": 2,
    }
    for values in (
        {"block_out_channels": [8] * 4000, "layers_per_block": 500},
        {"layers_per_block": [400] * 3, "transformer_layers_per_block": 500},
    ):
        with pytest.raises(FormatError, match="layers in .* levels"):
            diffusers_config(values, Network, path)


def test_a_file_of_very_many_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file({f"w{n}": torch.zeros(1) for n in range(5)}, tmp_path / "a.safetensors")
    torch.save({f"w{n}": torch.zeros(1) for n in range(5)}, tmp_path / "a.pt")
    monkeypatch.setattr("motion_core.weights_io.MAX_TENSORS", 4)
    for read, name in (
        (read_weights, "a.safetensors"),
        (read_shapes, "a.safetensors"),
        (read_weights, "a.pt"),
    ):
        with pytest.raises(FormatError, match=rf"{name} holds 5 weights; at most 4"):
            read(tmp_path / name)


def test_a_lite_config_that_describes_more_than_is_stored_takes_no_memory(tmp_path: Path) -> None:
    from motion_core.models.lite.load import load_lite
    from motion_core.models.lite.weights import KIND

    path = tmp_path / "big.safetensors"
    config = {"encoder": {"grid": 8, "width": 1024, "middle": 1024, "deep": 1024}}
    header = {
        "__metadata__": {"kind": KIND, "config": json.dumps(config)},
        "encoder.a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 4)
    with pytest.raises(FormatError, match="do not fit lite's encoder.*1 are stored"):
        load_lite(path)
