"""Stage `encoder`: the control encoder learns dense motion from tracks, in one step."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...models.lite.control_encoder import ControlEncoder, Estimate
from ...models.lite.track_batch import UNITS
from ...models.lite.weights import fill_module, read_weights
from ..config import TrainConfig
from .data import Batch
from .probes import boundary_cells

# Below this error, in units, the loss is quadratic.
SOFT_UNITS = 0.05
HIDDEN_WEIGHT = 0.3
LAYER_WEIGHT, VISIBLE_WEIGHT, ERROR_WEIGHT = 0.3, 0.05, 0.05
MORE_AT_BORDERS = 4.0
HALF = (UNITS / 2, UNITS / 2)


class EncoderStage(nn.Module):
    """The encoder with its loss; what the training loop steps."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ControlEncoder()
        if config.start:
            fill_module(self.encoder, read_weights(Path(config.start))[0], "encoder")

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss (`loss`) of a batch, and what it is made of."""
        device = batch.picture.device
        chance = torch.Generator().manual_seed(self.config.seed * 1_000_003 + batch.step)
        cells = drawn_cells(batch.layers, self.config.cells, chance).to(device)
        features = self.encoder.features(batch.picture)
        half = torch.tensor(HALF, device=device)
        estimate = self.encoder(features, batch.track_batch, cells, half)
        return encoder_loss(estimate, batch, cells)


def drawn_cells(layers: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(B, count) cells by chance, numbered row by row; those beside other layers, which are few and
    hard, MORE_AT_BORDERS times as often. layers: (B, G, G)."""
    border = torch.stack([boundary_cells(one) for one in layers.cpu()]).flatten(1).float()
    chances = 1 + (MORE_AT_BORDERS - 1) * border
    return torch.multinomial(chances, count, replacement=True, generator=generator)


def encoder_loss(estimate: Estimate, batch: Batch, cells: Tensor) -> dict[str, Tensor]:
    """How wrong an estimate of cells (B, M) is.

    Motion: Charbonnier in units, hidden places counting less. Layer: a track is alike to the
    cells of its own layer only. Visible: cross-entropy. Error: Laplace likelihood of the error
    that the encoder expects of itself.
    """
    wanted = _at(batch.moved.flatten(2, 3), cells)
    visible = _at(batch.visible.flatten(2, 3), cells).float()
    gap = (estimate.moved - wanted).square().sum(dim=-1)
    miss = (gap + SOFT_UNITS**2).sqrt() - SOFT_UNITS
    weight = HIDDEN_WEIGHT + (1 - HIDDEN_WEIGHT) * visible
    motion = (weight * miss).sum() / weight.sum()
    seen = functional.binary_cross_entropy_with_logits(estimate.visible, visible)
    actual = (weight * miss).sum(dim=-1) / weight.sum(dim=-1)
    scale = estimate.error.clamp(-7, 3)
    error = (actual.detach() * torch.exp(-scale) + scale).mean()
    alike = _layer_loss(estimate.alike, batch, cells)
    total = motion + LAYER_WEIGHT * alike + VISIBLE_WEIGHT * seen + ERROR_WEIGHT * error
    return {"loss": total, "motion": motion, "layer": alike, "visible": seen, "error": error}


def _layer_loss(logits: Tensor, batch: Batch, cells: Tensor) -> Tensor:
    mine = batch.layers.flatten(1).gather(1, cells)
    same = (mine[:, :, None] == batch.track_layers[:, None]).float()
    loss = functional.binary_cross_entropy_with_logits(logits, same, reduction="none")
    present = batch.track_batch.present[:, None].float().expand_as(loss)
    per_scene = (loss * present).sum(dim=(1, 2)) / present.sum(dim=(1, 2)).clamp(min=1)
    return per_scene.mean()


def _at(values: Tensor, cells: Tensor) -> Tensor:
    """(B, T, G*G, ...) at cells (B, M): (B, M, T, ...)."""
    moved = values.transpose(1, 2)
    index = cells.view(*cells.shape, *([1] * (moved.ndim - 2))).expand(-1, -1, *moved.shape[2:])
    return moved.gather(1, index)
