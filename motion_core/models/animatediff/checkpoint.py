"""Reads Image Conductor's released checkpoints, and says what is wrong with a file that is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ...weights_io import first_names, list_names, load_into
from .branch import SparseBranch
from .condition import CHANNELS
from .keys import COPIED, KEPT, diffusers_key
from .lora import LayerLora
from .networks import control_config, empty_control, empty_unet, unet_config

_WRAPPER, _BASE = "module.", ".base_layer."
_HALF = re.compile(r"(.+)\.lora_([AB])\.(\w+)\.weight")
# The names that the two motions have in the released file, and here.
ADAPTERS = {"omcm_weights": "object", "cmcm_weights": "camera"}
# A latent of the picture, and which frames it is given for.
IMAGE_CHANNELS = 5
_EMBEDDING = "controlnet_cond_embedding.weight"
_FILES = {
    "flow": "flow_controlnet.ckpt",
    "image": "image_controlnet.ckpt",
    "unet": "unet.ckpt",
}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights by their names in diffusers' networks, and LoRA pairs (down, up) by the name of the
    motion and that of the weight they update."""

    weights: dict[str, Tensor]
    lora: dict[str, dict[str, tuple[Tensor, Tensor]]] = field(default_factory=dict)


def kind_of(weights: Mapping[str, Tensor]) -> str:
    """What a file holds, by the names and shapes of its weights: "flow", "image", "unet" or
    "other"; never by the name of the file."""
    names = {name.removeprefix(_WRAPPER).replace(_BASE, "."): name for name in weights}
    if not any("motion_modules." in name for name in names):
        return "other"
    embedding = names.get(_EMBEDDING)
    if embedding is not None:
        shape = weights[embedding].shape
        channels = shape[1] if len(shape) == 4 else 0
        return {CHANNELS: "flow", IMAGE_CHANNELS: "image"}.get(channels, "other")
    is_unet = "conv_out.weight" in names and "conv_in.weight" in names
    return "unet" if is_unet else "other"


def split_checkpoint(weights: Mapping[str, Tensor], kind: str, source: str) -> Checkpoint:
    """A checkpoint taken apart. kind: which of kind_of it must be. source: names it in errors.

    Raises FormatError for a file of another kind, for half a LoRA, for LoRA in any but the flow
    network, and for encoders of positions that should be copies of each other and are not.
    """
    found = kind_of(weights)
    if found != kind:
        content = first_names(weights) if found == "other" else f"Image Conductor's {found} network"
        raise FormatError(
            f"{source} is not Image Conductor's {kind} network: it holds {content}. Choose "
            f"{_FILES[kind]} of TencentARC/ImageConductor."
        )
    mine = {name.removeprefix(_WRAPPER): tensor for name, tensor in weights.items()}
    _check_copies(mine, source)
    plain: dict[str, Tensor] = {}
    halves: dict[str, dict[str, dict[str, Tensor]]] = {}
    for name, tensor in mine.items():
        half = _HALF.fullmatch(name)
        if half:
            layer, side, adapter = half.groups()
            motion = ADAPTERS.get(adapter, adapter)
            place = diffusers_key(f"{layer}.weight")
            halves.setdefault(motion, {}).setdefault(place, {})[side] = tensor
        elif not name.endswith(COPIED):
            plain[diffusers_key(name.replace(_BASE, "."))] = tensor
    if halves and kind != "flow":
        motions = ", ".join(sorted(halves))
        raise FormatError(
            f"{source} has LoRA ({motions}), which are read for the flow network only; merge them "
            "into the weights first."
        )
    return Checkpoint(plain, {motion: _paired(of, source) for motion, of in halves.items()})


def renamed(weights: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Weights without LoRA under their names in diffusers' networks. source: names them in errors.

    Raises FormatError for encoders of positions that should be copies of each other and are not.
    """
    mine = {name.removeprefix(_WRAPPER): tensor for name, tensor in weights.items()}
    _check_copies(mine, source)
    return {diffusers_key(n): tensor for n, tensor in mine.items() if not n.endswith(COPIED)}


def build_unet(checkpoint: Checkpoint, source: str) -> Any:
    """The U-Net of a checkpoint, in its own dtype. Raises FormatError, with the first ten names,
    for weights that are missing, too many or of the wrong shape."""
    unet = empty_unet(_config(unet_config, checkpoint, source))
    load_into(unet, checkpoint.weights, source)
    return unet


def build_branch(checkpoint: Checkpoint, source: str) -> tuple[SparseBranch, dict[str, LayerLora]]:
    """A control branch and its LoRA by motion, likewise, also for LoRA that fit no layer.

    Raises ShapeError for a LoRA whose halves do not fit each other.
    """
    network = empty_control(_config(control_config, checkpoint, source))
    load_into(network, checkpoint.weights, source)
    lora = {motion: LayerLora(pairs) for motion, pairs in checkpoint.lora.items()}
    misfits = {
        name
        for pairs in checkpoint.lora.values()
        for name, (down, up) in pairs.items()
        if name not in checkpoint.weights
        or checkpoint.weights[name].shape != (len(up), *down.shape[1:])
    }
    if misfits:
        raise FormatError(f"{source}: {list_names('LoRA that fit no layer', misfits)}.")
    return SparseBranch(network).eval(), lora


def _config(read: Any, checkpoint: Checkpoint, source: str) -> dict[str, Any]:
    try:
        return read(checkpoint.weights)
    except (KeyError, ValueError, IndexError) as error:
        raise FormatError(f"{source} lacks weights of the network, among them {error}.") from error


def _check_copies(weights: Mapping[str, Tensor], source: str) -> None:
    """Diffusers has one encoder of positions where the original has two of the same numbers."""
    differ = []
    for name, tensor in weights.items():
        if name.endswith(COPIED) and not tensor.is_meta:
            first = weights.get(name[: -len(COPIED)] + KEPT)
            if first is None or first.shape != tensor.shape or not torch.equal(first, tensor):
                differ.append(name)
    if differ:
        encoders = list_names("encoders of positions differ from their twin", differ)
        raise FormatError(
            f"{source}: {encoders}; only files in which "
            "both attentions of a motion module count frames alike can be read."
        )


def _paired(halves: Mapping[str, Mapping[str, Tensor]], source: str) -> dict[str, Any]:
    alone = [name for name, sides in halves.items() if set(sides) != {"A", "B"}]
    if alone:
        raise FormatError(f"{source}: {list_names('LoRA halves alone', alone)}.")
    return {name: (sides["A"], sides["B"]) for name, sides in halves.items()}
