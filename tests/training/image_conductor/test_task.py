"""Camera, then object: two runs on a small Image Conductor, and the files they write."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from motion_core.cli import main
from motion_core.models.controls import with_motion
from motion_core.models.image_conductor.control import FlowNetwork, ImageConductorControl
from motion_core.models.lora import LoraWeights
from motion_core.models.protocols import Branch, GenerationRequest
from motion_core.models.registry import load_track_model
from motion_core.sampling import Sampling, sample
from motion_core.training import run
from motion_core.training.checkpoint import load_checkpoint
from motion_core.training.image_conductor.base import ImageConductorBase, pairs_of, trainable
from motion_core.training.image_conductor.lora import TrainedLora, overlap
from motion_core.training.image_conductor.task import (
    MotionLoraConfig,
    MotionLoraOnBase,
    MotionLoraTask,
    read_config,
    train_motion_lora,
)
from motion_core.training.run import CHECKPOINT, LOG
from motion_core.training.track_controlnet.batches import ClipBatch, StepBatches

from ...models.animatediff.originals import tiny
from ...models.animatediff.parts import FRAMES, drags, picture, tiny_vae
from ..track_controlnet.squares import Squares, write_squares

RANK = 2
CLIPS = Squares(2, 64, 3)
TINY = MotionLoraConfig(
    steps=2, workers=0, lr=1e-2, probe_steps=99, probe_clips=1, ema=0.5, rank=RANK
)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Any:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "LOG_STEPS", 1)
        yield


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Image Conductor without LoRA, as before the first stage."""
    folder = tmp_path_factory.mktemp("bare")
    tiny_vae().save_pretrained(folder / "vae")
    for kind, name in (("unet", "unet"), ("image", "image_controlnet"), ("flow", FLOW)):
        save_file(tiny(kind, torch.float32), folder / f"{name}.safetensors")
    return folder


FLOW = "flow_controlnet"


def loaded(folder: Path, motion: str, rank: int = RANK) -> ImageConductorBase:
    return trainable(load_track_model("image_conductor", folder=folder, motion=None), motion, rank)


def with_file(folder: Path, flow: Path, target: Path) -> Path:
    """A copy of the model with another flow network."""
    shutil.copytree(folder, target)
    shutil.copy(flow, target / f"{FLOW}.safetensors")
    return target


