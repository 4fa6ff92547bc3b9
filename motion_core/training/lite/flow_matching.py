"""Flow matching of motion latents: the noising and the loss of stages base and control."""

from __future__ import annotations

import torch
from torch import Tensor

from ...models.lite.base import LiteBase
from ...models.lite.family import SHIFT
from ...models.lite.latents import coloured_noise, to_latents
from ..config import TrainConfig
from .data import Batch

# Fraction of the noise levels that are exactly 1.
PURE_NOISE = 0.15
# The squared error is divided by tau^2, as that of a velocity would be, with tau at least this.
LEAST_LEVEL = 0.4
# Weight of displacements where the point is not visible.
HIDDEN_WEIGHT = 0.3
# Visibility is hard to predict and would dominate the loss.
VISIBLE_WEIGHT = 0.1


def noise_levels(count: int, generator: torch.Generator) -> Tensor:
    """(count,) tau in 0..1, shifted towards noise as the sampler's steps are."""
    u = torch.rand(count, generator=generator)
    pure = torch.rand(count, generator=generator) < PURE_NOISE
    return torch.where(pure, 1.0, SHIFT * u / (1 + (SHIFT - 1) * u))


def noisy_latents(
    batch: Batch, base: LiteBase, config: TrainConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy latents of a batch; the same for the same seed and step.

    Args:
        batch: scenes.
        base: whose noise is used.
        config: of the run.

    Returns:
        Clean latents, noisy latents (B, C, G, G) and noise levels (B,).
    """
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + batch.step)
    clean = to_latents(batch.displacement, batch.visible)
    tau = noise_levels(len(clean), generator).to(clean)
    noise = coloured_noise(tuple(clean.shape), base.factor, generator)
    level = tau.view(-1, 1, 1, 1)
    return clean, (1 - level) * clean + level * noise, tau


def flow_matching_loss(prediction: Tensor, target: Tensor, tau: Tensor, visible: Tensor) -> Tensor:
    """Squared error of an x-prediction, weighted by noise level and visibility.

    Squared, because the base has to find the mean of the possible motions. The minimum of a robust
    loss is their median, which is no motion at all.

    Args:
        prediction: (B, C, G, G) predicted clean latents.
        target: (B, C, G, G) clean latents.
        tau: (B,) noise levels, 0..1.
        visible: (B, T, G, G) bool.
    """
    by_visibility = HIDDEN_WEIGHT + (1 - HIDDEN_WEIGHT) * visible[:, 1:].float()
    of_visibility = torch.full_like(by_visibility, VISIBLE_WEIGHT)
    weight = torch.cat([by_visibility.repeat_interleave(2, dim=1), of_visibility], dim=1)
    level = tau.clamp(min=LEAST_LEVEL).view(-1, 1, 1, 1) ** -2
    return (weight * level * (prediction - target).square()).mean()
