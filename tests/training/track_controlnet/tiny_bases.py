"""Small bases of diffusers' own classes, in memory and as folders."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from motion_core.models.animatediff.family import AnimateDiffFamily
from motion_core.models.registry import load_track_model
from motion_core.models.svd.family import SvdFamily
from motion_core.models.wan.family import WanFamily, released_scheduler
from motion_core.models.wan.parts import WanParts
from motion_core.training.animatediff.base import AnimateDiffBase
from motion_core.training.svd.base import SvdBase
from motion_core.training.track_controlnet.bases import TrainableBase, trainable_base
from motion_core.training.wan.base import WanBase

from ...models.animatediff.parts import tiny_base
from ...models.svd import parts as svd_parts
from ...models.wan import tiny

# The layers of a control that are zero when it is new.
OUTPUTS = ("outs.", "controlnet_", "gamma_temporal.", "beta_temporal.")


def wan(image_dim: int | None = None, text: Any = None) -> WanBase:
    image_encoder = None if image_dim is None else tiny.clip()
    transformer = tiny.transformer(image_dim, layers=2)
    parts = WanParts(transformer, tiny.vae(), released_scheduler(), text, image_encoder)
    base = WanBase(WanFamily(parts))
    base.network.requires_grad_(False)
    return base


def animatediff() -> AnimateDiffBase:
    return AnimateDiffBase(AnimateDiffFamily(tiny_base()))


def svd() -> SvdBase:
    return SvdBase(SvdFamily(deepcopy(svd_parts.tiny_network()), svd_parts.SETTINGS))


BASES = {
    "wan": wan,
    "wan with CLIP and text": lambda: wan(8, tiny.Letters()),
    "animatediff": animatediff,
    "svd": svd,
}


def is_output(name: str) -> bool:
    """Whether a weight of a control is of OUTPUTS."""
    return any(part in name for part in OUTPUTS)


def side_of(base: TrainableBase) -> int:
    """The U-Nets halve their cells three times."""
    return 32 if isinstance(base, WanBase) else 64


def wan_folder(folder: Path) -> Path:
    """A release of a tiny Wan, as diffusers writes one."""
    tiny.transformer(layers=2).save_pretrained(folder / "transformer")
    tiny.vae().save_pretrained(folder / "vae")
    released_scheduler(5.0).save_pretrained(folder / "scheduler")
    index = {"_class_name": "WanImageToVideoPipeline"}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def svd_folder(folder: Path) -> Path:
    """A release of a tiny Stable Video Diffusion, as diffusers writes one."""
    from diffusers.models.unets.unet_spatio_temporal_condition import (
        UNetSpatioTemporalConditionModel,
    )

    sizes = {name: value for name, value in svd_parts.TINY.items()}
    with torch.random.fork_rng():
        torch.manual_seed(4)
        unet = UNetSpatioTemporalConditionModel(**sizes, num_frames=svd_parts.FRAMES)
    unet.save_pretrained(folder / "unet")
    svd_parts.tiny_vae().save_pretrained(folder / "vae")
    svd_parts.tiny_clip().save_pretrained(folder / "image_encoder")
    return folder


def loaded_wan(folder: Path) -> TrainableBase:
    """As the command line loads it."""
    settings = {"folder": folder, "follow": "nothing", "dtype": "float32"}
    return trainable_base(load_track_model("wan", **settings))


def one_thread() -> None:
    torch.set_num_threads(1)
