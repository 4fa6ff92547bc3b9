"""The stages by name."""

from __future__ import annotations

import torch
from torch import Tensor

from ..models.lite.affinity import whole_field
from .config import TrainConfig
from .data import Batch
from .encoder_stage import HALF, EncoderStage
from .probes import probe

Stage = EncoderStage


def make_stage(config: TrainConfig) -> Stage:
    """A fresh model with its loss, for the config's stage."""
    return EncoderStage(config)


def probe_stage(stage: Stage, config: TrainConfig) -> dict[str, float]:
    """What is measured of a stage while it learns."""

    def predict(batch: Batch) -> Tensor:
        features = stage.encoder.features(batch.picture)
        return whole_field(stage.encoder, features, batch.evidence, torch.tensor(HALF)).moved[0]

    return probe(predict, config)
