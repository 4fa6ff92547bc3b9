"""What a checkpoint must hold for a run to go on as if it had not stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from motion_core.errors import FormatError
from motion_core.training.checkpoint import (
    KIND,
    check_names,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from motion_core.training.config import TrainConfig, config_from
from motion_core.training.log import append_line, read_log
from motion_core.weights_io import write_safetensors

NAMES = ["weight", "bias"]


def trained(kind: type = torch.optim.AdamW) -> torch.optim.Optimizer:
    torch.manual_seed(0)
    linear = torch.nn.Linear(2, 3)
    optimizer = kind(linear.parameters())
    linear(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return optimizer


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.Adafactor])
def test_the_state_of_an_optimizer_comes_back(kind: type) -> None:
    tensors = optimizer_tensors(trained(kind), NAMES)
    fresh = kind(torch.nn.Linear(2, 3).parameters())
    restore_optimizer(fresh, NAMES, tensors)
    again = optimizer_tensors(fresh, NAMES)
    assert tensors.keys() == again.keys()
    assert all(torch.equal(tensors[name], again[name]) for name in tensors)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.clear(), "lacks state of the optimizer"),
        (lambda t: t.pop("optimizer.weight/exp_avg_sq"), "lacks state of the optimizer"),
        (lambda t: t.update({"optimizer.other/step": torch.ones(())}), "no parameter"),
        (lambda t: t.update({"optimizer.bias/exp_avg": torch.ones(9)}), "shape"),
    ],
)
def test_incomplete_state_is_refused(change, says: str) -> None:
    tensors = optimizer_tensors(trained(), NAMES)
    change(tensors)
    with pytest.raises(FormatError, match=f"run.safetensors .*{says}"):
        restore_optimizer(trained(), NAMES, tensors, "run.safetensors")


def test_missing_and_misshapen_tensors_are_listed() -> None:
    tensors = {"model.a": torch.ones(2), "model.b": torch.ones(3)}
    check_names(tensors, {"model.a": (2,)}, Path("a"))
    with pytest.raises(FormatError, match=r"2 tensors missing .*\(model.b, model.c\)"):
        check_names(tensors, {"model.a": (2,), "model.b": (2,), "model.c": (1,)}, Path("a"))


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"config": "{"}, "cannot be read"),
        ({"config": '{"steps": true}'}, "steps must be a finite int"),
        ({"config": '{"lr": 1e999}'}, "cannot be read"),
        ({"config": '{"input": []}'}, "cannot be used"),
        ({"config": '{"batch": 10000000000, "reuse": 1}'}, "batch"),
        ({"config": "{}", "step": "-1"}, "step '-1'"),
        ({"config": "{}", "step": "9" * 50}, "not of 0..5000"),
        ({"config": "{}"}, "step ''"),
    ],
)
def test_a_broken_header_is_refused(metadata: dict[str, str], says: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    write_safetensors(path, {"a": torch.ones(1)}, {"kind": KIND, "step": "", **metadata})
    with pytest.raises(FormatError, match=rf"checkpoint\.safetensors.*{says}"):
        load_checkpoint(path)


def test_a_whole_checkpoint_is_read(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, {"a": torch.ones(1)}, TrainConfig(steps=9), 3)
    tensors, config, step = load_checkpoint(path)
    assert (list(tensors), config, step) == (["a"], TrainConfig(steps=9), 3)


def test_values_of_a_config_have_the_types_of_its_fields() -> None:
    assert config_from({"lr": 1}).lr == 1
    for name, value in (("steps", 2.0), ("lr", float("nan")), ("stage", 3), ("batch", True)):
        with pytest.raises(ValueError, match=f"TrainConfig.{name} must be"):
            config_from({name: value})


def test_a_log_keeps_losses_that_are_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    append_line(path, {"step": 1, "loss": float("nan")})
    assert read_log(path)[0]["step"] == 1
    for line, says in ((b"\xff\n", "UTF-8"), (b"[]\n", "line 1 is no object"),
                       (json.dumps({"step": "1"}).encode() + b"\n", "with a step"),
                       (b"[" * 5000 + b"\n", "nested deeper")):  # fmt: skip
        path.write_bytes(line)
        with pytest.raises(FormatError, match=says):
            read_log(path)
