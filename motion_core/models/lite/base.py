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

# A noise level below this is not divided by.
LEAST_TAU = 1e-3


@dataclass(frozen=True, eq=False)
class LiteControlOutput:
    """What control adds to a prediction.

    skips: added to the encoder's maps; none where nothing is added. gate (B, 1 or 3, G, G): how
    far each third of the channels leans to `guess` (B, C, G, G), the motion that the tracks ask
    for; two thirds are displacements, one is being seen. grip: what then holds the prediction to
    the guess where the tracks are, if anything does.
    """

    skips: tuple[Tensor, ...]
    gate: Tensor
    guess: Tensor
    correction: TrackCorrection | None = None

    def scaled(self, strength: float) -> LiteControlOutput:
        """The same with its influence multiplied; 0 does not change a prediction."""
        skips = tuple(skip * strength for skip in self.skips)
        correction = self.correction
        # No more than all of a miss can be mended.
        if correction is not None and strength < 1:
            correction = replace(correction, amount=correction.amount * strength)
        return LiteControlOutput(skips, self.gate * strength, self.guess, correction)

    def led(self, clean: Tensor) -> Tensor:
        """Clean latents that lean to the guess as far as the gate says, and are held."""
        # In thirds, so that a gate need not be written out for every channel.
        thirds, guess = clean.unflatten(1, (3, -1)), self.guess.unflatten(1, (3, -1))
        leaning = torch.lerp(thirds, guess, self.gate[:, :, None]).flatten(1, 2)
        return leaning if self.correction is None else self.correction.held(leaning, self.guess)


class LiteBase(nn.Module):
    """First-frame-conditioned motion fields; predicts the clean latents (x-prediction).

    It sees the picture as a control encoder has learned to: places that look alike are averaged,
    which rids them of noise, and the network mixes these estimates and corrects them.
    """

    factor: Tensor

    def __init__(self, eyes: ImageEncoder, config: BaseConfig | None = None) -> None:
        """eyes: what sees the picture; copied, for those of an encoder may learn on, and frozen."""
        super().__init__()
        self.config = config = config or BaseConfig()
        self.eyes = eyes.copied()
        self.encoder = Encoder(config)
        self.heard = nn.Conv2d(ESTIMATES * config.channels, config.widths[0], 1, bias=False)
        # A correction, and shares of the estimates and of none of them.
        self.decoder = Decoder(config, config.channels + ESTIMATES + 1)
        self.register_buffer("factor", time_factor(config.frames), persistent=False)

    def sees(self, picture: Tensor) -> ImageFeatures:
        """Of pictures (B, 3, 4G, 4G) in -1..1, all that the base needs; once per run."""
        return encode_image(self.eyes, picture)

    def noise(self, batch: int, generator: torch.Generator) -> Tensor:
        """Latents (B, C, G, G) to start from: coloured over time as motion is."""
        shape = (batch, self.config.channels, self.config.grid, self.config.grid)
        return coloured_noise(shape, self.factor, generator)

    def forward(
        self,
        noisy: Tensor,
        tau: Tensor,
        seen: ImageFeatures,
        residuals: LiteControlOutput | None = None,
    ) -> Tensor:
        """The clean latents that noisy ones came from.

        noisy: (B, C, G, G), (1 - tau) clean + tau noise. tau: (B,) 0..1. seen: of B pictures or of
        one. Raises ShapeError for latents of another model.
        """
        wanted = (self.config.channels, self.config.grid, self.config.grid)
        if noisy.shape[1:] != wanted:
            raise ShapeError(f"latents must be (B, C, G, G) with {wanted}; got {noisy.shape}.")
        guesses = estimates(noisy, tau, seen)
        heard = self.heard(guesses.flatten(1, 2))
        features = seen.features.expand(len(noisy), -1, -1, -1)
        skips, time = self.encoder(torch.cat([noisy, features], dim=1), tau, heard)
        if residuals is not None and residuals.skips:
            skips = [one + added for one, added in zip(skips, residuals.skips, strict=True)]
        clean = self._mixed(self.decoder(skips, time), guesses)
        return clean if residuals is None else residuals.led(clean)

    def _mixed(self, out: Tensor, guesses: Tensor) -> Tensor:
        """The decoder's correction, and its choice among the estimates place by place."""
        correction, choice = out.split([self.config.channels, ESTIMATES + 1], dim=1)
        shares = choice.softmax(dim=1)[:, :ESTIMATES, None]
        return correction + (shares * guesses).sum(dim=1)


def velocity(clean: Tensor, noisy: Tensor, tau: Tensor) -> Tensor:
    """What a flow-matching scheduler steps along, d noisy / d tau, from an x-prediction."""
    level = tau.view(-1, 1, 1, 1).clamp(min=LEAST_TAU)
    return (noisy - clean) / level
