"""The training loop: exact resume, checkpoints that survive a full disk, refusals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from motion_core import atomic_write
from motion_core.cli import main
from motion_core.errors import FormatError
from motion_core.models.lite.base import LiteBase
from motion_core.models.lite.load import load_lite
from motion_core.models.lite.pooling import encode_image
from motion_core.models.lite.unet import BaseConfig
from motion_core.training import checkpoint, run
from motion_core.training.checkpoint import load_checkpoint, save_checkpoint
from motion_core.training.config import TrainConfig
from motion_core.training.lite import train as lite_train
from motion_core.training.lite.export import export_weights
from motion_core.training.lite.probes import COUNTS, LEVELS, probe_base
from motion_core.training.lite.train import train
from motion_core.training.run import CHECKPOINT, LOG

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TINY = TrainConfig(
    steps=4, batch=1, cells=16, frames=3, block=2, reuse=2, workers=0, warmup=2, probe_steps=99
)


@pytest.fixture(scope="module", autouse=True)
def quick():
    """One thread, no probe, and a line of log per step."""
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        names = [*map(str, COUNTS), "drag"]
        errors = {f"{name}/{where}": 1.0 for name in names for where in ("all", "none")}
        patch.setattr(lite_train, "probe_stage", lambda stage, config: errors)
        patch.setattr(run, "LOG_STEPS", 1)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    train(TINY, folder)
    return folder


def losses(folder: Path) -> list[float]:
    lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def assert_same_checkpoint(folder: Path, other: Path) -> None:
    tensors, config, step = load_checkpoint(folder / CHECKPOINT)
    expected, _, _ = load_checkpoint(other / CHECKPOINT)
    assert step == config.steps and tensors.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(tensors[name], value, atol=1e-6, rtol=1e-5)


def test_an_interrupted_run_is_resumed_exactly(whole: Path, tmp_path: Path) -> None:
    def stop_after_two(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(TINY, tmp_path, progress=stop_after_two)
    train(TINY, tmp_path, resume=True)
    assert losses(tmp_path) == pytest.approx(losses(whole), abs=1e-6)
    assert_same_checkpoint(tmp_path, whole)


def test_a_run_stopped_within_an_update_keeps_the_checkpoint_before(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates = []
    update = run.AveragedModel.update_parameters

    def interrupted(self: Any, model: Any) -> None:
        updates.append(None)
        # The first call copies the weights, the next ones belong to steps.
        if len(updates) == 4:
            raise KeyboardInterrupt
        update(self, model)

    with monkeypatch.context() as patch:
        patch.setattr(run.AveragedModel, "update_parameters", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(replace(TINY, save_seconds=0.0), tmp_path)
    assert load_checkpoint(tmp_path / CHECKPOINT)[2] == 2
    train(TINY, tmp_path, resume=True)
    assert_same_checkpoint(tmp_path, whole)


def test_a_killed_process_is_resumed_exactly(whole: Path, tmp_path: Path) -> None:
    """The child exits without cleanup, as after SIGKILL; its last checkpoint is of step 2."""
    script = f"""
import os, torch
from pathlib import Path
from motion_core.training.config import TrainConfig
from motion_core.training.lite.train import train
torch.set_num_threads(1)
train({replace(TINY, save_seconds=0.0)!r}, Path({str(tmp_path)!r}),
      progress=lambda done, total: os._exit(9) if done == 2 else None)
"""
    child = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=300)
    assert child.returncode == 9
    assert load_checkpoint(tmp_path / CHECKPOINT)[2] == 2
    train(TINY, tmp_path, resume=True)
    assert_same_checkpoint(tmp_path, whole)


def test_a_second_run_in_a_folder_is_refused_until_the_first_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"""
import time, torch
from pathlib import Path
from motion_core.training.config import TrainConfig
from motion_core.training.lite.train import train
torch.set_num_threads(1)
def wait(done, total):
    print(done, flush=True)
    time.sleep(600 if done == 2 else 0)
