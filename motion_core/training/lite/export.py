"""From training checkpoints to the weights file that load_lite reads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from ...models.lite.image_encoder import EncoderConfig
from ...models.lite.unet import BaseConfig
from ...models.lite.weights import KIND, read_weights
from ...weights_io import write_safetensors
from ..checkpoint import load_checkpoint
from ..config import TrainConfig

# Which parts of others are worth nothing any more when a stage's part is replaced. What only
# listens to the encoder's answers goes on listening.
BUILT_ON = {"encoder": (), "base": ("control",), "control": ()}


def export_weights(checkpoint: Path, target: Path) -> None:
    """Write the averaged weights of a checkpoint into a weights file.

    Parts of other stages that the file holds already stay in it, but for those that were built on
    what is replaced. Raises what load_checkpoint and read_weights raise, and OSError; the old file
    stays intact then.
    """
    tensors, config, step = load_checkpoint(checkpoint)
    held: dict[str, Tensor] = {}
    parts: dict[str, Any] = {}
    if target.exists():
        held, parts = read_weights(target)
    part = config.stage
    learned = {
        name.partition(".")[2]: value
        for name, value in tensors.items()
        if name.startswith((f"average.{part}.", f"fixed.{part}."))
    }
    gone = (part, *BUILT_ON[part])
    kept = {name: value for name, value in held.items() if name.split(".")[0] not in gone}
    parts = {name: told for name, told in parts.items() if name.removesuffix("_step") not in gone}
    parts[part] = _sizes(config)
    parts[f"{part}_step"] = step
    metadata = {"kind": KIND, "config": json.dumps(parts)}
    write_safetensors(target, kept | learned, metadata, durable=True)


def _sizes(config: TrainConfig) -> dict[str, Any]:
    if config.stage == "encoder":
        return asdict(EncoderConfig())
    if config.stage == "base":
        return asdict(BaseConfig(frames=config.frames))
    return {"input": config.input}
