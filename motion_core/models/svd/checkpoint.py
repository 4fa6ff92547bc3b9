"""Reads MotionPro's released checkpoints and refuses files of anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ...weights_io import list_names, load_into
from ..lora import LoraWeights
from .adapter import MotionAdapter
from .keys import adapter_key, unet_key
from .signatures import is_motionpro
from .unet import HEAD_CHANNELS, empty_unet, unet_config

# Where the U-Net is in the checkpoint; DeepSpeed puts another word before every name.
_WRAPPER, _UNET = "module.", "model.diffusion_model."
_LINEAR, _DOWN, _UP = ".linear.", ".lora_down.weight", ".lora_up.weight"
# Names that only one kind of file has, for the message about a file of another kind.
_OTHERS = (
    ("flow_blocks.", "MotionPro"),
    ("motion_modules.", "AnimateDiff or Image Conductor"),
    ("self_attn.", "a diffusion transformer such as Wan"),
    ("double_blocks.", "a diffusion transformer"),
    ("down_blocks.", "a U-Net of diffusers"),
    ("time_stack.", "Stable Video Diffusion without MotionPro"),
    ("input_blocks.", "Stable Diffusion"),
    ("lora_", "a LoRA"),
)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights of a MotionPro file by part.

    Attributes:
        unet: By the names in diffusers' U-Net.
        adapter: By the names in MotionAdapter.
        lora: Pairs (down, up) by the U-Net weight they update.
        unknown: Names of the U-Net that have no place.
    """

    unet: dict[str, Tensor]
    adapter: dict[str, Tensor]
    lora: dict[str, tuple[Tensor, Tensor]]
    unknown: list[str] = field(default_factory=list)


def split_checkpoint(weights: Mapping[str, Tensor], source: str) -> Checkpoint:
    """The parts of a MotionPro checkpoint.

    Args:
        weights: By the names in the file.
        source: Names the file in errors.

    Raises:
        FormatError: The weights are another model's (the message names it), or a LoRA lacks one of
            its two halves.
    """
    names = {name.removeprefix(_WRAPPER): tensor for name, tensor in weights.items()}
    if not is_motionpro(names):
        raise FormatError(
            f"{source} is no MotionPro checkpoint: it holds {_described(names)}. Choose "
            "MotionPro-gs_16k.pt or MotionPro_Dense-gs_14k.pt of HiDream-ai/MotionPro."
        )
    prefix = _UNET if any(name.startswith(_UNET) for name in names) else ""
    stored = {
        name.removeprefix(prefix): tensor
        for name, tensor in names.items()
        if name.startswith(prefix)
    }
    downs = {name[: -len(_DOWN)]: stored.pop(name) for name in list(stored) if name.endswith(_DOWN)}
    ups = {name[: -len(_UP)]: stored.pop(name) for name in list(stored) if name.endswith(_UP)}
    if downs.keys() != ups.keys():
        raise FormatError(
            f"{source}: {list_names('LoRA halves alone', downs.keys() ^ ups.keys())}."
        )
    found = Checkpoint({}, {}, {})
    for name, tensor in stored.items():
        _place(found, name.replace(_LINEAR, "."), tensor)
    for layer, down in downs.items():
        target = unet_key(f"{layer}.weight")
        if target is None:
            found.unknown.append(layer + _DOWN)
        else:
            found.lora[target] = down, ups[layer]
    return found


def build(
    checkpoint: Checkpoint, source: str, head_channels: int = HEAD_CHANNELS
) -> tuple[Any, MotionAdapter, LoraWeights]:
    """The U-Net, the adapter and the LoRA of a checkpoint, in its own dtype.

    Raises FormatError, with the first ten names, for weights that are missing, too many or of the
    wrong shape.
    """
    if checkpoint.unknown:
        raise FormatError(f"{source}: {list_names('weights without a place', checkpoint.unknown)}.")
    try:
        config = unet_config(checkpoint.unet, head_channels)
        unet = empty_unet(config)
        with torch.device("meta"):
            adapter = MotionAdapter(config["block_out_channels"])
    except Exception as error:
        # Diffusers raises many kinds of error for sizes that make no network.
        raise FormatError(
            f"{source} holds no U-Net of Stable Video Diffusion ({str(error)[:200]}); it may be "
            "cut short."
        ) from error
    load_into(unet, checkpoint.unet, source)
    load_into(adapter, checkpoint.adapter, source)
    misfits = [
        name
        for name, pair in checkpoint.lora.items()
        if not _fits(*pair, checkpoint.unet.get(name))
    ]
    if misfits:
        raise FormatError(f"{source}: {list_names('LoRA updates that fit no layer', misfits)}.")
    return unet, adapter.eval().requires_grad_(False), LoraWeights(checkpoint.lora)


def _fits(down: Tensor, up: Tensor, weight: Tensor | None) -> bool:
    """Whether up @ down can be added to a weight."""
    if weight is None or not down.ndim == up.ndim == weight.ndim == 2:
        return False
    return up.shape[1] == down.shape[0] and weight.shape == (up.shape[0], down.shape[1])


def _place(found: Checkpoint, name: str, tensor: Tensor) -> None:
    """Files a weight under the name it has in our modules."""
    for part, key in ((found.adapter, adapter_key(name)), (found.unet, unet_key(name))):
        if key is not None:
            part[key] = tensor
            return
    found.unknown.append(name)


def _described(names: Iterable[str]) -> str:
    names = list(names)
    for sign, kind in _OTHERS:
        if any(sign in name for name in names):
            return kind
    return f"{len(names)} weights of an unknown kind" if names else "no weights at all"
