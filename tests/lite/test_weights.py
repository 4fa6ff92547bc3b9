"""The weights file: what ships loads, what is broken is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from motion_core.errors import FormatError
from motion_core.geometry import Size
from motion_core.models.lite import load_lite
from motion_core.models.lite.weights import KIND, OLDER_KIND, SHIPPED, read_weights

from .models import picture, wandering


def test_the_shipped_weights_load_and_repeat_themselves() -> None:
    torch.set_num_threads(1)
    tracks = wandering(4, 6, Size(48, 48))
    first, second = (load_lite().field(picture(48, 48), tracks) for _ in range(2))
    assert torch.equal(first.displacement, second.displacement)
    assert SHIPPED.stat().st_size < 20 << 20


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="reinstall"):
        load_lite(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 5, 400, 100_000])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "short.safetensors"
    path.write_bytes(SHIPPED.read_bytes()[:keep])
    with pytest.raises(FormatError, match="again"):
        load_lite(path)


def test_foreign_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(3)}, path)
    with pytest.raises(FormatError, match="something else"):
        load_lite(path)


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        "[]",
        "{}",
        '{"encoder": 3}',
        '{"encoder": {"grid": 1000000000}}',
        '{"encoder": {"grid": 8.5}}',
        '{"encoder": {"hats": 3}}',
        '{"encoder": {"grid": 8}, "base": {"widths": [8, 8, 8], "grid": 16}}',
        '{"encoder": {"grid": 8}, "base": {"grid": 8}}',
    ],
)
def test_configs_that_make_no_sense_are_refused(tmp_path: Path, config: str | None) -> None:
    path = tmp_path / "other.safetensors"
    told = {"kind": KIND} | ({} if config is None else {"config": config})
    save_file({"x": torch.zeros(3)}, path, told)
    with pytest.raises(FormatError, match="config"):
        load_lite(path)


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(3)}, path, {"kind": KIND, "config": '{"encoder": {"grid": 8}}'})
    with pytest.raises(FormatError, match="do not fit lite's encoder"):
        load_lite(path)


def test_an_older_file_that_read_ids_reads_tracks_and_needs_no_reader(tmp_path: Path) -> None:
    path = tmp_path / "older.safetensors"
    tensors = {"control.reader.project.weight": torch.eye(64), "control.gate.bias": torch.ones(2)}
    config = '{"encoder": {"grid": 8}, "control": {"input": "ids"}}'
    save_file(tensors, path, {"kind": OLDER_KIND, "config": config})
    found, parts = read_weights(path)
    assert list(found) == ["control.gate.bias"]
    assert parts["control"] == {"input": "tracks"}
