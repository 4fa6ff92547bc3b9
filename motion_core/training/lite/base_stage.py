"""Stage `base`: flow matching of motion fields without tracks."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from ...models.lite.base import LiteBase
from ...models.lite.load import load_lite
from ...models.lite.unet import BaseConfig
from ..config import TrainConfig
from .data import Batch
from .flow_matching import flow_matching_loss, noisy_latents


class BaseStage(nn.Module):
    """The base with its loss. Its image encoder is a frozen copy of that of `config.start`."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        start = load_lite(Path(config.start) if config.start else None)
        self.base = LiteBase(start.encoder, BaseConfig(frames=config.frames))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of a batch, as `loss`."""
        target, noisy, tau = noisy_latents(batch, self.base, self.config)
        prediction = self.base(noisy, tau, self.base.encode_image(batch.images))
        return {"loss": flow_matching_loss(prediction, target, tau, batch.visible)}
