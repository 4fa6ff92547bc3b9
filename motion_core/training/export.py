"""From a training checkpoint to the weights file that load_lite reads."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import FormatError
from ..models.lite.lite import encoder_config
from ..models.lite.weights import KIND
from .checkpoint import load_checkpoint, write_tensors
from .encoder_stage import EncoderStage


def export_weights(checkpoint: Path, target: Path) -> None:
    """Write the averaged weights of a checkpoint as a weights file.

    Raises what load_checkpoint raises, FormatError for a stage that has no file of its own, and
    OSError.
    """
    tensors, config, step = load_checkpoint(checkpoint)
    if config.stage != "encoder":
        raise FormatError(f"{checkpoint} is of stage {config.stage}; the encoder's is exported.")
    learned = {
        name.removeprefix("average."): value
        for name, value in tensors.items()
        if name.startswith("average.encoder.")
    }
    parts = {"encoder": encoder_config(EncoderStage(config).encoder)}
    told = {"kind": KIND, "config": json.dumps(parts), "step": str(step)}
    write_tensors(target, learned, told)
