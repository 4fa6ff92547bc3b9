"""Noise reduced by averaging over cells that probably move together."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .image_encoder import ImageEncoder, same_layer_logits
from .track_batch import UNITS

# Standard deviations of the Gaussians by which cells are averaged, units.
REACHES = (0.8, 2.0, 6.0)
# Cells are averaged in blocks of this many a side.
BLOCK = 4
# Variance of motion where that of the noise is 1; 0.17 to 0.25 on training scenes.
SIGNAL = 0.2
# The noisy latents themselves, and one estimate per reach.
ESTIMATES = 1 + len(REACHES)


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What the base reads of a picture; it does not depend on noise.

    Attributes:
        features: (B, F, G, G).
        weights: (B, R, G*G, K) of each of the K blocks for each cell, per reach; they sum to 1.
        noise_left: (B, 1 + R, 1, G, G) fraction of the noise's variance left in each estimate.
    """

    features: Tensor
    weights: Tensor
    noise_left: Tensor

    def clone(self) -> ImageFeatures:
        """The same values in memory of their own."""
        return ImageFeatures(self.features.clone(), self.weights.clone(), self.noise_left.clone())

    def rolled(self) -> ImageFeatures:
        """Every picture's features replaced by those of its neighbour in the batch."""
        parts = (self.features, self.weights, self.noise_left)
        return ImageFeatures(*(part.roll(1, dims=0) for part in parts))


@torch.no_grad()
def encode_image(encoder: ImageEncoder, picture: Tensor) -> ImageFeatures:
    """Features of pictures, and the weights by which cells are averaged.

    A weight is the probability that cell and block lie on one layer, times a Gaussian of their
    distance.

    Args:
        encoder: A frozen image encoder.
        picture: (B, 3, 4G, 4G), -1..1.
    """
    features = encoder.features(picture)
    affinity = same_layer_logits(_cosines(encoder, features)).sigmoid()
    distance = torch.cdist(encoder.cell_centres, _block_centres(encoder)) * (UNITS / 2)
    reach = distance.new_tensor(REACHES).view(-1, 1, 1)
    weights = affinity[:, None] * (distance.square() / (-2 * reach**2)).exp()
    weights /= weights.sum(dim=-1, keepdim=True)
    left = torch.linalg.vector_norm(weights, dim=-1).square() / BLOCK**2
    left = torch.cat([torch.ones_like(left[:, :1]), left], dim=1)
    return ImageFeatures(features, weights, left.unflatten(2, features.shape[-2:])[:, :, None])


def estimates(noisy: Tensor, tau: Tensor, image_features: ImageFeatures) -> Tensor:
    """Linear estimates of the clean latents, one per reach: (B, 1 + R, C, G, G).

    With m the weighted mean over cells and n the fraction of the noise left in it, an estimate is
    m (1 - tau) SIGNAL / ((1 - tau)^2 SIGNAL + tau^2 n): the best linear one if the clean latents
    have variance SIGNAL and are equal wherever the weights reach. It is zero in pure noise and m
    without noise. The first estimate averages nothing.

    Args:
        noisy: (B, C, G, G), (1 - tau) clean + tau noise.
        tau: (B,) noise levels.
        image_features: Of B pictures or of one.
    """
    blocks = functional.avg_pool2d(noisy, BLOCK).flatten(2).transpose(1, 2)
    means = image_features.weights @ blocks[:, None]
    means = means.transpose(-1, -2).unflatten(-1, noisy.shape[-2:])
    kept, level = 1 - tau.view(-1, 1, 1, 1, 1), tau.view(-1, 1, 1, 1, 1)
    variance = kept**2 * SIGNAL + level**2 * image_features.noise_left
    factor = kept * SIGNAL / variance.clamp(min=1e-9)
    return torch.cat([noisy[:, None], means], dim=1) * factor


def _cosines(encoder: ImageEncoder, features: Tensor) -> Tensor:
    """(B, G*G, K) cosine of the codes of cells and blocks, the mean over the heads."""
    parts = (features, functional.avg_pool2d(features, BLOCK))
    cell, block = (encoder.codes(part.flatten(2).transpose(1, 2)) for part in parts)
    return (cell @ block.transpose(-1, -2)).mean(dim=1)


def _block_centres(encoder: ImageEncoder) -> Tensor:
    """(K, 2), -1..1."""
    grid = encoder.config.grid
    centres = encoder.cell_centres.view(grid, grid, 2).permute(2, 0, 1)[None]
    return functional.avg_pool2d(centres, BLOCK)[0].flatten(1).T
