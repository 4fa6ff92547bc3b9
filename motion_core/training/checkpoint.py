"""Checkpoints: everything a run needs to continue, in one safetensors file.

accelerate's `save_state` is not used: it writes a folder of files one after the other, in place. A
process that is killed between two of them leaves new weights beside an old optimizer state, and the
run that continues from them is another one. Its optimizer state is a pickle as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FormatError
from ..weights_io import read_safetensors, write_safetensors
from .config import TrainConfig, config_from

KIND = "motion-prompting training checkpoint 1"


def save_checkpoint(path: Path, tensors: dict[str, Tensor], config: TrainConfig, step: int) -> None:
    """Write a checkpoint, whole or not at all.

    The file that was there stays until the new one is complete: a full disk leaves it intact.
    Raises OSError when it cannot be written.
    """
    metadata = {"kind": KIND, "step": str(step), "config": config.to_json()}
    write_safetensors(path, tensors, metadata, durable=True)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], TrainConfig, int]:
    """Tensors, config and step of a checkpoint.

    Raises FileNotFoundError, and FormatError for a file that is none of ours or is broken.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}; start without --resume.")
    tensors, metadata = read_safetensors(path)
    if metadata.get("kind") != KIND:
        raise FormatError(f"{path} is not a checkpoint of this trainer; pass one it has written.")
    return tensors, config_from(json.loads(metadata["config"])), int(metadata["step"])


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimizer as named tensors."""
    named: dict[str, Tensor] = {}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            named[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
    return named


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put what optimizer_tensors gave back into an optimizer over the same parameters."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        head, _, rest = name.partition(".")
        if head == "optimizer":
            index, _, what = rest.partition(".")
            state.setdefault(int(index), {})[what] = value
    whole = optimizer.state_dict()
    optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
