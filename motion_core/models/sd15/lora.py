"""LoRA files of Stable Diffusion 1.5 in the common layouts (kohya, diffusers, PEFT), merged into
copies of the weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ...errors import FormatError
from ...weights_io import list_names, read_weights
from ..lora import add_low_rank
from .motion_module_keys import diffusers_key

UNET, TEXT = "unet", "text encoder"
# Prefixes of names in kohya's, diffusers' and PEFT's files; a name without one is the U-Net's.
_PREFIXES = (
    ("lora_unet_", UNET),
    ("lora_te1_", TEXT),
    ("lora_te_", TEXT),
    ("unet.", UNET),
    ("text_encoder.", TEXT),
)
_HALF = re.compile(r"(.+?)[._]lora(?:_linear_layer)?[._](down|up|A|B)(?:\.(?!weight)\w+)?\.weight")
_ALPHA = re.compile(r"(.+?)(?:[._]lora)?\.alpha")
_SIDES = {"A": "down", "B": "up"}
# Names of attention layers in LoRA of older diffusers.
_RENAMED = (
    (re.compile(r"processor[._]"), ""),
    (re.compile(r"to_out$"), "to_out_0"),
    (re.compile(r"^text_model[._]"), ""),
)
_RENAMED_TEXT = tuple((re.compile(f"self_attn_to_{x}$"), f"self_attn_{x}_proj") for x in "qkv") + (
    (re.compile("self_attn_to_out_0$"), "self_attn_out_proj"),
)


@dataclass(frozen=True)
class LoraFile:
    """A LoRA file and the factor on its update; a negative factor subtracts it."""

    path: Path
    strength: float = 1.0


@dataclass(eq=False)
class _Update:
    alpha: float | None = None
    sides: dict[str, Tensor] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def with_loras(
    parts: Mapping[str, Mapping[str, Tensor]], loras: Iterable[LoraFile]
) -> dict[str, dict[str, Tensor]]:
    """The weights of each part with all LoRA merged; the arguments stay as they are.

    A layer W becomes W + strength * alpha / rank * up @ down, summed in float32 or wider. Without
    alpha, alpha is the rank.

    Args:
        parts: UNET and TEXT -> weights under the names of diffusers and transformers.
        loras: Merged one after the other.

    Raises:
        FileNotFoundError: For a file that is not there.
        FormatError: With the first ten names, for keys that fit no layer, are no LoRA of this kind
            (LoHa, DoRA), or are of another shape.
    """
    found = {part: dict(weights) for part, weights in parts.items()}
    for lora in loras:
        updates = _updates(read_weights(lora.path), found, lora.path)
        for (part, name), update in updates.items():
            found[part][name] = _merged(found[part][name], update, lora.strength)
    return found


def merge_loras(
    loras: tuple[LoraFile, ...], unet: dict[str, Tensor], encoder: Any
) -> dict[str, Tensor]:
    """A U-Net's weights with LoRA merged.

    Args:
        loras: The files; none gives the weights unchanged.
        unet: Weights by their names in diffusers' U-Net.
        encoder: CLIP's text encoder, whose weights are replaced by the merged ones, or None.

    Raises:
        What with_loras raises.
    """
    if not loras:
        return unet
    text = {} if encoder is None else encoder.state_dict()
    merged = with_loras({UNET: unet, TEXT: text}, loras)
    if encoder is not None:
        encoder.load_state_dict(merged[TEXT], assign=True)
        encoder.requires_grad_(False)
    return merged[UNET]


def _updates(
    tensors: Mapping[str, Tensor], parts: Mapping[str, Mapping[str, Tensor]], path: Path
) -> dict[tuple[str, str], _Update]:
    """The update of each weight by (part, name), checked against the weight's shape."""
    places = {
        (part, _flat(part, name.removesuffix(".weight"))): name
        for part, weights in parts.items()
        for name, weight in weights.items()
        if name.endswith(".weight") and weight.ndim > 1
    }
    updates: dict[tuple[str, str], _Update] = {}
    unknown = []
    for key, tensor in tensors.items():
        half, alpha = _HALF.fullmatch(key), _ALPHA.fullmatch(key)
        match = half or alpha
        part, flat = _place(match[1]) if match else (UNET, "")
        name = places.get((part, flat))
        if name is None or (alpha and tensor.numel() != 1):
            unknown.append(key)
            continue
        update = updates.setdefault((part, name), _Update())
        update.names.append(key)
        if half:
            update.sides[_SIDES.get(half[2], half[2])] = tensor
        else:
            update.alpha = float(tensor)
    if not tensors:
        raise FormatError(f"{path} holds no weights; choose a LoRA file.")
    if unknown:
        raise FormatError(
            f"{path}: {list_names('keys fit no layer of Stable Diffusion 1.5', unknown)}."
        )
    _check(updates, parts, path)
    return updates


def _place(layer: str) -> tuple[str, str]:
    """The part that a LoRA's layer belongs to, and the layer's name there without dots."""
    layer = layer.removeprefix("base_model.model.")
    for prefix, part in _PREFIXES:
        if layer.startswith(prefix):
            return part, _flat(part, layer.removeprefix(prefix))
    return UNET, _flat(UNET, layer)


def _flat(part: str, layer: str) -> str:
    """One spelling of a layer's name for all layouts."""
    # A LoRA may also update motion modules, under the names of their release.
    layer = diffusers_key(f"{layer}.").removesuffix(".").replace(".", "_")
    for pattern, place in _RENAMED + (_RENAMED_TEXT if part == TEXT else ()):
        layer = pattern.sub(place, layer)
    return layer


def _check(
    updates: Mapping[tuple[str, str], _Update],
    parts: Mapping[str, Mapping[str, Tensor]],
    path: Path,
) -> None:
    alone = [name for one in updates.values() if len(one.sides) < 2 for name in one.names]
    if alone:
        raise FormatError(f"{path}: {list_names('LoRA halves alone', alone)}.")
    misfits = [
        update.names[0]
        for (part, name), update in updates.items()
        if not _fits(parts[part][name], update.sides["down"], update.sides["up"])
    ]
    if misfits:
        keys = list_names("keys are of another shape than the layer", misfits)
        raise FormatError(f"{path}: {keys}; this LoRA was made for another model.")


def _fits(weight: Tensor, down: Tensor, up: Tensor) -> bool:
    """Whether up @ down has the shape of a weight."""
    if down.ndim < 2 or up.ndim < 2 or up.shape[2:].numel() != 1:
        return False
    same_rank = up.shape[1] == down.shape[0]
    return same_rank and up.shape[0] == weight.shape[0] and down[0].numel() == weight[0].numel()


def _merged(weight: Tensor, update: _Update, strength: float) -> Tensor:
    down, up = update.sides["down"], update.sides["up"]
    scale = strength if update.alpha is None else strength * update.alpha / len(down)
    return add_low_rank(weight, down, up, scale)