@pytest.fixture(scope="module")
def stages(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The model after the first stage and after the second, by the command line."""
    folder = tmp_path_factory.mktemp("stages")
    data, model, made = write_squares(folder / "clips", 2, 64), bare, []
    for motion in ("camera", "object"):
        out, target = folder / f"run-{motion}", folder / f"{motion}.safetensors"
        values = [f"motion={motion}", f"rank={RANK}", "workers=0", "lr=1e-2", "ema=0.5", "frames=3"]
        arguments = ["--base", str(model), "--data", str(data), "--out", str(out), "--steps", "2"]
        more = ["--export", str(target), "--set", *values]
        assert main(["train", "image-conductor", *arguments, *more]) == 0
        assert (out / "curves.png").is_file()
        model = with_file(bare, target, folder / motion)
        made.append(model)
    return made[0], made[1]


def batch_for(base: ImageConductorBase) -> ClipBatch:
    return StepBatches(replace(TINY, batch=2, no_text=0.0), CLIPS, base.frames)[0][0]


def moved(lora: TrainedLora) -> TrainedLora:
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for up in lora.up:
            up.copy_(0.1 * torch.randn(up.shape, generator=generator))
    return lora


def test_a_step_predicts_what_the_sampler_predicts_under_the_same_lora(bare: Path) -> None:
    base = loaded(bare, "camera")
    batch = batch_for(base)._replace(captions=("", ""))
    encoded, control = base.encode(batch), moved(base.new_control())
    level, times = 0.6, torch.tensor(600)
    # The noise that is found is compared with the true one: errors hold it only squared.
    for lora, own in ((control, base.track_control(control)), (base.new_control(), None)):
        errors = base.errors(lora, encoded, batch.tracks, (5, 6), level)
        sampler = own or ImageConductorControl(FlowNetwork(base.flow.flow, {}), None)
        for index in range(2):
            request = GenerationRequest(batch.video[index, 0].float() / 255, 3)
            condition = base.family.condition(request)
            latents, noise = noisy(base, encoded.latents[index], 5 + index, times)
            tracks = batch.tracks[index]
            prepared = sampler.prepare(tracks, torch.ones(tracks.num_points), condition)
            output = sampler.residuals(prepared, latents, times, condition)
            (found,) = base.family.predict(latents, times, condition, [(Branch(), output)])
            wanted = (found - noise).square().mean()
            torch.testing.assert_close(errors[index], wanted, rtol=1e-4, atol=0)


def noisy(
    base: ImageConductorBase, clean: Tensor, seed: int, times: Tensor
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    torch.rand(1, generator=generator)
    noise = torch.randn(clean.shape, generator=generator)[None]
    return base.scheduler.add_noise(clean[None], noise, times[None]), noise


def test_the_cameras_lora_takes_part_in_the_second_stage_without_a_gradient(
    stages: tuple[Path, Path],
) -> None:
    base = loaded(stages[0], "object")
    batch, config = batch_for(base), replace(TINY, motion="object", orthogonal=0.5)
    task = MotionLoraTask(config, base, CLIPS)
    module, lora = task.module, task.trained
    assert isinstance(module, MotionLoraOnBase) and isinstance(lora, TrainedLora)
    moved(lora)
    before = {name: one.clone() for name, one in base.network.state_dict().items()}
    losses = module(batch)
    expected = overlap(lora.pairs(), base.camera)
    torch.testing.assert_close(losses["loss"], losses["noise"] + 0.5 * expected)
    losses["loss"].backward()
    assert all(one.grad is not None for one in lora.parameters())
    assert sum(bool(one.grad.any()) for one in lora.up) > 0.8 * len(lora.up)  # type: ignore[union-attr]
    assert all(one.grad is None for one in base.network.parameters())
    for name, one in base.network.state_dict().items():
        assert torch.equal(one, before[name])
    # What the object's LoRA is added to holds the camera's.
    with torch.no_grad():
        for up in base.flow.lora["camera"].up:  # type: ignore[union-attr]
            up.mul_(20)
        assert not torch.equal(module(batch)["noise"], losses["noise"])


def test_files_of_both_stages_are_what_image_conductor_reads(
    bare: Path, stages: tuple[Path, Path], tmp_path: Path
) -> None:
    first, second = (load_track_model("image_conductor", folder=one) for one in stages)
    assert first.adapters == ("camera",) and set(second.adapters) == {"camera", "object"}
    files = [load_file(folder / f"{FLOW}.safetensors") for folder in stages]
    with pytest.raises(ValueError, match="the checkpoint has no LoRA"):
        load_track_model("image_conductor", folder=bare)
    plain = load_track_model("image_conductor", folder=bare, motion=None)
    network = second.control.network  # type: ignore[union-attr]
    for name, value in plain.control.network.flow.state_dict().items():  # type: ignore[union-attr]
        assert torch.equal(network.flow.state_dict()[name], value)
    # The second stage leaves the camera's LoRA.
    assert set(files[0]) < set(files[1])
    assert all(torch.equal(files[1][name], value) for name, value in files[0].items())
    for motion, model in (("camera", first), ("object", second)):
        path = stages[0].parent / f"run-{motion}" / CHECKPOINT
        tensors, config, step = load_checkpoint(path, read_config)
        assert (config.motion, config.rank, step) == (motion, RANK, 2)
        lora = model.control.network.lora[motion]  # type: ignore[union-attr]
        assert isinstance(lora, LoraWeights)
        pairs = list(pairs_of(lora).values())
        assert any(bool(up.any()) for _, up in pairs)
        averaged = {name for name in tensors if name.startswith("average.")}
        assert len(averaged) == 2 * len(pairs)
        for index, name in enumerate(pairs_of(lora)):
            place = list(TrainedLora(shapes_in(plain), RANK).names).index(name)
            assert torch.equal(pairs[index][0], tensors[f"average.down.{place}"])
            assert torch.equal(pairs[index][1], tensors[f"average.up.{place}"])
    request = GenerationRequest(picture(), FRAMES)
    clips = [
        sample(second.model, with_motion(second, motion).control, request, drags(), Sampling(1))
        for motion in ("camera", "object")
    ]
    assert not torch.equal(clips[0].frames, clips[1].frames)


def shapes_in(model: Any) -> dict[str, tuple[int, ...]]:
    from motion_core.training.image_conductor.lora import updatable

    return updatable(model.control.network.flow)


@pytest.mark.slow
def test_the_orthogonal_loss_keeps_the_object_from_what_the_camera_reads(
    stages: tuple[Path, Path], tmp_path: Path
) -> None:
    found = {}
    for weight in (0.0, 10.0):
        base = loaded(stages[0], "object")
        config = replace(
            TINY, motion="object", orthogonal=weight, steps=6, lr=3e-2, optimizer="adamw", ema=0.0
        )
        folder = tmp_path / str(weight)
        train_motion_lora(config, base, CLIPS, folder)
        lines = [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
        found[weight] = [line["overlap"] for line in lines if "overlap" in line]
    # Both stages have one seed, and yet they start from different directions.
    assert found[0.0][0] == found[10.0][0] < 0.3
    assert found[10.0][-1] < 0.8 * found[0.0][-1]


def test_a_run_is_resumed_exactly_and_only_as_the_same_motion(bare: Path, tmp_path: Path) -> None:
    for name, parts in (("whole", (2,)), ("parts", (1, 2))):
        for index, steps in enumerate(parts):
            config, base = replace(TINY, steps=steps), loaded(bare, "camera")
            train_motion_lora(config, base, CLIPS, tmp_path / name, resume=bool(index))
    one, other = (
        load_checkpoint(tmp_path / name / CHECKPOINT, read_config)[0] for name in ("whole", "parts")
    )
    assert all(torch.equal(other[name], value) for name, value in one.items())
    with pytest.raises(ValueError, match="rank was 2 and is 3"):
        config = replace(TINY, rank=3)
        train_motion_lora(config, base, CLIPS, tmp_path / "whole", resume=True)


def test_what_cannot_be_trained_is_refused(
    bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="on top of the camera's, and the flow network has none"):
        loaded(bare, "object")
    with pytest.raises(ValueError, match="motion must be one of: camera, object"):
        MotionLoraConfig(motion="pan")
    with pytest.raises(ValueError, match="orthogonal must be 0 or more"):
        MotionLoraConfig(orthogonal=-1.0)
    with pytest.raises(ValueError, match="rank"):
        MotionLoraConfig(rank=0)
    data = write_squares(tmp_path / "clips", 1, 64)
    arguments = ["train", "image-conductor", "--data", str(data), "--out", str(tmp_path / "run")]
    assert main(arguments) == 2
    assert "image-conductor needs --base" in capsys.readouterr().err
    assert main([*arguments, "--base", str(bare), "--family", "wan"]) == 2
    assert "--family belongs to track-controlnet" in capsys.readouterr().err
