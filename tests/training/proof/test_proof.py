"""The proof in small: scenes with known motion, prompts, files that load, and the whole way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from motion_core.cli import main
from motion_core.errors import FormatError
from motion_core.evaluation.suites.readers import read_prompts
from motion_core.geometry import Size
from motion_core.layered_scenes.rendering import render_frames
from motion_core.layered_scenes.scenes import Split
from motion_core.models.registry import load_track_model
from motion_core.tracks import make_tracks
from motion_core.training.proof.base import BaseModule, NoisyClips
from motion_core.training.proof.networks import (
    IMAGE_FILE,
    MOTION_FILE,
    new_autoencoder,
    new_base,
    save_base,
)
from motion_core.training.proof.prompts import PromptDraw, write_prompts
from motion_core.training.proof.scenes import KINDS, moving_shape, write_scenes
from motion_core.training.track_controlnet.bases import trainable_base
from motion_core.training.track_controlnet.batches import one_clip

from ..track_controlnet.squares import Squares, square_clip


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_moves_what_its_kind_says(kind: str) -> None:
    scene = moving_shape(Split.TEST.seed(4), kind, 5)
    ground, thing = (layer.pose[-1, :2, 2] for layer in scene.layers)
    assert (abs(ground).max() > 0) == (kind != "object")
    assert abs(thing).max() > 0
    assert (abs(ground - thing).max() < 1e-9) == (kind == "camera")
    frames = render_frames(scene)
    assert frames.shape == (5, 256, 256, 3) and (frames[0] != frames[-1]).any()
    assert (render_frames(moving_shape(Split.TEST.seed(4), kind, 5)) == frames).all()


def test_scenes_are_written_once_and_splits_differ(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "a", 4, Split.TRAIN, 3)
    videos = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*.mp4"))
    assert videos == ["both/00002.mp4", "camera/00001.mp4", "object/00000.mp4", "object/00003.mp4"]
    first = folder / videos[0]
    first.write_bytes(b"kept")
    write_scenes(folder, 4, Split.TRAIN, 3)
    assert first.read_bytes() == b"kept"
    train, other = (moving_shape(split.seed(0), "both", 3) for split in list(Split)[:2])
    assert (train.image != other.image).any()
    with pytest.raises(ValueError, match="kind must be one of"):
        moving_shape(0, "neither", 3)


def test_a_prompt_has_moving_tracks_where_there_are_some() -> None:
    start = torch.rand(40, 2, generator=torch.Generator().manual_seed(0)) * 60
    step = torch.zeros(40, 2)
    step[:6] = 1.0
    xy = start[None] + torch.arange(4)[:, None, None] * step
    visible = torch.ones(4, 40, dtype=torch.bool)
    visible[-1, 0] = False
    tracks = make_tracks(xy, Size(80, 80), visible=visible)
    drawn = PromptDraw(count=8, least_moving=5).draw(tracks, 3)
    moved = (drawn.xy[-1] - drawn.xy[0]).norm(dim=-1) > 1
    assert drawn.num_points == 8 and int(moved.sum()) >= 5 and bool(drawn.visible.all())
    again = PromptDraw(count=8, least_moving=5).draw(tracks, 3)
    assert torch.equal(again.xy, drawn.xy)


def test_prompts_are_read_as_those_of_users(tmp_path: Path) -> None:
    write_prompts(Squares(3), tmp_path, 2, PromptDraw(2, 1))
    cases = read_prompts(tmp_path)
    assert [case.name for case in cases] == ["000", "001"]
    assert all(case.image and case.truth and case.tracks for case in cases)
    assert cases[1].tracks is not None and cases[1].tracks.num_points == 2


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_base(new_base(3), new_autoencoder(4), folder)
    return folder


def settings(model: Path) -> dict[str, Path]:
    return {
        "base": model / "sd15",
        "motion": model / MOTION_FILE,
        "image": model / IMAGE_FILE,
    }


def test_the_saved_base_loads_and_predicts_v_as_in_its_training(model: Path) -> None:
    base = trainable_base(load_track_model("animatediff", **settings(model)))
    clip = square_clip(1)
    batch = one_clip(clip, 0, clip.tracks, "", seed=5)
    with torch.no_grad():
        encoded = base.encode(batch)
        found = base.errors(None, encoded, batch.tracks, (5,), level=0.7)
        generator = torch.Generator().manual_seed(5)
        torch.rand(1, generator=generator)
        noise = torch.randn(*encoded.latents.shape[1:], generator=generator)[None]
        module = BaseModule(new_base(3))
        expected = module.errors(NoisyClips(encoded.latents, noise, torch.tensor([700])))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_another_prediction_in_the_scheduler_is_refused(model: Path, tmp_path: Path) -> None:
    config = model / "sd15" / "scheduler" / "scheduler_config.json"
    written = config.read_text()
    assert json.loads(written)["prediction_type"] == "v_prediction"
    try:
        config.write_text(written.replace("v_prediction", "sample"))
        with pytest.raises(FormatError, match="prediction_type must be one of epsilon"):
            load_track_model("animatediff", **settings(model))
        config.unlink()
        loaded = load_track_model("animatediff", **settings(model))
        assert loaded.model.scheduler().config.prediction_type == "epsilon"
    finally:
        config.write_text(written)


@pytest.mark.slow
def test_the_whole_way_from_videos_to_a_table_and_back_where_it_stopped(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    command = ["train-demo", "--out", str(out), "--scale", "0.008", "--set", "probe_clips=2"]
    assert main(command) == 0
    lines = (out / "table.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| no control", "| Track-ControlNet"]
    report = json.loads((out / "report.json").read_text())
    assert {entry["name"] for entry in report["entries"]} == {"no control", "Track-ControlNet"}
    assert (out / "sheet.png").is_file() and (out / "control" / "curves.png").is_file()
    frames = sorted((out / "videos-control").rglob("*.png"))
    assert frames and len(frames) % 8 == 0
    weights = (out / "track-controlnet.safetensors").stat().st_mtime_ns
    assert main(command) == 0
    assert (out / "track-controlnet.safetensors").stat().st_mtime_ns == weights


def test_sample_refuses_what_it_cannot_use(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_prompts(Squares(1), tmp_path / "prompts", 1, PromptDraw(2, 1))
    known = settings(model)
    common = ["sample", str(tmp_path / "prompts"), "--out", str(tmp_path / "out")]
    load = ["--load", f"motion={known['motion']}", f"image={known['image']}"]
    base = ["--family", "animatediff", "--base", str(known["base"]), *load]
    assert main([*common, *base, "--motion", "camera"]) == 2
    assert "has no LoRA" in capsys.readouterr().err
    (tmp_path / "prompts" / "000.png").unlink()
    assert main([*common, *base]) == 2
    assert "holds no tracks with a picture" in capsys.readouterr().err
    assert main(["train-demo", "--out", str(tmp_path / "x"), "--scale", "0"]) == 2
