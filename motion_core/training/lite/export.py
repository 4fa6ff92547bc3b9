"""From training checkpoints to the weights file that load_lite reads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from ...models.lite.image_encoder import EncoderConfig
from ...models.lite.unet import BaseConfig
from ...models.lite.weights import KIND, read_weights, renamed_keys
from ...weights_io import write_safetensors
from ..checkpoint import load_checkpoint
from ..config import TrainConfig

# Parts that become invalid when the part of a stage is replaced. A new encoder invalidates nothing:
# the base holds a copy of its image encoder, and control reads the motion field.
BUILT_ON = {"encoder": (), "base": ("control",), "control": ()}


def export_weights(checkpoint: Path, target: Path) -> None:
    """Write the averaged weights of a checkpoint into a weights file.

    Parts of other stages stay in an existing file, except those that were built on the part that is
    replaced.

    Args:
        checkpoint: A checkpoint of `train`.
        target: The weights file, new or existing.

    Raises:
        FileNotFoundError, FormatError: See `load_checkpoint` and `read_weights`.
        OSError: The file cannot be written; an older one stays intact.
    """
    tensors, config, step = load_checkpoint(checkpoint)
    existing: dict[str, Tensor] = {}
    parts: dict[str, Any] = {}
    if target.exists():
        existing, parts = read_weights(target)
    part = config.stage
    # Checkpoints of older versions hold older names.
    averaged = renamed_keys(
        {
            name.partition(".")[2]: value
            for name, value in tensors.items()
            if name.startswith((f"average.{part}.", f"fixed.{part}."))
        }
    )
    replaced = (part, *BUILT_ON[part])
    kept = {name: value for name, value in existing.items() if name.split(".")[0] not in replaced}
    parts = {
        name: value for name, value in parts.items() if name.removesuffix("_step") not in replaced
    }
    parts[part] = _part_config(config)
    parts[f"{part}_step"] = step
    metadata = {"kind": KIND, "config": json.dumps(parts)}
    write_safetensors(target, kept | averaged, metadata, durable=True)


def _part_config(config: TrainConfig) -> dict[str, Any]:
    if config.stage == "encoder":
        return asdict(EncoderConfig())
    if config.stage == "base":
        return asdict(BaseConfig(frames=config.frames))
    return {"input": config.input}
