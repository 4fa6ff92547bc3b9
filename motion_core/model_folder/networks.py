"""Networks from a model folder: built by classes of our choice, filled with its safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import FormatError
from ..weights_io import MAX_LISTED, PICKLES, list_names, load_into, read_safetensors
from .config import diffusers_config, read_config
from .offline import offline

# Names of files of weights in diffusers and transformers; a half-precision variant comes last.
STEMS = ("diffusion_pytorch_model", "model")
VARIANTS = ("", ".fp16")
# Buffers that old files contain and the classes compute.
COMPUTED = ("position_ids", "num_batches_tracked", "relative_position_index")
# DPT's first fusion layer has no residual input, so these are never used; releases lack them.
UNUSED = "neck.fusion_stage.layers.0.residual_layer1."
# Attention layers of autoencoders before diffusers 0.15.
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def read_network(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder: one .safetensors, or pieces with an index.

    Raises:
        FileNotFoundError: The folder holds no weights.
        FormatError: It holds pickles only, or files that are broken or outside of it.
    """
    for variant in VARIANTS:
        for stem in STEMS:
            whole = folder / f"{stem}{variant}.safetensors"
            indexes = (
                whole.with_name(whole.name + ".index.json"),
                folder / f"{stem}.safetensors.index{variant}.json",
            )
            if whole.is_file():
                return read_safetensors(whole)[0]
            for index in indexes:
                if index.is_file():
                    return _pieces(index)
    _refuse_pickles(folder)
    raise FileNotFoundError(
        f"there are no weights in {folder}: neither {STEMS[0]}.safetensors nor "
        f"{STEMS[1]}.safetensors; copy or download the folder again."
    )


def diffusers_network(folder: Path, network: Any, dtype: torch.dtype | None = None) -> Any:
    """A network of diffusers in eval mode, with the weights of a folder.

    Args:
        folder: With config.json and .safetensors.
        network: A class of diffusers. The class that the config names is not looked up.
        dtype: Of all weights; None keeps that of the file.

    Raises:
        FileNotFoundError, FormatError: For what is missing, broken, refused or does not fit.
    """
    path = folder / "config.json"
    module = empty_network(network, diffusers_config(read_config(path), network, path), path)
    tensors = {_new_attention(name): value for name, value in read_network(folder).items()}
    if dtype is not None:
        tensors = {name: value.to(dtype) for name, value in tensors.items()}
    load_into(module, tensors, f"{network.__name__} of {folder}")
    return module.eval()


def empty_network(network: Any, arguments: Mapping[str, Any], path: Path) -> Any:
    """A network on the meta device, which takes no memory.

    Args:
        network: The class.
        arguments: What the config says, by name of the argument.
        path: The config, for errors.
    """
    with offline():
        try:
            with torch.device("meta"):
                return network(**arguments)
        except Exception as error:
            raise FormatError(
                f"{path} has a config that cannot be built: {str(error)[:300]}; copy or download "
                "it again."
            ) from error


def transformers_network(folder: Path, network: Any, config: Any, dtype: torch.dtype) -> Any:
    """A network of transformers in eval mode, with the weights of a folder.

    It is built on the meta device first; memory is taken only where the config describes no more
    numbers than the weights hold.

    Args:
        folder: With .safetensors. No other file of it is opened.
        network: A class of transformers.
        config: As transformers_config returns it. It names no attention implementation, so the
            library takes one of PyTorch's.
        dtype: Of the weights.

    Raises:
        FileNotFoundError, FormatError: For what is missing, broken or does not fit.
    """
    tensors = read_network(folder)
    empty = empty_network(network, {"config": config}, folder / "config.json")
    _check_size(empty, tensors, folder)
    del empty
    with offline():
        try:
            module, info = network.from_pretrained(
                None,
                config=config,
                state_dict=tensors,
                dtype=dtype,
                output_loading_info=True,
                local_files_only=True,
                trust_remote_code=False,
            )
        except Exception as error:
            raise FormatError(
                f"{folder} cannot be read as {network.__name__}: {str(error)[:500]}"
            ) from error
    _check_placed(info, folder, network.__name__)
    _clear_unused(module)
    return module.eval()


def _check_size(module: nn.Module, tensors: Mapping[str, Tensor], folder: Path) -> None:
    described = sum(
        weight.numel() for name, weight in module.named_parameters() if UNUSED not in name
    )
    stored = sum(value.numel() for value in tensors.values())
    if described > stored:
        raise FormatError(
            f"{folder} is incomplete: its config describes a network of {described:,} numbers, and "
            f"its weights hold {stored:,}; copy or download it again."
        )


def _check_placed(info: Mapping[str, Any], folder: Path, kind: str) -> None:
    """Raises FormatError unless every weight has its place and every place its weight."""
    missing = [name for name in info["missing_keys"] if UNUSED not in name]
    extra = [name for name in info["unexpected_keys"] if not name.endswith(COMPUTED)]
    misshapen = [str(entry[0]) for entry in info.get("mismatched_keys") or ()]
    faults = [
        (fault, names)
        for fault, names in (
            ("weights missing", missing),
            ("too many", extra),
            ("of the wrong shape", misshapen),
        )
        if names
    ]
    if faults:
        most = MAX_LISTED // len(faults)
        listed = "; ".join(list_names(fault, names, most) for fault, names in faults)
        raise FormatError(f"{folder} is incomplete or no {kind}: {listed}.")


def _clear_unused(module: nn.Module) -> None:
    for name, weight in module.named_parameters():
        if UNUSED in name:
            nn.init.zeros_(weight)


def _pieces(index: Path) -> dict[str, Tensor]:
    names = read_config(index).get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(piece, str) for piece in names.values()):
        raise FormatError(f"{index} has no weight_map from names to files.")
    tensors: dict[str, Tensor] = {}
    for piece in sorted(set(names.values())):
        if Path(piece).name != piece or "\\" in piece:
            raise FormatError(f"{index} points outside of its folder: {piece!r:.100}.")
        tensors |= read_safetensors(index.parent / piece)[0]
    return tensors


def _refuse_pickles(folder: Path) -> None:
    """Raises FormatError when a folder holds weights as pickles only."""
    if not folder.is_dir():
        return
    pickles = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in PICKLES)
    if pickles:
        raise FormatError(
            f"{folder} holds pickles only ({', '.join(pickles[:3])}), which could run anything "
            "when opened; take the release with .safetensors."
        )


def _new_attention(name: str) -> str:
    """Today's name of a weight in an autoencoder's attention."""
    *parents, layer, kind = name.split(".")
    if "attentions" in parents and layer in _OLD_ATTENTION:
        return ".".join([*parents, _OLD_ATTENTION[layer], kind])
    return name
