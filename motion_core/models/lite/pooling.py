"""Noise averaged away among places that look as if they moved together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .image_encoder import ImageEncoder, same_layer_logits
from .track_batch import UNITS

# How far away other places are listened to: standard deviations of a Gaussian, units.
REACHES = (0.8, 2.0, 6.0)
# Places are listened to in blocks of so many cells a side.
BLOCK = 4
# Variance of motion where that of the noise is 1; 0.17 to 0.25 on training scenes.
SIGNAL = 0.2
# The noisy latents themselves, and what every reach makes of them.
ESTIMATES = 1 + len(REACHES)


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What the base knows of a picture; it does not depend on noise.

    features: (B, F, G, G). shares: (B, R, G*G, K) how much each place listens to each of the K
    blocks, summing to 1, per reach. left: (B, 1 + R, 1, G, G) the share of the noise's variance
    that is left in each estimate.
    """

    features: Tensor
    shares: Tensor
    left: Tensor

    def clone(self) -> ImageFeatures:
        """The same values in memory of their own."""
        return ImageFeatures(self.features.clone(), self.shares.clone(), self.left.clone())

    def rolled(self) -> ImageFeatures:
        """Every picture's place taken by its neighbour in the batch."""
        return ImageFeatures(
            *(one.roll(1, dims=0) for one in (self.features, self.shares, self.left))
        )


@torch.no_grad()
def encode_image(eyes: ImageEncoder, picture: Tensor) -> ImageFeatures:
    """What frozen eyes see in pictures (B, 3, 4G, 4G), -1..1: features, and which places
    are likely parts of one thing, weighed by distance."""
    features = eyes.features(picture)
    alike = same_layer_logits(_cosines(eyes, features)).sigmoid()
    apart = torch.cdist(eyes.at, _blocks(eyes)) * (UNITS / 2)
    reach = apart.new_tensor(REACHES).view(-1, 1, 1)
    shares = alike[:, None] * (apart.square() / (-2 * reach**2)).exp()
    shares /= shares.sum(dim=-1, keepdim=True)
    left = torch.linalg.vector_norm(shares, dim=-1).square() / BLOCK**2
    left = torch.cat([torch.ones_like(left[:, :1]), left], dim=1)
    return ImageFeatures(features, shares, left.unflatten(2, features.shape[-2:])[:, :, None])


def estimates(noisy: Tensor, tau: Tensor, seen: ImageFeatures) -> Tensor:
    """(B, 1 + R, C, G, G): what the clean latents are on average, if they have variance SIGNAL and
    are the same wherever one listens.

    noisy: (B, C, G, G), (1 - tau) clean + tau noise. tau: (B,). The first is of a place alone.
    With m the mean of what is heard, and n the share of the noise left in it, that is
    m (1 - tau) SIGNAL / ((1 - tau)^2 SIGNAL + tau^2 n): nothing in pure noise, m without noise.
    """
    blocks = functional.avg_pool2d(noisy, BLOCK).flatten(2).transpose(1, 2)
    means = (seen.shares @ blocks[:, None]).transpose(-1, -2).unflatten(-1, noisy.shape[-2:])
    kept, level = 1 - tau.view(-1, 1, 1, 1, 1), tau.view(-1, 1, 1, 1, 1)
    trust = kept * SIGNAL / (kept**2 * SIGNAL + level**2 * seen.left).clamp(min=1e-9)
    return torch.cat([noisy[:, None], means], dim=1) * trust


def _cosines(eyes: ImageEncoder, features: Tensor) -> Tensor:
    """(B, G*G, K) likeness of cells and blocks, the mean over the heads."""
    parts = (features, functional.avg_pool2d(features, BLOCK))
    cell, block = (eyes.codes(one.flatten(2).transpose(1, 2)) for one in parts)
    return (cell @ block.transpose(-1, -2)).mean(dim=1)


def _blocks(eyes: ImageEncoder) -> Tensor:
    """(K, 2) middles of the blocks, -1..1."""
    grid = eyes.config.grid
    at = eyes.at.view(grid, grid, 2).permute(2, 0, 1)[None]
    return functional.avg_pool2d(at, BLOCK)[0].flatten(1).T
