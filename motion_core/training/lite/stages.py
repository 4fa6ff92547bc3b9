"""The stages of lite by name, and the probe of each."""

from __future__ import annotations

import torch
from torch import Tensor

from ...models.lite.control_encoder import estimate_field
from ..config import TrainConfig
from .base_stage import BaseStage
from .control_stage import ControlStage, predict_in_one_step
from .data import Batch
from .encoder_stage import HALF_CANVAS, EncoderStage
from .probes import probe_base, probe_tracks

Stage = EncoderStage | BaseStage | ControlStage
STAGES = {"encoder": EncoderStage, "base": BaseStage, "control": ControlStage}


def make_stage(config: TrainConfig) -> Stage:
    """A fresh model with its loss, for `config.stage`."""
    return STAGES[config.stage](config)


def probe_stage(stage: Stage, config: TrainConfig) -> dict[str, float]:
    """Validation errors of a stage by name; see `probe_base` and `probe_tracks`."""
    if isinstance(stage, BaseStage):
        return probe_base(stage.base, config)

    def predict(batch: Batch) -> Tensor:
        if isinstance(stage, EncoderStage):
            encoder, half = stage.encoder, torch.tensor(HALF_CANVAS)
            features = encoder.features(batch.images)
            return estimate_field(encoder, features, batch.track_batch, half).displacement[0]
        return predict_in_one_step(stage, batch)

    return probe_tracks(predict, config)
