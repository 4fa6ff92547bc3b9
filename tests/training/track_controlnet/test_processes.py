"""Several processes train as one, with the base whole or spread over them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motion_core.cli import main
from motion_core.models.registry import load_track_model, with_track_controlnet
from motion_core.training import run
from motion_core.training.checkpoint import load_checkpoint
from motion_core.training.run import CHECKPOINT, LOG
from motion_core.training.track_controlnet.task import read_config, train_track_controlnet

from .squares import Squares, write_squares
from .test_task import ROOT, TINY, assert_same, command
from .tiny_bases import animatediff, loaded_wan, wan, wan_folder


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return wan_folder(tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("clips"), 4)


@pytest.fixture(scope="module")
def one_process(
    release: Path, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights of one process with two clips per step, and with one."""
    folder = tmp_path_factory.mktemp("one")
    for name, more in (("one", ["batch=2"]), ("half", [])):
        assert main([*command(release, data, folder / name, *more), "--steps", "3"]) == 0
    one, half = (model_weights(folder / name) for name in ("one", "half"))
    return one, half


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="torch's launcher lacks libuv on Windows")
@pytest.mark.parametrize("shard", [False, True])
def test_two_processes_train_as_one_with_twice_the_batch(
    release: Path,
    data: Path,
    tmp_path: Path,
    one_process: tuple[torch.Tensor, torch.Tensor],
    shard: bool,
) -> None:
    file = tmp_path / "exported.safetensors"
    more = ["shard=base", "checkpointing=true", "probe_steps=2", "sample_clips=1"] if shard else []
    given = command(release, data, tmp_path / "two", *more, "sampler_steps=1", "probe_clips=2")
    probes = ["--held-out", str(data), "--export", str(file)] if shard else []
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [sys.executable, *launcher, "-m", "motion_core", *given, "--steps", "3", *probes],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    start = flat(dict(loaded_wan(release).new_control().named_parameters()))
    (one, half), two = one_process, model_weights(tmp_path / "two")
    moved = (one - start).norm()
    assert (two - one).norm() < 1e-4 * moved
    # What the second process adds is far more than float noise.
    assert (half - one).norm() > 0.1 * moved
    if shard:
        lines = [json.loads(line) for line in (tmp_path / "two" / LOG).read_text().splitlines()]
        assert [line["step"] for line in lines if "probe" in line] == [2, 3]
        steered = with_track_controlnet(load_track_model("wan", folder=release), file)
        assert steered.control is not None


def test_shards_change_nothing_in_one_process_and_are_refused_for_small_bases(
    tmp_path: Path,
) -> None:
    train_track_controlnet(TINY, wan(), Squares(3), tmp_path / "whole")
    train_track_controlnet(replace(TINY, shard="base"), wan(), Squares(3), tmp_path / "run")
    assert_same(tmp_path / "run", tmp_path / "whole")
    with pytest.raises(ValueError, match="shard=base is for bases .* AnimateDiff is small"):
        train_track_controlnet(
            replace(TINY, shard="base"), animatediff(), Squares(3, 64), tmp_path / "small"
        )


@pytest.mark.parametrize("kind", ["DistributedType.FSDP", "DistributedType.DEEPSPEED"])
def test_launches_that_take_the_weights_apart_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="configure it for several processes .* shard=base"):
        run.check_launch(kind)
    run.check_launch("DistributedType.MULTI_GPU")


def model_weights(folder: Path) -> torch.Tensor:
    return flat(load_checkpoint(folder / CHECKPOINT, read_config)[0], "model.")


def flat(tensors: dict[str, torch.Tensor], prefix: str = "") -> torch.Tensor:
    """The tensors whose names start so, in one vector, in the order of their names."""
    named = sorted((name, one) for name, one in tensors.items() if name.startswith(prefix))
    return torch.cat([one.detach().flatten() for _, one in named]).double()
