"""Weight files, checkpoints and the configs of model folders."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st
from safetensors.torch import save

from motion_core.models.animatediff.weights import load_track_controlnet
from motion_core.models.detect import detect_file
from motion_core.models.lite.load import load_lite
from motion_core.models.lite.weights import KIND as LITE
from motion_core.models.sd15.checkpoint import load_clip, load_vae, open_checkpoint, unet_weights
from motion_core.models.svd.checkpoint import build, split_checkpoint
from motion_core.models.wan.weights import load_track_controlnet as load_wan_controlnet
from motion_core.npy_files import check_npz
from motion_core.training.checkpoint import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from motion_core.training.config import TrainConfig
from motion_core.weights_io import read_shapes, read_weights

from .arrays import npz_files, safetensors_files
from .mutations import as_bytes, damaged, json_text, repacked
from .target import OWN_ERRORS, Target, file_target

WEIGHTS = {"a.weight": torch.arange(12.0).view(3, 4), "b": torch.ones(2, dtype=torch.int64)}
READERS = (*OWN_ERRORS, FileNotFoundError)
LIBRARIES = (
    "diffusers.loaders.single_file_utils",
    "diffusers.models.autoencoders.autoencoder_kl",
    "diffusers.models.unets.unet_motion_model",
    "diffusers.models.unets.unet_spatio_temporal_condition",
    "transformers.models.clip.modeling_clip",
    "transformers.models.depth_anything.modeling_depth_anything",
    "transformers.models.dinov2.modeling_dinov2",
    "transformers.models.vitpose.modeling_vitpose",
    "transformers.models.vitpose_backbone.modeling_vitpose_backbone",
)


def pickled(**options: bool) -> bytes:
    """A file of torch.save."""
    buffer = io.BytesIO()
    torch.save({"state_dict": WEIGHTS}, buffer, **options)
    return buffer.getvalue()


def written(write: Callable[[Path], Any], name: str = "a.safetensors") -> bytes:
    """What a writer writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def lite_file() -> bytes:
    """Tiny weights of lite, with a base."""
    from ..lite.models import BASE, SIZES, tiny_lite

    lite = tiny_lite()
    tensors = {
        f"{part}.{name}": value
        for part in ("encoder", "base")
        for name, value in getattr(lite, part).state_dict().items()
    }
    config = {"encoder": asdict(SIZES), "base": asdict(BASE)}
    return save(tensors, {"kind": LITE, "config": json.dumps(config)})


def animatediff_file() -> bytes:
    """A tiny Track-ControlNet for AnimateDiff."""
    from motion_core.models.animatediff.weights import save_track_controlnet

    from ..models.animatediff.test_track_controlnet import fresh

    return written(lambda path: save_track_controlnet(fresh(), path))


def wan_base() -> Any:
    """A tiny transformer."""
    from ..models.wan import tiny

    return tiny.transformer()


def wan_file() -> bytes:
    """A tiny Track-ControlNet for Wan."""
    from motion_core.models.wan.track_controlnet import WanTrackControlNet
    from motion_core.models.wan.weights import save_track_controlnet
    from motion_core.raster.ids import IdEmbedding

    control = WanTrackControlNet(wan_base(), ids=IdEmbedding(4, 64))
    return written(lambda path: save_track_controlnet(control, path))


def motionpro_file() -> bytes:
    """A tiny checkpoint of MotionPro."""
    from ..models.svd.originals import tiny_checkpoint

    return save(tiny_checkpoint(lora=True, dtype=torch.float16))


def sd15_file() -> bytes:
    """A tiny single file of Stable Diffusion 1.5 under its original names."""
    from ..models.animatediff.parts import tiny_vae
    from ..models.animatediff.stable import clip, single_file, spatial

    whole = single_file(spatial(), tiny_vae().state_dict(), clip().state_dict())
    return save({name: value.half().contiguous() for name, value in whole.items()})


def checkpoint_file() -> bytes:
    """A tiny checkpoint of a training run with the state of its optimizer."""
    linear, optimizer = _tiny_run()
    tensors = {f"model.{name}": value.detach() for name, value in linear.named_parameters()}
    tensors |= optimizer_tensors(optimizer, ["weight", "bias"])
    return written(lambda path: save_checkpoint(path, tensors, TrainConfig(), 1))


