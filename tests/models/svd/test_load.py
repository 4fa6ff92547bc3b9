"""Files on a disk: whole, broken, hostile and of another family."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from motion_core.errors import FormatError
from motion_core.models.protocols import GenerationRequest
from motion_core.models.svd.load import load_motionpro
from motion_core.models.svd.signatures import is_motionpro
from motion_core.sampling import Sampling, sample
from motion_core.weights_io import read_weights

from .originals import HEAD, tiny_checkpoint
from .parts import FRAMES, SETTINGS, drags, picture, tiny_clip, tiny_network, tiny_vae


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Stable Video Diffusion with a checkpoint of MotionPro in it."""
    folder = tmp_path_factory.mktemp("svd")
    tiny_vae().save_pretrained(folder / "vae")
    tiny_clip().save_pretrained(folder / "image_encoder")
    weights = tiny_checkpoint(lora=True, dtype=torch.float32)
    torch.save({"module": weights, "global_steps": 16000}, folder / "MotionPro-gs_16k.pt")
    return folder


@pytest.mark.slow
def test_a_released_checkpoint_makes_the_same_clip_as_its_parts(base: Path) -> None:
    loaded = load_motionpro(base / "MotionPro-gs_16k.pt", settings=SETTINGS, head_channels=HEAD)
    assert loaded.family == "motionpro" and loaded.control is not None
    request, settings = GenerationRequest(picture(), FRAMES), Sampling(1, seed=4)
    clip = sample(loaded.model, loaded.control, request, drags(), settings)
    model, control = type(loaded.model), type(loaded.control)
    wanted = sample(
        model(tiny_network(), SETTINGS),  # type: ignore[call-arg]
        control(tiny_network()),  # type: ignore[call-arg]
        request,
        drags(),
        settings,
    )
    assert torch.equal(clip.frames, wanted.frames)
    assert all(not weight.requires_grad for weight in loaded.network.parameters())
    assert not any(weight.is_meta for weight in loaded.network.parameters())


def test_safetensors_and_pickles_hold_the_same(tmp_path: Path) -> None:
    weights = {"module.flow_blocks.0.0.bias": torch.arange(3.0)}
    save_file(weights, tmp_path / "a.safetensors")
    torch.save({"module": weights}, tmp_path / "b.pt")
    torch.save({"state_dict": weights, "epoch": 3}, tmp_path / "c.ckpt")
    torch.save(weights, tmp_path / "d.pt", _use_new_zipfile_serialization=False)
    for name in ("a.safetensors", "b.pt", "c.ckpt", "d.pt"):
        read = read_weights(tmp_path / name)
        assert read.keys() == weights.keys() and is_motionpro(read)
        assert torch.equal(read["module.flow_blocks.0.0.bias"], torch.arange(3.0))


class Hostile:
    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["HOSTILE"],)


def test_a_pickle_that_runs_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSTILE", str(tmp_path / "run"))
    torch.save({"module": {"x": Hostile()}}, tmp_path / "zip.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Hostile()))
    for name in ("zip.pt", "plain.pt"):
        with pytest.raises(FormatError, match="not opened: a pickle may run code"):
            read_weights(tmp_path / name)
    assert not (tmp_path / "run").exists()


def test_broken_files_say_so(tmp_path: Path, base: Path) -> None:
    whole = (base / "MotionPro-gs_16k.pt").read_bytes()
    cut = tmp_path / "cut.pt"
    cut.write_bytes(whole[: len(whole) // 2])
    empty = tmp_path / "empty.pt"
    empty.touch()
    text = tmp_path / "text.safetensors"
    text.write_text("no weights")
    listed = tmp_path / "listed.pt"
    torch.save([1, 2], listed)
    for file in (cut, empty, text, listed):
        with pytest.raises(FormatError, match=file.name):
            read_weights(file)
    with pytest.raises(FileNotFoundError, match="gone.pt"):
        read_weights(tmp_path / "gone.pt")


def test_another_family_is_refused_by_name(tmp_path: Path) -> None:
    save_file({"blocks.0.self_attn.q.weight": torch.zeros(1)}, tmp_path / "wan.safetensors")
    with pytest.raises(FormatError, match="wan.safetensors is no MotionPro.*Wan"):
        load_motionpro(tmp_path / "wan.safetensors")


def test_what_must_lie_beside_the_checkpoint_is_named(base: Path, tmp_path: Path) -> None:
    named = tmp_path / "named.safetensors"
    save_file({"flow_blocks.0.0.bias": torch.zeros(1)}, named)

    def load(folder: Path) -> None:
        load_motionpro(named, folder)

    with pytest.raises(FileNotFoundError, match="stable-video-diffusion-img2vid"):
        load(tmp_path)
    part = tmp_path / "vae"
    part.mkdir()
    (part / "config.json").write_text(json.dumps({"_class_name": "AutoencoderKL"}))
    with pytest.raises(FormatError, match="holds AutoencoderKL instead of"):
        load(tmp_path)
    (part / "config.json").write_text("{")
    with pytest.raises(FormatError, match=r"config\.json.*broken"):
        load(tmp_path)
    (part / "config.json").write_text((base / "vae" / "config.json").read_text())
    with pytest.raises(FileNotFoundError, match="there are no weights in .*vae"):
        load(tmp_path)
    with pytest.raises(FormatError, match="named.safetensors holds no U-Net"):
        load(base)
    weights = (base / "vae" / "diffusion_pytorch_model.safetensors").read_bytes()
    (part / "diffusion_pytorch_model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(FormatError, match=r"vae/diffusion_pytorch_model\.safetensors is trunc"):
        load(tmp_path)
