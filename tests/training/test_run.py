"""The training loop: exact resume, checkpoints that survive a full disk, honest refusals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from motion_core import atomic_write
from motion_core.cli import main
from motion_core.errors import FormatError
from motion_core.models.lite import load_lite
from motion_core.models.lite.base import LiteBase
from motion_core.models.lite.pooling import encode_image
from motion_core.models.lite.unet import BaseConfig
from motion_core.training import run
from motion_core.training.checkpoint import load_checkpoint, save_checkpoint
from motion_core.training.config import TrainConfig, config_from, learning_rate_at
from motion_core.training.lite.export import export_weights
from motion_core.training.lite.probes import COUNTS, LEVELS, probe_base
from motion_core.training.plot import plot_log
from motion_core.training.run import CHECKPOINT, LOG, train

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
        patch.setattr(run, "probe_stage", lambda stage, config: errors)
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


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(whole: Path, tmp_path: Path) -> None:
    def stop_after_two(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(TINY, tmp_path, progress=stop_after_two)
    train(TINY, tmp_path, resume=True)
    assert losses(tmp_path) == pytest.approx(losses(whole), abs=1e-6)
    first, _, _ = load_checkpoint(whole / CHECKPOINT)
    second, _, step = load_checkpoint(tmp_path / CHECKPOINT)
    assert step == TINY.steps
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-6, rtol=1e-5)


def test_a_killed_process_is_resumed_exactly(whole: Path, tmp_path: Path) -> None:
    """The child exits without cleanup, as after SIGKILL; its last checkpoint is of step 2."""
    script = f"""
import os, torch
from pathlib import Path
from motion_core.training.config import TrainConfig
from motion_core.training.run import train
torch.set_num_threads(1)
train({replace(TINY, save_seconds=0.0)!r}, Path({str(tmp_path)!r}),
      progress=lambda done, total: os._exit(9) if done == 2 else None)