def _tiny_run() -> tuple[torch.nn.Linear, torch.optim.Optimizer]:
    linear = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(linear.parameters())
    linear(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return linear, optimizer


def _load_checkpoint(path: Path) -> Any:
    tensors, config, step = load_checkpoint(path)
    _, optimizer = _tiny_run()
    restore_optimizer(optimizer, ["weight", "bias"], tensors, str(path))
    return tensors, config, step


def _load_wan(path: Path) -> Any:
    return load_wan_controlnet(path, wan_base())


def _load_motionpro(path: Path) -> Any:
    return build(split_checkpoint(read_weights(path), str(path)), str(path), head_channels=8)


def _load_sd15(path: Path) -> Any:
    base = open_checkpoint(path)
    return load_clip(base), load_vae(base), unet_weights(base)


def _weights(name: str, make: Callable[[], bytes], read: Callable[[Path], Any], **more: Any):
    inputs = st.deferred(lambda: safetensors_files([make()]))
    return file_target(
        f"weights_{name}",
        inputs,
        "a.safetensors",
        read,
        refusals=READERS,
        examples=10,
        imports=LIBRARIES,
        **more,
    )


def _folder(name: str, make: Callable[[Path], Path], read: Callable[[Path], Any]) -> Target:
    """A model folder whose config.json is the input."""
    kept: dict[str, bytes] = {}

    def files() -> dict[str, bytes]:
        if not kept:
            with tempfile.TemporaryDirectory() as folder:
                whole = make(Path(folder) / "model")
                kept.update((f.name, f.read_bytes()) for f in whole.iterdir() if f.is_file())
        return kept

    def run(content: bytes, folder: Path) -> Any:
        for file, data in files().items():
            (folder / file).write_bytes(data)
        (folder / "config.json").write_bytes(content)
        return read(folder)

    inputs = st.deferred(lambda: as_bytes(json_text([json.loads(files()["config.json"])])))
    return Target(f"folder_{name}", inputs, run, refusals=READERS, examples=15, imports=LIBRARIES)


def _depth_folder(path: Path) -> Path:
    from ..depth.test_estimate import depth_anything

    return depth_anything(path)


def _pose_folder(path: Path) -> Path:
    from ..pose.test_estimate import vitpose

    return vitpose(path)


def _load_depth(folder: Path) -> Any:
    from motion_core.depth.estimate import load_estimator

    return load_estimator(folder)


def _load_pose(folder: Path) -> Any:
    from motion_core.pose import load_pose_estimator

    return load_pose_estimator(folder)


SAFE = [save(WEIGHTS, {"config": "{}"})]
ARRAYS = [{"a/b": torch.ones(2, 3).numpy(), "c": torch.ones(4, dtype=torch.int64).numpy()}]

TARGETS = [
    file_target("safetensors", safetensors_files(SAFE), "a.safetensors", read_weights,
                refusals=READERS),
    file_target("safetensors_shapes", safetensors_files(SAFE), "a.safetensors", read_shapes,
                refusals=READERS),
    file_target("pickle_zip", st.one_of(repacked([pickled()]), damaged([pickled()])), "a.pt",
                read_weights, refusals=READERS),
    file_target("pickle_old", damaged([pickled(_use_new_zipfile_serialization=False)]), "a.pth",
                read_weights, refusals=READERS),
    file_target("detect", safetensors_files(SAFE), "a.safetensors", detect_file,
                refusals=READERS, examples=20),
    file_target("npz_of_weights", npz_files(ARRAYS), "a.npz", check_npz),
    file_target("checkpoint", st.deferred(lambda: safetensors_files([checkpoint_file()])),
                "checkpoint.safetensors", _load_checkpoint, refusals=READERS),
    _weights("lite", lite_file, load_lite),
    _weights("animatediff", animatediff_file, load_track_controlnet),
    _weights("wan", wan_file, _load_wan),
    _weights("motionpro", motionpro_file, _load_motionpro),
    _weights("sd15", sd15_file, _load_sd15),
    _folder("depth_anything", _depth_folder, _load_depth),
    _folder("vitpose", _pose_folder, _load_pose),
]  # fmt: skip
