"""The log for TensorBoard: the numbers of log.jsonl, also after a run is resumed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from motion_core.training import run
from motion_core.training.log import read_log
from motion_core.training.run import LOG
from motion_core.training.tensorboard import FOLDER
from motion_core.training.track_controlnet.config import TrackControlNetConfig
from motion_core.training.track_controlnet.task import train_track_controlnet

from .squares import Squares
from .tiny_bases import one_thread, wan

TINY = TrackControlNetConfig(
    steps=3, workers=0, probe_steps=2, probe_clips=1, regime="sparse", tensorboard=True
)


def test_scalars_are_the_lines_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    one_thread()
    monkeypatch.setattr(run, "LOG_STEPS", 1)
    clips = Squares(2)
    train_track_controlnet(TINY, wan(), clips, tmp_path, held_out=clips)
    config = replace(TINY, steps=5)
    train_track_controlnet(config, wan(), clips, tmp_path, held_out=clips, resume=True)
    lines = read_log(tmp_path / LOG)
    wanted: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        named = {"loss": line["loss"]} if "loss" in line else {}
        named |= {f"probe/{name}": value for name, value in line.get("probe", {}).items()}
        for name, value in named.items():
            wanted.setdefault(name, []).append((line["step"], pytest.approx(value, rel=1e-6)))
    events = EventAccumulator(str(tmp_path / FOLDER)).Reload()
    assert [step for step, _ in wanted["loss"]] == [1, 2, 3, 4, 5] and "probe/0.9/own" in wanted
    assert set(events.Tags()["scalars"]) == {*wanted, "seconds_per_step"}
    for name, pairs in wanted.items():
        assert [(one.step, one.value) for one in events.Scalars(name)] == pairs


def test_without_the_package_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match=r"motion-prompting\[tensorboard\]"):
        train_track_controlnet(TINY, wan(), Squares(1), tmp_path)
    train_track_controlnet(replace(TINY, steps=1, tensorboard=False), wan(), Squares(1), tmp_path)
    assert not (tmp_path / FOLDER).exists()
