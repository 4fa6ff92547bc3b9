"""Checkpoints: everything a run needs to continue, in one safetensors file.

accelerate's `save_state` is not used, because it writes a folder of files one after the other, in
place. If the process is killed between two of them, new weights lie beside an old optimizer state,
and a run that continues from them differs. Its optimizer state is also a pickle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..errors import FormatError
from ..weights_io import read_safetensors, write_safetensors
from .config import TrainConfig, config_from

KIND = "motion-prompting training checkpoint 2"
# Parameters had other names, and the optimizer's state their numbers.
OLDER_KIND = "motion-prompting training checkpoint 1"


def save_checkpoint(path: Path, tensors: dict[str, Tensor], config: TrainConfig, step: int) -> None:
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


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], TrainConfig, int]:
    """Tensors, config and step of a checkpoint.

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
    return tensors, config_from(json.loads(metadata["config"])), int(metadata["step"])


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
    optimizer: torch.optim.Optimizer, names: Sequence[str], tensors: Mapping[str, Tensor]
) -> None:
    """Load what `optimizer_tensors` returned into an optimizer over parameters of these names."""
    indices = {name: index for index, name in enumerate(names)}
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            name, _, what = key.removeprefix("optimizer.").rpartition("/")
            state.setdefault(indices[name], {})[what] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
