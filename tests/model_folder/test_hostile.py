"""Hostile model folders: nothing of them runs, nothing is asked, fetched or made up."""

from __future__ import annotations

import builtins
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from motion_core.depth.estimate import load_estimator
from motion_core.errors import FormatError
from motion_core.model_folder import (
    diffusers_config,
    offline,
    read_config,
    read_network,
    read_tokenizer,
)
from motion_core.models.sd15.folder import load_network, load_tokenizer
from motion_core.pose import load_pose_estimator

from ..depth.test_estimate import depth_anything, depth_pro
from ..models.svd.parts import tiny_vae
from ..pose.test_estimate import vitpose

CANARY = """
import os, pathlib
pathlib.Path(os.environ["CANARY"]).write_text("ran")
"""
AUTO = {"AutoConfig": "canary.Config", "AutoModel": "canary.Model", "AutoBackbone": "canary.Model"}
Maker = Callable[[Path], Path]


@pytest.fixture(autouse=True)
def _sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither standard input nor the network may be used; a canary that ran has written a file."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a hostile folder reached the network or standard input")

    written = tmp_path / "canary-ran"
    monkeypatch.setenv("CANARY", str(written))
    monkeypatch.setattr(builtins, "input", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
    assert not written.exists()


def changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def planted(folder: Path) -> Path:
    for name in ("canary", "configuration", "modeling", "pipeline", "tokenization"):
        (folder / f"{name}.py").write_text(CANARY)
    return folder


def stored(path: Path) -> dict[str, torch.Tensor]:
    """Copies: tensors of older safetensors are mapped from the file, which tests overwrite."""
    return {name: value.clone() for name, value in load_file(path).items()}


LOADERS = [(depth_anything, load_estimator), (depth_pro, load_estimator)]
LOADERS.append((vitpose, load_pose_estimator))  # type: ignore[arg-type]


@pytest.mark.parametrize(("make", "load"), LOADERS)
@pytest.mark.parametrize(
    "values",
    [
        {"auto_map": AUTO},
        {"backbone": "FOLDER", "backbone_config": None, "use_pretrained_backbone": True}
        | {"backbone_kwargs": {"trust_remote_code": True}},
        {"backbone": "somebody/somewhere", "use_timm_backbone": True},
        {"custom_pipeline": "canary"},
        {"quantization_config": {"quant_method": "canary"}},
        {"attn_implementation": "somebody/kernel"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_configs_that_run_or_fetch_are_refused(
    tmp_path: Path, make: Maker, load: Any, values: dict[str, Any]
) -> None:
    folder = planted(make(tmp_path))
    values = {name: str(folder) if v == "FOLDER" else v for name, v in values.items()}
    changed(folder / "config.json", **values)
    name = next(iter(values))
    with pytest.raises(FormatError, match=rf"config\.json sets '{name}'.*Take the model from"):
        load(folder)


@pytest.mark.parametrize("key", ["auto_map", "backbone", "trust_remote_code"])
def test_nested_configs_are_checked_as_well(tmp_path: Path, key: str) -> None:
    folder = planted(vitpose(tmp_path))
    config = json.loads((folder / "config.json").read_text())
    config["backbone_config"][key] = str(folder)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(FormatError, match=f"sets '{key}'"):
        load_pose_estimator(folder)
    config["backbone_config"] = {"model_type": "timm_backbone", "name": "x"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(FormatError, match="of the kind 'timm_backbone'; supported are vitpose"):
        load_pose_estimator(folder)


def test_names_of_other_places_are_ignored(tmp_path: Path) -> None:
    """Releases hold their author's paths; empty keys are what the library itself writes."""
    folder = planted(depth_anything(tmp_path))
    changed(
        folder / "config.json",
        _name_or_path="somebody/somewhere",
        backbone=None,
        backbone_kwargs={},
        use_pretrained_backbone=False,
    )
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "somebody/x"}')
    (folder / "generation_config.json").write_text('{"custom_generate": "somebody/x"}')
    assert load_estimator(folder).model.config._name_or_path != "somebody/somewhere"


@pytest.mark.parametrize(("make", "load"), LOADERS)
def test_nothing_runs_on_random_numbers(tmp_path: Path, make: Maker, load: Any) -> None:
    folder = make(tmp_path)
    weights = folder / "model.safetensors"
    tensors = stored(weights)
    for kept in ({}, {"head.conv1.weight": torch.zeros(1)}, dict(list(tensors.items())[1:])):
        save_file(kept, weights)
        with pytest.raises(FormatError, match="is incomplete"):
            load(folder)
    save_file({**tensors, "stray.weight": torch.zeros(2)}, weights)
    with pytest.raises(FormatError, match=r"1 too many \(stray\.weight\)"):
        load(folder)
    name, value = next((n, v) for n, v in tensors.items() if v.ndim == 4)
    save_file({**tensors, name: value.repeat(1, 2, 1, 1)}, weights)
    with pytest.raises(FormatError):
        load(folder)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match=r"no model\.safetensors"):
        load(folder)


def test_unused_layers_that_releases_lack_are_zero(tmp_path: Path) -> None:
    folder = depth_anything(tmp_path)
    unused = "neck.fusion_stage.layers.0.residual_layer1."
    tensors = stored(folder / "model.safetensors")
    kept = {name: value for name, value in tensors.items() if unused not in name}
    assert len(kept) < len(tensors)
    wanted = load_estimator(folder).estimate(torch.rand(28, 28, 3)).z
    save_file(kept, folder / "model.safetensors")
    estimator = load_estimator(folder)
    torch.manual_seed(0)
    again = dict(estimator.model.named_parameters())
    assert all(not again[name].any() for name in tensors.keys() - kept.keys())
    assert wanted.shape == (28, 28)


@pytest.mark.parametrize(
    "values",
    [
        {"hidden_size": 1 << 19, "num_attention_heads": 1},
        {"num_hidden_layers": 200_000},
        {"hidden_size": 10**30},
        {"image_size": 1 << 19},
        {"hidden_size": -16},
        {"hidden_size": {"a": 1}},
        {"num_attention_heads": 0},
        {"hidden_act": "os.system"},
        {"patch_size": "x" * 5000},
    ],
    ids=lambda values: str(values)[:40],
)
def test_sizes_in_configs_are_checked_before_memory_is_taken(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    folder = vitpose(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["backbone_config"].update(values)
    (folder / "config.json").write_text(json.dumps(config))
    before = resident()
    with pytest.raises(FormatError, match=str(folder.name)):
        load_pose_estimator(folder)
    assert resident() - before < 500 << 20


def resident() -> int:
    """Bytes of memory of this process at its peak."""
    resource = pytest.importorskip("resource")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_autoencoders_of_terabytes_are_refused(tmp_path: Path) -> None:
    tiny_vae().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["_class_name"] = "AutoencoderKL"
    for values in (
        {"block_out_channels": [1 << 18] * 4},
        {"layers_per_block": 10**6},
        {"block_out_channels": []},
        {"block_out_channels": [0]},
        {"latent_channels": None},
    ):
        (tmp_path / "config.json").write_text(json.dumps({**config, **values}))
        with pytest.raises(FormatError, match=tmp_path.name):
            load_network(tmp_path, "AutoencoderKL")


def test_tokenizers_neither_ask_nor_run(tmp_path: Path) -> None:
    planted(tmp_path)
    (tmp_path / "vocab.json").write_text(json.dumps({"<|startoftext|>": 0, "<|endoftext|>": 1}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    settings = tmp_path / "tokenizer_config.json"
    settings.write_text(json.dumps({"auto_map": {"AutoTokenizer": ["canary.Tokenizer", None]}}))
    with pytest.raises(FormatError, match="sets 'auto_map'"):
        load_tokenizer(tmp_path)
    settings.write_text(json.dumps({"tokenizer_class": "CanaryTokenizer"}))
    with pytest.raises(FormatError, match="names the class 'CanaryTokenizer'"):
        load_tokenizer(tmp_path)
    for length in ("77", 0, -5, True, [77]):
        settings.write_text(json.dumps({"model_max_length": length}))
        with pytest.raises(FormatError, match="model_max_length = .* expected a number above 0"):
            load_tokenizer(tmp_path)
    settings.write_text("{}")
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": AUTO}))
    (tmp_path / "chat_template.jinja").write_text("{{ cycler.__init__.__globals__ }}")
    assert load_tokenizer(tmp_path).model_max_length == 77
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_bytes(b"\xff\xfe{")
    with pytest.raises(FormatError, match="broken or incomplete"):
        load_tokenizer(tmp_path)


def test_missing_vocabularies_are_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"none of tokenizer\.json"):
        read_tokenizer(tmp_path, {"x": None})


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe\x00",
        b"",
        b"[]",
        b"null",
        b'{"a": ' + b" " * (17 << 20) + b"1}",
    ],
    ids=range(9),
)
def test_configs_that_are_no_config_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"config\.json"):
        read_config(path)


def test_byte_order_marks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_config(path) == {"a": 1}


def test_only_arguments_of_a_class_reach_it(tmp_path: Path) -> None:
    network = type(tiny_vae())
    values = {"latent_channels": 4, "_class_name": "os.system", "self": 1, "kwargs": {"a": 1}}
    assert diffusers_config(values, network, tmp_path) == {"latent_channels": 4}
    for value in (1e999, {"a": 1}, [[1 << 40]], "x" * 2000):
        with pytest.raises(FormatError, match="latent_channels"):
            diffusers_config({"latent_channels": value}, network, tmp_path)


def test_pieces_stay_in_their_folder(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    for piece in ("../x.safetensors", "/etc/passwd", "..\\x.safetensors", ".."):
        index.write_text(json.dumps({"weight_map": {"a": piece}}))
        with pytest.raises((FormatError, FileNotFoundError)):
            read_network(tmp_path)


def test_flags_are_set_for_the_call_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "0")
    before = constants.HF_HUB_OFFLINE
    with pytest.raises(KeyError), offline():
        with offline():
            pass
        assert constants.HF_HUB_OFFLINE is True and os.environ["HF_HUB_OFFLINE"] == "1"
        raise KeyError
    assert constants.HF_HUB_OFFLINE is before
    assert "HF_HUB_OFFLINE" not in os.environ and os.environ["TRANSFORMERS_OFFLINE"] == "0"
