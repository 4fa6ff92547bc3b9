"""Stages `base` and `control`: flow matching of motion fields, without and with tracks."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ...errors import FormatError
from ...layered_scenes.scene import CANVAS
from ...models.lite.base import LiteBase, LiteControlOutput
from ...models.lite.family import SHIFT
from ...models.lite.latents import coloured_noise, from_latents, latents_of, to_latents
from ...models.lite.lite import load_lite
from ...models.lite.track_controlnet import LiteTrackControlNet, Prepared
from ...models.lite.unet import BaseConfig
from ..config import TrainConfig
from .data import Batch

# This share of the noise levels is exactly 1.
PURE_NOISE = 0.15
# The squared error counts as 1 / tau^2, as the error of a velocity would, but no more than this.
LEAST_LEVEL = 0.4
HIDDEN_WEIGHT = 0.3
# Being seen or not is hard to foretell and would be most of the loss, though motion is what counts.
VISIBLE_WEIGHT = 0.1


def noise_levels(count: int, generator: torch.Generator) -> Tensor:
    """(count,) tau in 0..1, drawn towards noise as sampling is."""
    u = torch.rand(count, generator=generator)
    pure = torch.rand(count, generator=generator) < PURE_NOISE
    return torch.where(pure, 1.0, SHIFT * u / (1 + (SHIFT - 1) * u))


def flow_loss(clean: Tensor, wanted: Tensor, tau: Tensor, visible: Tensor) -> Tensor:
    """Squared error of an x-prediction (B, C, G, G), weighted by level and visibility.

    Squared, because the base must find the mean of what may happen: a robust loss finds the
    median, which is no motion at all. visible: (B, T, G, G).
    """
    seen = HIDDEN_WEIGHT + (1 - HIDDEN_WEIGHT) * visible[:, 1:].float()
    weight = torch.cat(
        [seen.repeat_interleave(2, dim=1), torch.full_like(seen, VISIBLE_WEIGHT)], dim=1
    )
    level = tau.clamp(min=LEAST_LEVEL).view(-1, 1, 1, 1) ** -2
    return (weight * level * (clean - wanted).square()).mean()


class BaseStage(nn.Module):
    """The base with its loss. It sees pictures as the encoder of its start does, which stays."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        start = load_lite(Path(config.start) if config.start else None)
        self.base = LiteBase(start.encoder, BaseConfig(frames=config.frames))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of a batch."""
        wanted, noisy, tau = noised(batch, self.base, self.config)
        clean = self.base(noisy, tau, self.base.sees(batch.picture))
        return {"loss": flow_loss(clean, wanted, tau, batch.visible)}


class ControlStage(nn.Module):
    """The control branch on its frozen base, with the same loss."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config
        lite = load_lite(Path(config.start) if config.start else None)
        if lite.base is None:
            raise FormatError(
                "control is trained on a base, and these weights hold none. Train stage base, "
                "export it, and pass the file as start."
            )
        lite.requires_grad_(False)
        self.lite, self.base = lite, lite.base
        self.control = LiteTrackControlNet(lite.base, lite, config.input)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of a batch."""
        wanted, noisy, tau = noised(batch, self.base, self.config)
        seen = self.base.sees(batch.picture)
        residuals = self.residuals(batch, seen.features, noisy, tau)
        clean = self.base(noisy, tau, seen, residuals)
        return {
            "loss": flow_loss(clean, wanted, tau, batch.visible),
            "gate": residuals.gate.detach().mean(),
        }

    def residuals(
        self, batch: Batch, features: Tensor, noisy: Tensor, tau: Tensor
    ) -> LiteControlOutput:
        """What control adds for every scene of a batch; nothing where there are no tracks.

        features: of the pictures.
        """
        fields, attention = self.lite.fields(batch.picture, batch.track_batch, CANVAS)
        guess = torch.cat([latents_of(field, self.config.frames) for field in fields])
        sure = torch.stack([field.confidence for field in fields])[:, None]
        track_maps = torch.cat([self.control.track_maps(tracks) for tracks in batch.tracks])
        first = self.control.heard(track_maps.to(features), guess, sure, features)
        prepared = Prepared(first, guess, attention.any_heard())
        return self.control.residuals(prepared, noisy, tau)


def noised(batch: Batch, base: LiteBase, config: TrainConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Clean latents, noisy latents and their levels: the same for the same seed and step."""
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + batch.step)
    clean = to_latents(batch.moved, batch.visible)
    tau = noise_levels(len(clean), generator).to(clean)
    noise = coloured_noise(tuple(clean.shape), base.factor, generator)
    level = tau.view(-1, 1, 1, 1)
    return clean, (1 - level) * clean + level * noise, tau


def one_step(stage: ControlStage, batch: Batch) -> Tensor:
    """(G*G, T, 2) units: the motion predicted from pure noise, for the probe."""
    base = stage.base
    noise = base.noise(1, torch.Generator().manual_seed(0)).to(batch.picture)
    tau = noise.new_ones(1)
    seen = base.sees(batch.picture)
    residuals = stage.residuals(batch, seen.features, noise, tau)
    moved, _ = from_latents(base(noise, tau, seen, residuals))
    return moved[0].flatten(1, 2).transpose(0, 1)