train({replace(TINY, save_seconds=0.0)!r}, Path({str(tmp_path)!r}), progress=wait)
"""
    monkeypatch.setattr(run, "LOCK_SECONDS", 0.0)
    child = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        assert [child.stdout.readline() for _ in range(2)] == ["1\n", "2\n"]
        before = (tmp_path / CHECKPOINT).read_bytes()
        for resume in (False, True):
            with pytest.raises(ValueError, match="another process trains in .*; stop it first"):
                train(TINY, tmp_path, resume=resume)
        assert (tmp_path / CHECKPOINT).read_bytes() == before
    finally:
        child.kill()
        child.wait(60)
    train(TINY, tmp_path, resume=True)
    assert load_checkpoint(tmp_path / CHECKPOINT)[2] == TINY.steps


def test_the_global_generator_is_not_touched(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    train(replace(TINY, steps=1), tmp_path)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_export_loads_and_keeps_other_parts(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "lite.safetensors"
    export_weights(whole / CHECKPOINT, target)
    averaged, _, _ = load_checkpoint(whole / CHECKPOINT)
    lite = load_lite(target)
    expected = averaged["average.encoder.logit_scale"]
    torch.testing.assert_close(lite.encoder.logit_scale.detach(), expected)


@pytest.fixture(scope="module")
def stages(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file to which all stages have added their part, one after the other."""
    folder = tmp_path_factory.mktemp("stages")
    target = folder / "lite.safetensors"
    export_weights(whole / CHECKPOINT, target)
    for stage in ("base", "control"):
        config = replace(TINY, stage=stage, start=str(target), steps=2)
        export_weights(train(config, folder / stage), target)
    return target


def test_every_stage_adds_its_part(stages: Path) -> None:
    lite = load_lite(stages)
    assert lite.base is not None and lite.control is not None
    assert lite.control.gate.weight.any(), "control is untrained"


def test_parts_built_on_a_replaced_part_are_dropped(stages: Path, tmp_path: Path) -> None:
    target = tmp_path / "lite.safetensors"
    shutil.copy(stages, target)
    export_weights(stages.parent / "base" / CHECKPOINT, target)
    again = load_lite(target)
    assert again.base is not None and again.control is None


def test_a_base_keeps_its_image_encoder_when_the_control_encoder_is_trained_further(
    stages: Path, tmp_path: Path
) -> None:
    """Also when its start file has changed before it is resumed."""
    start, target = tmp_path / "start.safetensors", tmp_path / "lite.safetensors"
    shutil.copy(stages, start)
    shutil.copy(stages, target)
    config = replace(TINY, start=str(start), steps=2)
    train(config, tmp_path / "run")
    export_weights(train(replace(TINY, seed=1, steps=1), tmp_path / "foreign"), start)
    train(replace(config, steps=3), tmp_path / "run", resume=True)
    export_weights(tmp_path / "run" / CHECKPOINT, target)
    was, now = load_lite(stages), load_lite(target)
    assert was.base is not None and now.base is not None and now.control is not None
    copied, before = now.base.image_encoder.state_dict(), was.base.image_encoder.state_dict()
    assert all(torch.equal(copied[name], value) for name, value in before.items())
    trained, start_value = now.encoder.affinity.weight, was.encoder.affinity.weight
    assert not torch.equal(trained, start_value)
    torch.testing.assert_close(trained, start_value, atol=0.02, rtol=0)


def test_control_trains_only_its_own_parameters(stages: Path) -> None:
    tensors, _, _ = load_checkpoint(stages.parent / "control" / CHECKPOINT)
    trained = {name.removeprefix("model.") for name in tensors if name.startswith("model.")}
    assert trained and all(name.startswith("control.") for name in trained)


def test_an_interrupted_control_is_resumed_exactly(stages: Path, tmp_path: Path) -> None:
    config = replace(TINY, stage="control", start=str(stages), steps=3)

    def stop_after_one(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    train(config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "parts", progress=stop_after_one)
    train(config, tmp_path / "parts", resume=True)
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), abs=1e-6)


