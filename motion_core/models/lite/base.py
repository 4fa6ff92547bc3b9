"""The base: motion of a picture without tracks, by flow matching."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ...errors import ShapeError
from .image_encoder import ImageEncoder
from .latents import coloured_noise, time_factor
from .pooling import ESTIMATES, ImageFeatures, encode_image, estimates
from .track_correction import TrackCorrection
from .unet import BaseConfig, Decoder, Encoder

# Divisors are at least this noise level.
LEAST_TAU = 1e-3


@dataclass(frozen=True, eq=False)
class LiteControlOutput:
    """What control adds to a prediction.

    Attributes:
        down_block_residuals: Added to the encoder's maps; empty where nothing is added.
        gate: (B, 1 or 3, G, G) how far each third of the channels is moved to `target`; two
            thirds are displacements, one is visibility.
        target: (B, C, G, G) latents of the motion that the tracks ask for.
        correction: Corrects the result where tracks start, or None.
    """

    down_block_residuals: tuple[Tensor, ...]
    gate: Tensor
    target: Tensor
    correction: TrackCorrection | None = None

    def scaled(self, strength: float) -> LiteControlOutput:
        """The same with its influence multiplied; 0 does not change a prediction."""
        residuals = tuple(residual * strength for residual in self.down_block_residuals)
        correction = self.correction
        # At most the whole residual is corrected.
        if correction is not None and strength < 1:
            correction = replace(correction, amount=correction.amount * strength)
        return LiteControlOutput(residuals, self.gate * strength, self.target, correction)

    def apply(self, clean: Tensor) -> Tensor:
        """Clean latents (B, C, G, G) moved to the target by the gate, then corrected."""
        # In thirds, so that a gate need not be written out for every channel.
        thirds, target = clean.unflatten(1, (3, -1)), self.target.unflatten(1, (3, -1))
        gated = torch.lerp(thirds, target, self.gate[:, :, None]).flatten(1, 2)
        return gated if self.correction is None else self.correction.apply(gated, self.target)


class LiteBase(nn.Module):
    """First-frame-conditioned motion fields; predicts the clean latents (x-prediction).

    Noisy latents are averaged over cells that the image encoder finds similar, which removes
    noise. The network mixes these estimates and corrects them.
    """

    factor: Tensor

    def __init__(self, image_encoder: ImageEncoder, config: BaseConfig | None = None) -> None:
        """
        Args:
            image_encoder: Is copied and frozen, so that the original may train on.
            config: Sizes; None for the default ones.
        """
        super().__init__()
        self.config = config = config or BaseConfig()
        self.image_encoder = image_encoder.frozen_copy()
        self.encoder = Encoder(config)
        channels = ESTIMATES * config.channels
        self.estimate_proj = nn.Conv2d(channels, config.widths[0], 1, bias=False)
        # A correction, and weights of the estimates and of none of them.
        self.decoder = Decoder(config, config.channels + ESTIMATES + 1)
        self.register_buffer("factor", time_factor(config.frames), persistent=False)

    def encode_image(self, picture: Tensor) -> ImageFeatures:
        """What the base reads of pictures (B, 3, 4G, 4G) in -1..1; once per run."""
        return encode_image(self.image_encoder, picture)

    def noise(self, batch: int, generator: torch.Generator) -> Tensor:
        """Latents (B, C, G, G) to start from, correlated over time as motion is."""
        shape = (batch, self.config.channels, self.config.grid, self.config.grid)
        return coloured_noise(shape, self.factor, generator)

    def forward(
        self,
        noisy: Tensor,
        tau: Tensor,
        image_features: ImageFeatures,
        control: LiteControlOutput | None = None,
    ) -> Tensor:
        """The predicted clean latents (B, C, G, G).

        Args:
            noisy: (B, C, G, G), (1 - tau) clean + tau noise.
            tau: (B,) 0..1.
            image_features: Of B pictures or of one.
            control: What the control branch adds, or None.

        Raises:
            ShapeError: The latents belong to another model.
        """
        expected = (self.config.channels, self.config.grid, self.config.grid)
        if noisy.shape[1:] != expected:
            raise ShapeError(f"latents must be (B, C, G, G) with {expected}; got {noisy.shape}.")
        linear = estimates(noisy, tau, image_features)
        added = self.estimate_proj(linear.flatten(1, 2))
        features = image_features.features.expand(len(noisy), -1, -1, -1)
        skips, time = self.encoder(torch.cat([noisy, features], dim=1), tau, added)
        if control is not None and control.down_block_residuals:
            pairs = zip(skips, control.down_block_residuals, strict=True)
            skips = [skip + residual for skip, residual in pairs]
        clean = self._mixed(self.decoder(skips, time), linear)
        return clean if control is None else control.apply(clean)

    def _mixed(self, out: Tensor, linear: Tensor) -> Tensor:
        """The decoder's correction plus its weighting of the estimates, cell by cell."""
        correction, choice = out.split([self.config.channels, ESTIMATES + 1], dim=1)
        weights = choice.softmax(dim=1)[:, :ESTIMATES, None]
        return correction + (weights * linear).sum(dim=1)


def velocity(clean: Tensor, noisy: Tensor, tau: Tensor) -> Tensor:
    """The velocity d noisy / d tau of flow matching, from an x-prediction.

    Args:
        clean: (B, C, G, G) predicted clean latents.
        noisy: (B, C, G, G) the latents they were predicted from.
        tau: (B,) 0..1.
    """
    level = tau.view(-1, 1, 1, 1).clamp(min=LEAST_TAU)
    return (noisy - clean) / level
