"""Stage `encoder`: dense motion from tracks in one step."""

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
from .real_clips import UNKNOWN

# The Charbonnier loss is quadratic below this error in units.
QUADRATIC_UNITS = 0.05
# Weight of displacements where the point is not visible.
HIDDEN_WEIGHT = 0.3
LAYER_WEIGHT, VISIBLE_WEIGHT, ERROR_WEIGHT = 0.3, 0.05, 0.05
# Cells beside another layer are sampled this many times as often as others.
BOUNDARY_FACTOR = 4.0
# From the middle of the square canvas to its right and its bottom, in units.
HALF_CANVAS = (UNITS / 2, UNITS / 2)


class EncoderStage(nn.Module):
    """The control encoder with its loss."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ControlEncoder()
        if config.start:
            fill_module(self.encoder, read_weights(Path(config.start))[0], "encoder")

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The terms of `encoder_loss` for random cells of a batch."""
        device = batch.images.device
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + batch.step)
        cells = sample_cells(batch.layers, self.config.cells, generator, batch.known).to(device)
        features = self.encoder.features(batch.images)
        half = torch.tensor(HALF_CANVAS, device=device)
        estimate = self.encoder(features, batch.track_batch, cells, half)
        return encoder_loss(estimate, batch, cells)


def sample_cells(
    layers: Tensor, count: int, generator: torch.Generator, known: Tensor | None = None
) -> Tensor:
    """(B, count) random cells, numbered row by row, with replacement.

    Args:
        layers: (B, G, G). Cells beside another layer are BOUNDARY_FACTOR times as likely.
        count: Number of cells per scene.
        generator: On the CPU.
        known: (B, G, G) bool, cells that may be chosen; all for None. A scene without any gets
            cells everywhere, so that its number of cells stays the same.
    """
    boundary = torch.stack([boundary_cells(scene) for scene in layers.cpu()]).flatten(1).float()
    weights = 1 + (BOUNDARY_FACTOR - 1) * boundary
    if known is not None:
        chosen = known.cpu().flatten(1)
        weights = torch.where(chosen | ~chosen.any(dim=1, keepdim=True), weights, 0)
    return torch.multinomial(weights, count, replacement=True, generator=generator)


def encoder_loss(estimate: Estimate, batch: Batch, cells: Tensor) -> dict[str, Tensor]:
    """The loss of an estimate and its terms.

    motion: Charbonnier in units; hidden points have HIDDEN_WEIGHT. layer: cross-entropy of the
    affinity between cell and track with "on the same layer". visible: cross-entropy. error: the
    Laplace likelihood of the error under the scale that the encoder predicts. loss: their weighted
    sum.

    Args:
        estimate: The encoder's output at `cells`.
        batch: The truth.
        cells: (B, M) cells, numbered row by row.
    """
    target = _at(batch.displacement.flatten(2, 3), cells)
    visible = _at(batch.visible.flatten(2, 3), cells).float()
    squared = (estimate.displacement - target).square().sum(dim=-1)
    charbonnier = (squared + QUADRATIC_UNITS**2).sqrt() - QUADRATIC_UNITS
    weight = HIDDEN_WEIGHT + (1 - HIDDEN_WEIGHT) * visible
    motion = (weight * charbonnier).sum() / weight.sum()
    visibility = functional.binary_cross_entropy_with_logits(estimate.visible, visible)
    actual = (weight * charbonnier).sum(dim=-1) / weight.sum(dim=-1)
    log_scale = estimate.error.clamp(-7, 3)
    error = (actual.detach() * torch.exp(-log_scale) + log_scale).mean()
    layer = _layer_loss(estimate.affinity, batch, cells)
    total = motion + LAYER_WEIGHT * layer + VISIBLE_WEIGHT * visibility + ERROR_WEIGHT * error
    return {"loss": total, "motion": motion, "layer": layer, "visible": visibility, "error": error}


def _layer_loss(logits: Tensor, batch: Batch, cells: Tensor) -> Tensor:
    """Cross-entropy of logits (B, M, N) with "cell and track are on one layer".

    Pairs of which a layer is unknown, padding among them, are left out.
    """
    cell_layers = batch.layers.flatten(1).gather(1, cells)
    same = (cell_layers[:, :, None] == batch.track_layers[:, None]).float()
    loss = functional.binary_cross_entropy_with_logits(logits, same, reduction="none")
    named = (cell_layers != UNKNOWN)[:, :, None] & (batch.track_layers != UNKNOWN)[:, None]
    present = (batch.track_batch.valid[:, None] & named).float()
    per_scene = (loss * present).sum(dim=(1, 2)) / present.sum(dim=(1, 2)).clamp(min=1)
    return per_scene.mean()


def _at(values: Tensor, cells: Tensor) -> Tensor:
    """(B, T, G*G, ...) at cells (B, M): (B, M, T, ...)."""
    by_cell = values.transpose(1, 2)
    index = cells.view(*cells.shape, *([1] * (by_cell.ndim - 2)))
    return by_cell.gather(1, index.expand(-1, -1, *by_cell.shape[2:]))
