"""One guided step: noised latents move so that their estimate resembles the source's.

At a noise level s the model estimates the clean latents z of the noised latents x. While the
direction d = (x - z) / s is held, a shift of x shifts z alike, so the loss needs no gradient
through the model:

    L = w_m |z_source - z|^2 + w_c |D z_source - D z|^2,   D: difference of successive frames.

Its gradient is linear in z. A few steps of Adam move x; then the direction is reduced to its part
along the mean direction since the start of the run and a fraction of the rest. `reference.py` has
the definition with autograd. In flow and variance-exploding schedules dx/ds = (x - z) / s, which is
all that is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import ShapeError

# Adam's own constants (Kingma and Ba, 2015), as torch has them.
BETA_MEAN, BETA_SQUARE, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class TransferSettings:
    """The strength of motion transfer; the defaults are the authors'.

    Attributes:
        iterations: Steps of Adam per step of the sampler.
        rate: Their learning rate; iterations x rate bounds the shift of a latent per step.
        match_weight: w_m, of the estimate itself.
        change_weight: w_c, of its changes from frame to frame.
        keep: Fraction of the direction across the mean direction that is kept; 1 switches the
            regularisation off.

    Raises:
        ValueError: A value out of range.
    """

    iterations: int = 3
    rate: float = 0.003
    match_weight: float = 4.0
    change_weight: float = 1.0
    keep: float = 0.1

    def __post_init__(self) -> None:
        numbers = (self.rate, self.match_weight, self.change_weight, self.keep)
        if self.iterations < 0 or not all(math.isfinite(one) and one >= 0.0 for one in numbers):
            raise ValueError(f"motion transfer needs finite numbers from 0; got {self}.")
        if self.keep > 1.0:
            raise ValueError(f"keep is a fraction from 0 to 1; got {self.keep}.")


@dataclass(frozen=True, eq=False)
class TransferState:
    """Where a run began: its noised latents and their noise level."""

    noised: Tensor
    sigma: float


def transferred(
    noised: Tensor,
    estimate: Tensor,
    source: Tensor,
    sigma: float,
    start: TransferState,
    settings: TransferSettings,
) -> tuple[Tensor, Tensor]:
    """The latents and their estimate after the guidance of one step.

    Args:
        noised: x, (B, C, T, H, W), or (T, C, H, W) where frames are the batch.
        estimate: z, the guided estimate of the clean latents, same shape.
        source: z_source, the estimate of the source noised to the same level, same shape.
        sigma: The noise level, above 0.
        start: The state at the beginning of the run; at its sigma the direction stays as it is.
        settings: Strengths.

    Returns:
        x and z; a step of the sampler goes on from both.

    Raises:
        ShapeError: The shapes differ, or are no latents of a clip.
    """
    if noised.ndim not in (4, 5) or not noised.shape == estimate.shape == source.shape:
        raise ShapeError(
            f"motion transfer needs latents of one clip, (B, C, T, H, W) or (T, C, H, W); got "
            f"{tuple(noised.shape)}, {tuple(estimate.shape)} and {tuple(source.shape)}."
        )
    direction = (noised - estimate) / sigma
    moved = noised + transfer_shift(estimate - source, settings)
    if settings.keep < 1.0 and sigma != start.sigma:
        mean = (moved - start.noised) / (sigma - start.sigma)
        direction = regularised(direction, mean, settings.keep)
    return moved, moved - sigma * direction


def transfer_shift(gap: Tensor, settings: TransferSettings) -> Tensor:
    """The shift that Adam finds from the gap between estimate and source, same shape."""
    axis = time_axis(gap)
    shift, mean, square = (torch.zeros_like(gap) for _ in range(3))
    for step in range(1, settings.iterations + 1):
        slope = _slope(gap + shift, axis, settings)
        mean = BETA_MEAN * mean + (1 - BETA_MEAN) * slope
        square = BETA_SQUARE * square + (1 - BETA_SQUARE) * slope**2
        root = (square / (1 - BETA_SQUARE**step)).sqrt() + EPSILON
        shift = shift - settings.rate * (mean / (1 - BETA_MEAN**step)) / root
    return shift


def regularised(direction: Tensor, mean: Tensor, keep: float) -> Tensor:
    """The part of a direction along a mean direction, and a fraction of the rest.

    Directions of clips in a batch are separate; a stack of frames (T, C, H, W) is one clip.
    """
    axes = tuple(range(direction.ndim)) if direction.ndim == 4 else tuple(range(1, direction.ndim))
    length = mean.square().sum(axes, keepdim=True)
    tiny = torch.finfo(length.dtype).tiny
    along = mean * ((direction * mean).sum(axes, keepdim=True) / length.clamp(min=tiny))
    return along + keep * (direction - along)


def time_axis(latents: Tensor) -> int:
    """The axis of frames."""
    return 0 if latents.ndim == 4 else 2


def _slope(gap: Tensor, axis: int, settings: TransferSettings) -> Tensor:
    """dL/dz: 2 w_m (z - z_source) + 2 w_c D' D (z - z_source)."""
    slope = settings.match_weight * gap
    if gap.shape[axis] > 1:
        change = settings.change_weight * gap.diff(dim=axis)
        edge = torch.zeros_like(change.narrow(axis, 0, 1))
        slope = slope - torch.cat([change, edge], axis) + torch.cat([edge, change], axis)
    return 2.0 * slope