"""
    child = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=300)
    assert child.returncode == 9
    assert load_checkpoint(tmp_path / CHECKPOINT)[2] == 2
    train(TINY, tmp_path, resume=True)
    first, _, _ = load_checkpoint(whole / CHECKPOINT)
    second, _, _ = load_checkpoint(tmp_path / CHECKPOINT)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-6, rtol=1e-5)


def test_the_global_generator_is_left_alone(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    train(replace(TINY, steps=1), tmp_path)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_export_loads_and_keeps_other_parts(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "lite.safetensors"
    export_weights(whole / CHECKPOINT, target)
    averaged, _, _ = load_checkpoint(whole / CHECKPOINT)
    lite = load_lite(target)
    wanted = averaged["average.encoder.sharpness"]
    torch.testing.assert_close(lite.encoder.sharpness.detach(), wanted)


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
    assert lite.control.gate.weight.any(), "control has learned nothing"


def test_what_was_built_on_a_replaced_part_goes(stages: Path, tmp_path: Path) -> None:
    target = tmp_path / "lite.safetensors"
    shutil.copy(stages, target)
    export_weights(stages.parent / "base" / CHECKPOINT, target)
    again = load_lite(target)
    assert again.base is not None and again.control is None


def test_a_base_keeps_its_eyes_when_the_encoder_learns_on(stages: Path, tmp_path: Path) -> None:
    """Also when the file it began with has changed before it is resumed."""
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
    eyes, before = now.base.eyes.state_dict(), was.base.eyes.state_dict()
    assert all(torch.equal(eyes[name], value) for name, value in before.items())
    learned, held = now.encoder.affinity.weight, was.encoder.affinity.weight
    assert not torch.equal(learned, held)
    torch.testing.assert_close(learned, held, atol=0.02, rtol=0)


def test_control_leaves_what_it_builds_on_alone(stages: Path) -> None:
    tensors, _, _ = load_checkpoint(stages.parent / "control" / CHECKPOINT)
    learned = {name.removeprefix("model.") for name in tensors if name.startswith("model.")}
    assert learned and all(name.startswith("control.") for name in learned)


def test_an_interrupted_control_goes_on_as_if_it_had_not_been(stages: Path, tmp_path: Path) -> None:
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
    """No gradient reaches some of control's parameters: an error between processes, by default."""
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words += ["-m", "motion_core", "train", "control", "--out", str(tmp_path), "--steps", "2"]
    tiny = asdict(replace(TINY, start=str(stages), probe_scenes=1))
    del tiny["stage"], tiny["steps"]
    words += ["--set", *(f"{name}={value}" for name, value in tiny.items())]
    alone = os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(words, cwd=ROOT, env=alone, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert load_checkpoint(tmp_path / CHECKPOINT)[2] == 2
    assert (tmp_path / LOG).read_text().count('"probe"') == 1, "one of the two writes"


def test_control_without_a_base_is_refused(whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "lite.safetensors"
    export_weights(whole / CHECKPOINT, target)
    with pytest.raises(FormatError, match="Train stage base"):
        train(replace(TINY, stage="control", start=str(target)), tmp_path / "control")


def test_set_may_be_given_more_than_once(tmp_path: Path) -> None:
    asked = ["train", "encoder", "--out", str(tmp_path), "--steps", "1", "--set", "batch=1"]
    more = ["block=2", "reuse=2", "--set", "frames=3", "--set", "workers=0", "cells=16"]
    assert main([*asked, *more]) == 0
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
    save_checkpoint(path, {"model.x": torch.ones(3)}, TINY, 7)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write.os, "fsync", full)
    with pytest.raises(OSError, match="space.*run.safetensors"):
        save_checkpoint(path, {"model.x": torch.zeros(3)}, TINY, 8)
    tensors, config, step = load_checkpoint(path)
    assert (step, config) == (7, TINY)
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


def test_the_probe_of_a_base_tells_whether_it_looks_at_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    base = LiteBase(load_lite().encoder, BaseConfig(frames=3)).eval()
    config = replace(TINY, stage="base", probe_scenes=16)
    looking = probe_base(base, config)
    for level in LEVELS[:2]:
        assert looking[f"{level}/own"] < looking[f"{level}/other"], "likeness helps untrained"
    monkeypatch.setattr(base, "sees", lambda picture: encode_image(base.eyes, picture * 0))
    blind = probe_base(base, config)
    for level in LEVELS:
        assert blind[f"{level}/own"] == pytest.approx(blind[f"{level}/other"], rel=1e-6)


def test_the_log_of_a_base_becomes_a_picture(tmp_path: Path) -> None:
    probe = {f"{level}/{whose}": 1.0 for level in LEVELS for whose in ("own", "other")}
    log = tmp_path / LOG
    log.write_text('{"step": 1, "loss": 2.0}\n' + json.dumps({"step": 1, "probe": probe}) + "\n")
    plot_log(log, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_the_log_becomes_a_picture(whole: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (whole / LOG).read_text().splitlines()]
    names = ("1", "4", "16", "64", "256", "drag")
    for line in lines:
        if "probe" in line:
            line["probe"] = {f"{name}/{key}": 1.0 for name in names for key in ("all", "none")}
    log = tmp_path / LOG
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    plot_log(log, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    log.write_text("nonsense\n")
    with pytest.raises(FormatError, match="line 1"):
        plot_log(log, tmp_path / "curves.png")


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"stage": "both"}, "stage"),
        ({"regime": "many"}, "regime"),
        ({"optimizer": "sgd"}, "adafactor"),
        ({"frames": 1}, "2 frames"),
        ({"batch": 7}, "multiple"),
        ({"steps": 0}, "steps"),
        ({"colour": 1}, "colour"),
    ],
)
def test_configs_without_sense_are_refused(values: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        config_from(values)


def test_the_rate_rises_stays_and_falls() -> None:
    config = TrainConfig(steps=1000, warmup=10, cooldown=0.5, lr=1.0)
    assert [learning_rate_at(config, step) for step in (0, 9, 10, 499)] == pytest.approx(
        [0.1, 1, 1, 1]
    )
    assert learning_rate_at(config, 750) == pytest.approx(0.51)
    assert learning_rate_at(config, 1000) == pytest.approx(0.02)
