"""Runs on a tiny Wan: exact resume, two processes as one, stops, exports, and that it learns."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from motion_core.cli import main
from motion_core.curation.engine import InProcess
from motion_core.curation.run import Curation, curate
from motion_core.curation.settings import CurationSettings
from motion_core.curation.sources import find_sources
from motion_core.errors import FormatError
from motion_core.geometry import Size
from motion_core.models.registry import load_track_model, with_track_controlnet
from motion_core.sampling.loop import Sampling, sample
from motion_core.tracks import make_tracks
from motion_core.training import run
from motion_core.training.checkpoint import load_checkpoint
from motion_core.training.run import CHECKPOINT, LOG, DivergedError
from motion_core.training.track_controlnet.clips import open_clips
from motion_core.training.track_controlnet.config import TrackControlNetConfig
from motion_core.training.track_controlnet.probe import probe_control
from motion_core.training.track_controlnet.samples import endpoint_error
from motion_core.training.track_controlnet.task import (
    export_track_controlnet,
    read_config,
    train_track_controlnet,
)
from motion_core.video import read_video

from ...curation.videos import panned, write_mp4
from ...models.wan import tiny
from .squares import Squares, write_squares
from .tiny_bases import animatediff, one_thread, wan, wan_folder

ROOT = Path(__file__).resolve().parents[3]
TINY = TrackControlNetConfig(
    steps=5, batch=1, workers=0, lr=1e-2, probe_steps=99, regime="sparse", no_tracks=0.3, ema=0.5
)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Any:
    one_thread()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "LOG_STEPS", 1)
        yield


def losses(folder: Path) -> list[float]:
    lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def assert_same(folder: Path, other: Path, tolerance: float = 0.0) -> None:
    """Weights, averaged weights and state of the optimizer are equal."""
    tensors, _, step = load_checkpoint(folder / CHECKPOINT, read_config)
    expected, _, expected_step = load_checkpoint(other / CHECKPOINT, read_config)
    assert step == expected_step and tensors.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(tensors[name], value, atol=tolerance, rtol=tolerance)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wan_folder(tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("clips"), 4)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    train_track_controlnet(TINY, wan(), Squares(3), folder, held_out=Squares(2))
    return folder


def command(release: Path, data: Path, out: Path, *more: str) -> list[str]:
    values = ["workers=0", "regime=sparse", "no_tracks=0.3", "ema=0.5", "lr=1e-2"]
    return [
        *("train", "track-controlnet", "--family", "wan", "--base", str(release)),
        *("--load", "dtype=float32", "--data", str(data), "--out", str(out)),
        *("--set", *values, *more),
    ]


@pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
def test_a_run_stopped_in_the_middle_of_an_epoch_is_resumed_exactly(
    tmp_path: Path, optimizer: str
) -> None:
    config = replace(TINY, optimizer=optimizer, accumulation=2)
    train_track_controlnet(config, wan(), Squares(3), tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_track_controlnet(config, wan(), Squares(3), tmp_path / "parts", progress=stop)
    train_track_controlnet(config, wan(), Squares(3), tmp_path / "parts", resume=True)
    assert_same(tmp_path / "parts", tmp_path / "whole")
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


@pytest.mark.slow
def test_a_run_killed_at_a_random_step_is_resumed_exactly(
    release: Path, data: Path, tmp_path: Path
) -> None:
    """kill -9 after a step that no one chose; checkpoints are written at every step."""
    steps, last = ["--steps", "10"], random.SystemRandom().randint(1, 6)
    assert main([*command(release, data, tmp_path / "whole"), *steps]) == 0
    parts = command(release, data, tmp_path / "parts", "save_seconds=0")
    # Sums depend on the number of threads.
    child = subprocess.Popen(
        [sys.executable, "-m", "motion_core", *parts, *steps],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    checkpoint = tmp_path / "parts" / CHECKPOINT
    while child.poll() is None and (not checkpoint.exists() or step_of(checkpoint) < last):
        time.sleep(0.01)
    child.kill()
    assert child.wait(60) == -signal.SIGKILL, "the run was over before it was killed"
    assert last <= step_of(checkpoint) < 10
    assert main([*parts, *steps, "--resume"]) == 0
    assert_same(tmp_path / "parts", tmp_path / "whole")


def step_of(checkpoint: Path) -> int:
    with safe_open(checkpoint, "pt") as file:
        return int(file.metadata()["step"])


def test_a_gradient_that_is_not_finite_ends_the_run_with_the_weights_before_it(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = wan()
    clean, calls = base.errors, []

    def broken(*given: Any, **more: Any) -> torch.Tensor:
        calls.append(None)
        return clean(*given, **more) * (float("nan") if len(calls) == 4 else 1.0)

    monkeypatch.setattr(base, "errors", broken)
    with pytest.raises(DivergedError, match=r"gradient of step 4 .* \(loss nan\).*lower lr"):
        train_track_controlnet(TINY, base, Squares(3), tmp_path)
    tensors, _, step = load_checkpoint(tmp_path / CHECKPOINT, read_config)
    assert step == 3 and all(bool(torch.isfinite(one).all()) for one in tensors.values())
    train_track_controlnet(TINY, wan(), Squares(3), tmp_path, resume=True)
    assert_same(tmp_path, whole)


def test_a_signal_to_stop_ends_the_run_after_its_step(tmp_path: Path, whole: Path) -> None:
    def terminate(done: int, total: int) -> None:
        if done == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        train_track_controlnet(TINY, wan(), Squares(3), tmp_path, progress=terminate)
    assert signal.getsignal(signal.SIGTERM) is before
    assert load_checkpoint(tmp_path / CHECKPOINT, read_config)[2] == 2
    train_track_controlnet(TINY, wan(), Squares(3), tmp_path, resume=True)
    assert_same(tmp_path, whole)


def full_disk(write: Callable[..., Any], times: int) -> Callable[..., Any]:
    """A writer that fails as often as told, as on a full disk."""
    left = [times]

    def failing(*given: Any, **more: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OSError(28, "No space left on device")
        return write(*given, **more)

    return failing


def test_a_disk_that_is_full_for_a_while_costs_no_step(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = replace(TINY, save_seconds=0.0)
    monkeypatch.setattr(run, "save_checkpoint", full_disk(run.save_checkpoint, 3))
    train_track_controlnet(config, wan(), Squares(3), tmp_path)
    assert caplog.text.count("No space left on device; what was there before stays") == 3
    assert_same(tmp_path, whole)
    monkeypatch.setattr(run, "save_checkpoint", full_disk(run.save_checkpoint, 99))
    with pytest.raises(OSError, match="No space"):
        train_track_controlnet(config, wan(), Squares(3), tmp_path / "never")


def test_a_run_is_resumed_only_on_the_same_base_and_clips(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="data was '[0-9a-f]{16}' and is"):
        train_track_controlnet(TINY, wan(), Squares(4), whole, resume=True)
    other = wan()
    with torch.no_grad():
        other.parts.transformer.patch_embedding.bias.add_(1.0)
    with pytest.raises(ValueError, match="base was"):
        train_track_controlnet(TINY, other, Squares(3), whole, resume=True)
    with pytest.raises(FormatError, match="another base"):
        export_track_controlnet(whole / CHECKPOINT, other, tmp_path / "control.safetensors")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="regime was 'sparse' and is 'dense'"):
        config = replace(TINY, regime="dense")
        train_track_controlnet(config, wan(), Squares(3), whole, resume=True)


def test_clips_that_the_base_cannot_make_are_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiples of 16; got 40x40"):
        train_track_controlnet(TINY, wan(), Squares(1, side=40), tmp_path / "run")
    with pytest.raises(ValueError, match="4k"):
        train_track_controlnet(replace(TINY, frames=4), wan(), Squares(1), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_probe_shows_that_a_control_learns(tmp_path: Path) -> None:
    base, clips = wan(), Squares(2)
    config = replace(TINY, steps=40, optimizer="adamw", no_tracks=0.0, batch=2, lr=5e-3, ema=0.0)
    before = probe_control(base, base.new_control(), clips, config)
    assert before["0.9/own"] == before["0.9/none"] == before["0.9/other"]
    config = replace(config, probe_steps=40)
    train_track_controlnet(config, base, clips, tmp_path, held_out=clips)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    probe = lines[-1]["probe"]
    for level in ("0.7", "0.9", "0.97"):
        assert probe[f"{level}/none"] == pytest.approx(before[f"{level}/none"])
        assert probe[f"{level}/own"] < 0.95 * probe[f"{level}/none"]
        assert probe[f"{level}/own"] != probe[f"{level}/other"]


def test_the_exported_file_is_what_load_track_controlnet_reads(
    release: Path, data: Path, tmp_path: Path
) -> None:
    target = tmp_path / "tracks.safetensors"
    arguments = command(release, data, tmp_path / "run", "probe_steps=2", "probe_clips=1")
    more = ["--steps", "2", "--held-out", str(data), "--export", str(target)]
    less = ["--set", "checkpointing=true", "precision=bfloat16"]
    assert main([*arguments, *less, *more]) == 0
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    model = load_track_model("wan", folder=release, follow="nothing", dtype="float32")
    controlled = with_track_controlnet(model, target)
    tensors, _, _ = load_checkpoint(tmp_path / "run" / CHECKPOINT, read_config)
    network = controlled.control.network  # type: ignore[union-attr]
    for name, value in network.named_parameters():
        assert torch.equal(value, tensors[f"average.{name}"])
    settings, request = Sampling(steps=1), tiny.request()
    plain = sample(model.model, None, request, tiny.tracks(), settings).frames
    moved = sample(controlled.model, controlled.control, request, tiny.tracks(), settings).frames
    assert not torch.equal(moved, plain)


def test_animatediff_is_trained_and_exported_too(tmp_path: Path) -> None:
    from motion_core.models.animatediff.weights import load_track_controlnet

    base = animatediff()
    checkpoint = train_track_controlnet(
        replace(TINY, steps=2), base, Squares(2, side=64, frames=3), tmp_path / "run"
    )
    export_track_controlnet(checkpoint, base, tmp_path / "tracks.safetensors")
    network = load_track_controlnet(tmp_path / "tracks.safetensors")
    tensors, _, _ = load_checkpoint(checkpoint, read_config)
    for name, value in network.named_parameters():
        assert torch.equal(value, tensors[f"average.{name}"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--load", "colour=1"], "--load takes folder"),
        (["--load", "read_text=yes"], "true or false"),
        (["--set", "regime=mixed"], "dense"),
        (["--set", "cells=3"], "--set takes"),
        (["--set", "checkpointing=yes"], "--set checkpointing takes true or false; got 'yes'"),
    ],
)
def test_options_that_are_not_known_are_refused(
    change: list[str],
    message: str,
    release: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*command(release, data, tmp_path / "run"), *change]) == 2
    assert message in capsys.readouterr().err


def test_options_of_the_other_kind_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "run")]
    assert main(["train", "encoder", *out, "--data", str(data)]) == 2
    assert (
        "--data belong to track-controlnet and image-conductor, not to encoder"
        in capsys.readouterr().err
    )
    assert main(["train", "track-controlnet", *out, "--data", str(data)]) == 2
    assert "needs --family" in capsys.readouterr().err


def test_shards_that_curate_writes_are_trained_on(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    for seed in range(2):
        write_mp4(tmp_path / "videos" / f"{seed}.mp4", panned(seed, 10), 16.0)
    settings = CurationSettings(size=Size(64, 48), frames=5, stride=5, cuts="none", spacing=8.0)
    sources = find_sources([str(tmp_path / "videos")])
    curate(Curation(sources, tmp_path / "shards", settings, InProcess()))
    clips = open_clips([tmp_path / "shards"])
    assert sum(clips.counts) == 4
    config = replace(TINY, steps=2, batch=2, no_tracks=0.0, sparse_time=0.5)
    checkpoint = train_track_controlnet(config, wan(), clips, tmp_path / "run")
    assert load_checkpoint(checkpoint, read_config)[2] == 2


def test_a_probe_samples_clips_and_measures_their_tracks(tmp_path: Path) -> None:
    config = replace(TINY, steps=1, probe_steps=1, sample_clips=1, sampler_steps=1, no_tracks=0.0)
    base = wan(text=tiny.Letters())
    base.defaults = replace(base.defaults, text_scale=2.0)
    train_track_controlnet(config, base, Squares(2), tmp_path, held_out=Squares(2))
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["step-000001-0-none.mp4", "step-000001-0-own.mp4"]
    clip = read_video(tmp_path / "samples" / names[0])[0]
    assert clip.shape == (5, 32, 32, 3)
    # The videos of an untrained base hold nothing that a tracker finds again for certain.
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    sampled = {name for name in lines[-1]["probe"] if name.startswith("samples/")}
    assert sampled <= {"samples/own", "samples/none"}


def test_the_error_of_a_sample_is_how_far_its_tracks_are_off() -> None:
    clip = panned(3, 5, 1.5)
    still = torch.from_numpy(np.repeat(clip[:1], 5, axis=0)).float() / 255
    start = torch.tensor([[40.5, 30.5], [60.5, 50.5], [80.5, 60.5]])
    shift = torch.arange(5.0)[:, None, None] * torch.tensor([1.5, 0.0])
    tracks = make_tracks(start + shift, Size(128, 96))
    moving = torch.from_numpy(clip).float() / 255
    assert endpoint_error(moving, tracks) < 0.1
    # Frames 1 to 4 are 1.5, 3, 4.5 and 6 pixels off.
    assert endpoint_error(still, tracks) == pytest.approx(3.75, abs=0.05)
    hidden = replace(tracks, visible=torch.zeros_like(tracks.visible))
    assert math.isnan(endpoint_error(moving, hidden))
