"""Reads MotionPro's released checkpoints, and says what is wrong with a file that is none."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import FormatError
from .adapter import MotionAdapter
from .keys import adapter_key, unet_key
from .lora import LoraWeights
from .unet import HEAD_CHANNELS, empty_unet, unet_config

LISTED = 10
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
    """Weights by their names in diffusers' U-Net, in MotionAdapter, and LoRA pairs (down, up) by
    the U-Net weight they update. unknown: names of the U-Net that have no place."""

    unet: dict[str, Tensor]
    adapter: dict[str, Tensor]
    lora: dict[str, tuple[Tensor, Tensor]]
    unknown: list[str] = field(default_factory=list)


def is_motionpro(names: Iterable[str]) -> bool:
    """Whether the names of a file's weights are those of a MotionPro checkpoint."""
    return any("flow_blocks.0." in name for name in names)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a .safetensors file or a pickled one, which is read as weights alone.

    Raises FileNotFoundError, and FormatError for a file that is broken or holds anything but
    weights: such a pickle may run code of its author, so it is refused.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint at {path}.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return _tensors(_read_pickle(path), path)


def split_checkpoint(weights: Mapping[str, Tensor], source: str) -> Checkpoint:
    """The parts of a MotionPro checkpoint. source: names it in errors.

    Raises FormatError when the weights are another model's (saying whose), or when a LoRA lacks
    one of its two halves.
    """
    names = {name.removeprefix(_WRAPPER): tensor for name, tensor in weights.items()}
    if not is_motionpro(names):
        raise FormatError(
            f"{source} is no MotionPro checkpoint: it holds {_described(names)}. Choose "
            "MotionPro-gs_16k.pt or MotionPro_Dense-gs_14k.pt of HiDream-ai/MotionPro."
        )
    prefix = _UNET if any(name.startswith(_UNET) for name in names) else ""
    mine = {
        name.removeprefix(prefix): tensor
        for name, tensor in names.items()
        if name.startswith(prefix)
    }
    downs = {name[: -len(_DOWN)]: mine.pop(name) for name in list(mine) if name.endswith(_DOWN)}
    ups = {name[: -len(_UP)]: mine.pop(name) for name in list(mine) if name.endswith(_UP)}
    if downs.keys() != ups.keys():
        raise FormatError(f"{source}: {_few('LoRA halves alone', downs.keys() ^ ups.keys())}.")
    found = Checkpoint({}, {}, {})
    for name, tensor in mine.items():
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
        raise FormatError(f"{source}: {_few('weights without a place', checkpoint.unknown)}.")
    try:
        config = unet_config(checkpoint.unet, head_channels)
        unet = empty_unet(config)
        with torch.device("meta"):
            adapter = MotionAdapter(config["block_out_channels"])
    except (KeyError, ValueError, IndexError) as error:
        raise FormatError(
            f"{source} holds no U-Net of Stable Video Diffusion ({error}); it may be cut short."
        ) from error
    fill(unet, checkpoint.unet, source)
    fill(adapter, checkpoint.adapter, source)
    misfits = [
        name
        for name, pair in checkpoint.lora.items()
        if not _fits(*pair, checkpoint.unet.get(name))
    ]
    if misfits:
        raise FormatError(f"{source}: {_few('LoRA updates that fit no layer', misfits)}.")
    return unet, adapter.eval().requires_grad_(False), LoraWeights(checkpoint.lora)


def fill(module: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Gives a module its weights without copying them. Raises FormatError as build does."""
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    wrong = [
        f"{name} {given[name]} instead of {shape}"
        for name, shape in wanted.items()
        if name in given and given[name] != shape
    ]
    faults = [
        _few(what, names)
        for what, names in (
            ("missing", wanted.keys() - given.keys()),
            ("too many", given.keys() - wanted.keys()),
            ("of the wrong shape", wrong),
        )
        if names
    ]
    if faults:
        raise FormatError(f"{source} does not fit the model: {'; '.join(faults)}.")
    module.load_state_dict(dict(weights), assign=True)


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


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise FormatError(
            f"{path} is broken or no safetensors file ({error}); copy or download it again."
        ) from error


def _read_pickle(path: Path) -> Any:
    try:
        mapped = zipfile.is_zipfile(path)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError as error:
        raise FormatError(
            f"{path} is no file of weights alone, and is not opened: a pickle may run code. "
            f"Convert it to safetensors where you trust it. ({str(error).splitlines()[0]})"
        ) from error
    except (RuntimeError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(
            f"{path} is broken or cut short ({error}); copy or download it again."
        ) from error


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """The weights among what a training run saved."""
    for key in ("module", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise FormatError(f"{path} holds {type(content).__name__} instead of named weights.")
    return {name: value for name, value in content.items() if isinstance(value, Tensor)}


def _described(names: Iterable[str]) -> str:
    names = list(names)
    for sign, kind in _OTHERS:
        if any(sign in name for name in names):
            return kind
    return f"{len(names)} weights of an unknown kind" if names else "no weights at all"


def _few(what: str, names: Iterable[str]) -> str:
    names = sorted(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{len(names)} {what} ({', '.join(names[:LISTED])}{more})"
