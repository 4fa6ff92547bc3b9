"""Checkpoints: everything a run needs to continue, in one safetensors file.

accelerate's `save_state` is not used, because it writes a folder of files one after the other, in
place. If the process is killed between two of them, new weights lie beside an old optimizer state,
and a run that continues from them differs. Its optimizer state is also a pickle.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FormatError
from ..weights_io import list_names, parse_config, read_safetensors, write_safetensors
from .config import RunConfig, config_from

KIND = "motion-prompting training checkpoint 2"
# Parameters had other names, and the optimizer's state their numbers.
OLDER_KIND = "motion-prompting training checkpoint 1"
# State of the optimizer with the shape of its parameter, and all that AdamW keeps.
MOMENTS = {"exp_avg", "exp_avg_sq"}
ADAMW = {*MOMENTS, "step"}
# Adafactor keeps one of these beside the step: the second factors a matrix.
ADAFACTOR = ({"variance"}, {"row_var", "col_var"})


def save_checkpoint(path: Path, tensors: dict[str, Tensor], config: RunConfig, step: int) -> None:
    """Write a checkpoint completely or not at all.

    Args:
        path: The file. An older one stays until the new one is complete.
        tensors: Everything to keep, by name.
        config: Of the run.
        step: Steps taken.

    Raises:
        OSError: The file cannot be written; an older one stays intact.
    """
    metadata = {"kind": KIND, "step": str(step), "config": config.to_json()}
    write_safetensors(path, tensors, metadata, durable=True)


def load_checkpoint(
    path: Path, read_config: Callable[[dict[str, Any]], RunConfig] = config_from
) -> tuple[dict[str, Tensor], Any, int]:
    """Tensors, config and step of a checkpoint.

    Args:
        path: The file.
        read_config: Makes the config of this kind of run from its values; by default one of lite.

    Raises:
        FileNotFoundError: There is no such file.
        FormatError: The file is broken, not a checkpoint, or one of an earlier version.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}; start without --resume.")
    tensors, metadata = read_safetensors(path)
    if metadata.get("kind") == OLDER_KIND:
        raise FormatError(
            f"{path} is a checkpoint of an earlier version, whose parameters had other names. "
            "Finish and export that run with the version that wrote it, or start a new one; "
            "exported weights of earlier versions are read."
        )
    if metadata.get("kind") != KIND:
        raise FormatError(f"{path} is not a checkpoint of this trainer; pass one it has written.")
    try:
        config = read_config(parse_config(metadata.get("config", ""), path))
    except (ValueError, TypeError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{path} holds a config that cannot be used: {error}") from error
    return tensors, config, _step(metadata.get("step", ""), config, path)


def check_names(
    tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], path: Path
) -> None:
    """Check that a checkpoint holds tensors of these names and shapes.

    Raises FormatError, which lists the first ten that are missing or of another shape.
    """
    bad = [
        name
        for name, shape in shapes.items()
        if name not in tensors or tuple(tensors[name].shape) != shape
    ]
    if bad:
        raise FormatError(
            f"{path} does not fit the run: {list_names('tensors missing or of another shape', bad)}"
            "; resume from another checkpoint."
        )


def _step(text: str, config: RunConfig, path: Path) -> int:
    if not re.fullmatch(r"\d{1,12}", text) or int(text) > config.steps:
        raise FormatError(
            f"{path} is a checkpoint of step {text[:40]!r}, not of 0..{config.steps}; pass another."
        )
    return int(text)


def optimizer_tensors(optimizer: torch.optim.Optimizer, names: Sequence[str]) -> dict[str, Tensor]:
    """The state of an optimizer as tensors `optimizer.{parameter}/{state}`.

    Args:
        optimizer: Over one group of parameters.
        names: Names of its parameters, in its order.
    """
    return {
        f"optimizer.{names[index]}/{key}": torch.as_tensor(value)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    names: Sequence[str],
    tensors: Mapping[str, Tensor],
    source: str = "the checkpoint",
) -> None:
    """Load what `optimizer_tensors` returned into an optimizer over parameters of these names.

    Raises FormatError, which names the source, where there is no state, where it belongs to other
    parameters, or where parts of it are missing or of another shape.
    """
    indices = {name: index for index, name in enumerate(names)}
    parameters = optimizer.param_groups[0]["params"]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            name, _, what = key.removeprefix("optimizer.").rpartition("/")
            if name not in indices:
                raise FormatError(f"{source} holds optimizer state of {name!r:.100}, no parameter.")
            shape = tuple(parameters[indices[name]].shape)
            if what in MOMENTS and tuple(value.shape) != shape:
                raise FormatError(f"{source} has {key} of shape {tuple(value.shape)}, not {shape}.")
            state.setdefault(indices[name], {})[what] = value
    is_adamw = isinstance(optimizer, torch.optim.AdamW)
    needed = (ADAMW,) if is_adamw else tuple({"step"} | kept for kept in ADAFACTOR)
    if not state or not all(any(one <= entry.keys() for one in needed) for entry in state.values()):
        raise FormatError(
            f"{source} lacks state of the optimizer, so that the run would continue differently; "
            "resume from a complete checkpoint."
        )
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
