"""The base: motion of a picture without tracks, by flow matching."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...errors import ShapeError
from .affinity import EncoderConfig, PictureNet
from .latents import coloured_noise, time_factor
from .unet import BaseConfig, Decoder, Encoder

# A noise level below this is not divided by.
LEAST_TAU = 1e-3


@dataclass(frozen=True, eq=False)
class LiteResiduals:
    """What control adds to a prediction.

    skips: added to the encoder's maps; none where nothing is added. gate (B, 1 or C, G, G): how
    far the prediction leans to `guess` (B, C, G, G), the motion that the tracks ask for.
    """

    skips: tuple[Tensor, ...]
    gate: Tensor
    guess: Tensor

    def scaled(self, strength: float) -> LiteResiduals:
        """The same with its influence multiplied; 0 does not change a prediction."""
        skips = tuple(skip * strength for skip in self.skips)
        return LiteResiduals(skips, self.gate * strength, self.guess)

    def leaning(self, clean: Tensor) -> Tensor:
        """Clean latents that lean to the guess as far as the gate says."""
        return clean + self.gate * (self.guess - clean)


class LiteBase(nn.Module):
    """First-frame-conditioned motion fields; predicts the clean latents (x-prediction)."""

    factor: Tensor

    def __init__(self, config: BaseConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or BaseConfig()
        sizes = EncoderConfig(grid=config.grid, width=config.features)
        self.picture = PictureNet(sizes)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.register_buffer("factor", time_factor(config.frames), persistent=False)

    def features(self, picture: Tensor) -> Tensor:
        """(B, 3, 4G, 4G) in -1..1 to (B, F, G, G): what depends on the picture alone."""
        return self.picture(picture)

    def noise(self, batch: int, generator: torch.Generator) -> Tensor:
        """Latents (B, C, G, G) to start from: coloured over time as motion is."""
        shape = (batch, self.config.channels, self.config.grid, self.config.grid)
        return coloured_noise(shape, self.factor, generator)

    def forward(
        self,
        noisy: Tensor,
        tau: Tensor,
        features: Tensor,
        residuals: LiteResiduals | None = None,
    ) -> Tensor:
        """The clean latents that noisy ones came from.

        noisy: (B, C, G, G), (1 - tau) clean + tau noise. tau: (B,) 0..1. features: of the picture,
        (B, F, G, G) or (1, F, G, G). Raises ShapeError for latents of another model.
        """
        wanted = (self.config.channels, self.config.grid, self.config.grid)
        if noisy.shape[1:] != wanted:
            raise ShapeError(f"latents must be (B, C, G, G) with {wanted}; got {noisy.shape}.")
        skips, time = self.encoder(noisy, tau, features)
        if residuals is None:
            return self.decoder(skips, time)
        if residuals.skips:
            skips = [one + added for one, added in zip(skips, residuals.skips, strict=True)]
        return residuals.leaning(self.decoder(skips, time))


def velocity(clean: Tensor, noisy: Tensor, tau: Tensor) -> Tensor:
    """What a flow-matching scheduler steps along, d noisy / d tau, from an x-prediction."""
    level = tau.view(-1, 1, 1, 1).clamp(min=LEAST_TAU)
    return (noisy - clean) / level
