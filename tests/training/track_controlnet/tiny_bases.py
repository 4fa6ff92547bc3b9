"""Small bases of diffusers' own classes, in memory and as folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from motion_core.models.animatediff.family import AnimateDiffFamily
from motion_core.models.registry import load_track_model
from motion_core.models.wan.family import WanFamily, released_scheduler
from motion_core.models.wan.parts import WanParts
from motion_core.training.animatediff.base import AnimateDiffBase
from motion_core.training.track_controlnet.bases import TrainableBase, trainable_base
from motion_core.training.wan.base import WanBase

from ...models.animatediff.parts import tiny_base
from ...models.wan import tiny


def wan(image_dim: int | None = None, text: Any = None) -> WanBase:
    image_encoder = None if image_dim is None else tiny.clip()
    transformer = tiny.transformer(image_dim, layers=2)
    parts = WanParts(transformer, tiny.vae(), released_scheduler(), text, image_encoder)
    base = WanBase(WanFamily(parts))
    base.network.requires_grad_(False)
    return base


def animatediff() -> AnimateDiffBase:
    return AnimateDiffBase(AnimateDiffFamily(tiny_base()))


BASES = {
    "wan": wan,
    "wan with CLIP and text": lambda: wan(8, tiny.Letters()),
    "animatediff": animatediff,
}


def wan_folder(folder: Path) -> Path:
    """A release of a tiny Wan, as diffusers writes one."""
    tiny.transformer(layers=2).save_pretrained(folder / "transformer")
    tiny.vae().save_pretrained(folder / "vae")
    released_scheduler(5.0).save_pretrained(folder / "scheduler")
    index = {"_class_name": "WanImageToVideoPipeline"}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def loaded_wan(folder: Path) -> TrainableBase:
    """As the command line loads it."""
    settings = {"folder": folder, "follow": "nothing", "dtype": "float32"}
    return trainable_base(load_track_model("wan", **settings))


def one_thread() -> None:
    torch.set_num_threads(1)
