"""Reads released weights of AnimateDiff's networks and builds diffusers' networks from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ...weights_io import list_names, load_into
from ..lora import LoraWeights
from ..sd15.motion_module_keys import COPIED, KEPT, diffusers_key
from ..signature import bare_name
from .branch import SparseBranch
from .unet import control_config, empty_control, empty_unet, unet_config

_WRAPPER = "module."
_HALF = re.compile(r"(.+)\.lora_([AB])\.(\w+)\.weight")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A file of weights in diffusers' names.

    Attributes:
        weights: By their names in diffusers' networks.
        lora: Pairs (down, up) by the name of the adapter and that of the weight they update.
    """

    weights: dict[str, Tensor]
    lora: dict[str, dict[str, tuple[Tensor, Tensor]]] = field(default_factory=dict)


def split_lora(
    weights: Mapping[str, Tensor], source: str, *, allow_lora: bool = False
) -> Checkpoint:
    """Weights and LoRA of a file apart, under diffusers' names.

    Args:
        weights: By the names in the file.
        source: Names the file in errors.
        allow_lora: Whether the file may hold LoRA.

    Raises:
        FormatError: For LoRA that is not allowed, for half a LoRA, and for a second positional
            encoding that is no copy of the first.
    """
    stored = {name.removeprefix(_WRAPPER): tensor for name, tensor in weights.items()}
    _check_copies(stored, source)
    plain: dict[str, Tensor] = {}
    halves: dict[str, dict[str, dict[str, Tensor]]] = {}
    for name, tensor in stored.items():
        half = _HALF.fullmatch(name)
        if half:
            layer, side, adapter = half.groups()
            key = diffusers_key(f"{layer}.weight")
            halves.setdefault(adapter, {}).setdefault(key, {})[side] = tensor
        elif not name.endswith(COPIED):
            plain[diffusers_key(bare_name(name))] = tensor
    if halves and not allow_lora:
        raise FormatError(
            f"{source} has LoRA ({', '.join(sorted(halves))}), which are not read in this file; "
            "merge them into the weights first."
        )
    return Checkpoint(plain, {name: _paired(sides, source) for name, sides in halves.items()})


def renamed(weights: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Weights without LoRA under their names in diffusers' networks.

    Args:
        weights: By the names in the file.
        source: Names the file in errors.

    Raises:
        FormatError: A second positional encoding is no copy of the first.
    """
    stored = {name.removeprefix(_WRAPPER): tensor for name, tensor in weights.items()}
    _check_copies(stored, source)
    return {diffusers_key(n): tensor for n, tensor in stored.items() if not n.endswith(COPIED)}


def build_unet(checkpoint: Checkpoint, source: str) -> Any:
    """The U-Net of a checkpoint, in its own dtype. Raises FormatError, with the first ten names,
    for weights that are missing, too many or of the wrong shape."""
    unet = _built(lambda: empty_unet(unet_config(checkpoint.weights)), source)
    load_into(unet, checkpoint.weights, source)
    return unet


def build_branch(
    checkpoint: Checkpoint, source: str
) -> tuple[SparseBranch, dict[str, LoraWeights]]:
    """A control branch in the checkpoint's dtype, and its LoRA by adapter.

    Raises:
        FormatError: As build_unet, and for LoRA that fit no layer.
        ShapeError: For a LoRA whose halves do not fit each other.
    """
    network = _built(lambda: empty_control(control_config(checkpoint.weights)), source)
    load_into(network, checkpoint.weights, source)
    lora = {adapter: LoraWeights(pairs) for adapter, pairs in checkpoint.lora.items()}
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


def _built(build: Callable[[], Any], source: str) -> Any:
    try:
        return build()
    except Exception as error:
        # Diffusers raises many kinds of error for sizes that make no network.
        raise FormatError(
            f"{source} lacks weights of the network, among them {str(error)[:200]}."
        ) from error


def _check_copies(weights: Mapping[str, Tensor], source: str) -> None:
    """Diffusers has one positional encoding where the original has two with the same numbers."""
    differ = []
    for name, tensor in weights.items():
        if name.endswith(COPIED) and not tensor.is_meta:
            first = weights.get(name[: -len(COPIED)] + KEPT)
            if first is None or first.shape != tensor.shape or not torch.equal(first, tensor):
                differ.append(name)
    if differ:
        encodings = list_names("positional encodings differ from their twin", differ)
        raise FormatError(
            f"{source}: {encodings}; only files in which both attentions of a motion module have "
            "the same one can be read."
        )


def _paired(halves: Mapping[str, Mapping[str, Tensor]], source: str) -> dict[str, Any]:
    alone = [name for name, sides in halves.items() if set(sides) != {"A", "B"}]
    if alone:
        raise FormatError(f"{source}: {list_names('LoRA halves alone', alone)}.")
    return {name: (sides["A"], sides["B"]) for name, sides in halves.items()}