@pytest.mark.skipif(sys.platform == "win32", reason="torch's launcher lacks libuv on Windows")
def test_two_processes_train_together(stages: Path, tmp_path: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [sys.executable, *launcher]
    command += ["-m", "motion_core", "train", "control", "--out", str(tmp_path), "--steps", "2"]
    tiny = asdict(replace(TINY, start=str(stages), probe_scenes=1))
    del tiny["stage"], tiny["steps"]
    command += ["--set", *(f"{name}={value}" for name, value in tiny.items())]
    env = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert load_checkpoint(tmp_path / CHECKPOINT)[2] == 2
    assert (tmp_path / LOG).read_text().count('"probe"') == 1, "one of the two writes"


def test_control_without_a_base_is_refused(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "lite.safetensors"
    export_weights(whole / CHECKPOINT, target)
    with pytest.raises(FormatError, match="Train stage base"):
        train(replace(TINY, stage="control", start=str(target)), tmp_path / "control")


def test_set_may_be_repeated(tmp_path: Path) -> None:
    arguments = ["train", "encoder", "--out", str(tmp_path), "--steps", "1", "--set", "batch=1"]
    more = ["block=2", "reuse=2", "--set", "frames=3", "--set", "workers=0", "cells=16"]
    assert main([*arguments, *more]) == 0
    _, config, _ = load_checkpoint(tmp_path / CHECKPOINT)
    assert (config.batch, config.block, config.frames, config.cells) == (1, 2, 3, 16)


def test_another_config_or_folder_is_refused(whole: Path) -> None:
    with pytest.raises(ValueError, match="resume"):
        train(TINY, whole)
    with pytest.raises(ValueError, match="another config"):
        train(replace(TINY, lr=1.0), whole, resume=True)


def test_a_full_disk_leaves_the_old_checkpoint_intact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    save_checkpoint(path, {"model.x": torch.ones(3)}, TINY, 2)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write.os, "fsync", full)
    with pytest.raises(OSError, match="space.*run.safetensors"):
        save_checkpoint(path, {"model.x": torch.zeros(3)}, TINY, 3)
    tensors, config, step = load_checkpoint(path)
    assert (step, config) == (2, TINY)
    assert torch.equal(tensors["model.x"], torch.ones(3))
    assert list(tmp_path.iterdir()) == [path]


def test_broken_checkpoints_are_refused(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.safetensors"
    path.write_bytes((whole / CHECKPOINT).read_bytes()[:5000])
    with pytest.raises(FormatError, match="truncated"):
        load_checkpoint(path)
    with pytest.raises(FileNotFoundError, match="resume"):
        load_checkpoint(tmp_path / "none")
    export_weights(whole / CHECKPOINT, tmp_path / "weights.safetensors")
    with pytest.raises(FormatError, match="checkpoint"):
        load_checkpoint(tmp_path / "weights.safetensors")


def test_checkpoints_of_an_earlier_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "KIND", checkpoint.OLDER_KIND)
        save_checkpoint(tmp_path / CHECKPOINT, {"model.x": torch.ones(1)}, TINY, 7)
    with pytest.raises(FormatError, match="earlier version"):
        train(TINY, tmp_path, resume=True)


@pytest.mark.parametrize("make", [torch.optim.AdamW, torch.optim.Adafactor])
def test_the_optimizer_state_is_kept_by_name(make: Any) -> None:
    """Also when the parameters come in another order."""
    values = {"a.weight": torch.rand(2, 3), "b/bias": torch.rand(4)}
    first = {name: torch.nn.Parameter(value) for name, value in values.items()}
    optimizer = make(first.values())
    for parameter in first.values():
        parameter.grad = torch.rand_like(parameter)
    optimizer.step()
    tensors = checkpoint.optimizer_tensors(optimizer, list(first))
    second = {name: torch.nn.Parameter(first[name].detach()) for name in reversed(values)}
    other = make(second.values())
    checkpoint.restore_optimizer(other, list(second), tensors)
    for name, parameter in first.items():
        kept = other.state[second[name]]
        assert optimizer.state[parameter].keys() == kept.keys()
        for key, value in optimizer.state[parameter].items():
            torch.testing.assert_close(torch.as_tensor(kept[key]), torch.as_tensor(value))


def test_the_probe_of_a_base_shows_whether_it_uses_the_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    base = LiteBase(load_lite().encoder, BaseConfig(frames=3)).eval()
    config = replace(TINY, stage="base", probe_scenes=16)
    with_image = probe_base(base, config)
    for level in LEVELS[:2]:
        assert with_image[f"{level}/own"] < with_image[f"{level}/other"]
    monkeypatch.setattr(
        base, "encode_image", lambda picture: encode_image(base.image_encoder, picture * 0)
    )
    without = probe_base(base, config)
    for level in LEVELS:
        assert without[f"{level}/own"] == pytest.approx(without[f"{level}/other"], rel=1e-6)
