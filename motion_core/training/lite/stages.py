"""The stages by name."""

from __future__ import annotations

import torch
from torch import Tensor

from ...models.lite.control_encoder import estimate_field
from ..config import TrainConfig
from .base_stage import BaseStage, ControlStage, one_step
from .data import Batch
from .encoder_stage import HALF, EncoderStage
from .probes import probe, probe_base

Stage = EncoderStage | BaseStage | ControlStage
STAGES = {"encoder": EncoderStage, "base": BaseStage, "control": ControlStage}


def make_stage(config: TrainConfig) -> Stage:
    """A fresh model with its loss, for the config's stage."""
    return STAGES[config.stage](config)


def probe_stage(stage: Stage, config: TrainConfig) -> dict[str, float]:
    """What is measured of a stage while it learns; see probes.py."""
    if isinstance(stage, BaseStage):
        return probe_base(stage.base, config)

    def predict(batch: Batch) -> Tensor:
        if isinstance(stage, EncoderStage):
            encoder, half = stage.encoder, torch.tensor(HALF)
            features = encoder.features(batch.picture)
            return estimate_field(encoder, features, batch.track_batch, half).moved[0]
        return one_step(stage, batch)

    return probe(predict, config)
