"""Plain Stable Video Diffusion: loaded, trained, exported, and sampled with its adapter."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motion_core.errors import FormatError
from motion_core.models.protocols import GenerationRequest
from motion_core.models.registry import load_track_model, with_track_controlnet
from motion_core.models.svd.adapter import MotionAdapter
from motion_core.models.svd.load import load_model
from motion_core.models.svd.weights import load_track_controlnet, save_track_controlnet
from motion_core.sampling.loop import Sampling, sample
from motion_core.training.track_controlnet.bases import trainable_base
from motion_core.training.track_controlnet.config import TrackControlNetConfig
from motion_core.training.track_controlnet.task import (
    export_track_controlnet,
    train_track_controlnet,
)

from .squares import Squares, square_clip
from .tiny_bases import svd_folder

CONFIG = TrackControlNetConfig(
    steps=2, workers=0, lr=0.05, regime="sparse", probe_steps=9, ema=0.0, optimizer="adamw"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return svd_folder(tmp_path_factory.mktemp("svd"))


def test_a_trained_adapter_steers_the_folder_that_it_was_trained_on(
    folder: Path, tmp_path: Path
) -> None:
    model = load_track_model("motionpro", checkpoint=folder)
    assert model.control is None
    base = trainable_base(model)
    checkpoint = train_track_controlnet(CONFIG, base, Squares(2, 64), tmp_path / "run")
    file = tmp_path / "adapter.safetensors"
    export_track_controlnet(checkpoint, base, file)
    steered = with_track_controlnet(model, file)
    clip = square_clip(1, 64, frames=3)
    request = GenerationRequest(clip.video[0].float() / 255, 3)
    settings = Sampling(1, seed=4)
    plain = sample(model.model, None, request, clip.tracks, settings).frames
    moved = sample(steered.model, steered.control, request, clip.tracks, settings).frames
    assert not torch.equal(plain, moved)
    # As the training samples it.
    trained = load_track_controlnet(file, model.network.unet)
    same = sample(model.model, base.track_control(trained), request, clip.tracks, settings).frames
    assert torch.equal(moved, same)
    nothing = replace(clip.tracks, visible=torch.zeros_like(clip.tracks.visible))
    unmoved = sample(steered.model, steered.control, request, nothing, settings).frames
    assert torch.equal(plain, unmoved)


def test_an_adapter_of_other_widths_is_refused(folder: Path, tmp_path: Path) -> None:
    model = load_model(folder)
    save_track_controlnet(MotionAdapter((32, 64)), tmp_path / "other.safetensors")
    with pytest.raises(FormatError, match="levels of .32, 64. channels; this base has .32, 96"):
        with_track_controlnet(model, tmp_path / "other.safetensors")


def test_a_half_precision_base_takes_the_adapter_in_its_dtype(folder: Path, tmp_path: Path) -> None:
    model = load_model(folder, dtype="bfloat16")
    channels = model.network.unet.config.block_out_channels
    save_track_controlnet(MotionAdapter(channels), tmp_path / "a.safetensors")
    steered = with_track_controlnet(model, tmp_path / "a.safetensors")
    assert {one.dtype for one in steered.network.adapter.parameters()} == {torch.bfloat16}
    assert {one.dtype for one in steered.network.vae.parameters()} == {torch.float32}


@pytest.mark.parametrize("frames", [0, 10**6, "many"])
def test_folders_with_an_impossible_number_of_frames_are_refused(
    folder: Path, tmp_path: Path, frames: object
) -> None:
    copied = shutil.copytree(folder, tmp_path / "copy")
    path = copied / "unet" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_frames": frames}))
    with pytest.raises(FormatError, match="num_frames"):
        load_model(copied)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no UNetSpatioTemporalConditionModel in"):
        load_model(tmp_path)
