"""The closed-form fit of the control encoder: a similarity per cell and frame."""

from __future__ import annotations

import torch
from torch import Tensor

# The weight of a frame in which no track nearby is visible.
LEAST_WEIGHT = 1e-3


def similarity_fit(
    weights: Tensor, moments: Tensor, at: Tensor, ridge: Tensor
) -> tuple[Tensor, Tensor]:
    """Moving least squares: displacements of places under the similarity that fits the tracks best.

    For each place, head and frame, the a, b, shift that minimise
    sum_n w_n |shift + [[a, -b], [b, a]] (x_n - m) - d_n|^2 + ridge * sum_n w_n * (a^2 + b^2),
    m the weighted mean of x_n, evaluated at the place (Schaefer et al., "Image Deformation Using
    Moving Least Squares", 2006, section 2.2, with displacements for positions and a ridge).

    Args:
        weights: (B, H, M, N) of each track for each place.
        moments: (B, N, 8, T) from track_moments.
        at: (B, M, 2) places.
        ridge: (H,) positive.

    Returns:
        Displacements (B, H, M, T, 2), and the confidence-weighted sum of the weights
        (B, H, M, T), 0..1.
    """
    batch, heads, places, tracks = weights.shape
    frames = moments.shape[-1]
    values = moments.reshape(batch, 1, tracks, 8 * frames)
    sums = (weights @ values).view(batch, heads, places, 8, frames)
    coverage = sums[..., 0, :]
    mean_x, mean_y, square, shift_x, shift_y, dot, cross = (
        sums[..., 1:, :] / coverage.clamp(min=LEAST_WEIGHT).unsqueeze(-2)
    ).unbind(dim=-2)
    spread = (square - mean_x**2 - mean_y**2).clamp(min=0) + ridge.view(1, heads, 1, 1)
    grow = (dot - mean_x * shift_x - mean_y * shift_y) / spread
    turn = (cross - mean_x * shift_y + mean_y * shift_x) / spread
    right = at[:, None, :, :1] - mean_x
    down = at[:, None, :, 1:] - mean_y
    across = shift_x + grow * right - turn * down
    along = shift_y + turn * right + grow * down
    return torch.stack([across, along], dim=-1), coverage


def track_moments(start: Tensor, displacement: Tensor, confidence: Tensor) -> Tensor:
    """The terms that similarity_fit sums over tracks: (B, N, 8, T).

    Args:
        start: (B, N, 2) positions in frame 0.
        displacement: (B, N, T, 2) from there.
        confidence: (B, N, T) 0..1.
    """
    x, y = start[..., :1], start[..., 1:]
    dx, dy = displacement.unbind(dim=-1)
    terms = [torch.ones_like(dx), x.expand_as(dx), y.expand_as(dx), (x * x + y * y).expand_as(dx)]
    terms += [dx, dy, x * dx + y * dy, x * dy - y * dx]
    return torch.stack(terms, dim=2) * confidence.unsqueeze(2)
