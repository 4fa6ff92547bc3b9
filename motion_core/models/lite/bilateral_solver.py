"""Doubtful places lean on their neighbours, along the picture's own edges."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

# How strongly neighbours of the same colour pull, against a place whose confidence is one half:
# little, for the field is better than its surroundings wherever it is not in great doubt. Chosen
# on validation scenes: better with few tracks and at borders, no worse with many.
PULL = 0.05
# Colours that differ by this much, L of CIELAB in 0..1, are hardly neighbours any more; some pull
# is left between any two, so that no place is ever alone.
COLOUR_SIGMA, LEAST_PULL = 0.04, 0.001
# Squared odds of confidence are kept within this and its inverse.
MOST_ODDS = 1e3
# Conjugate gradients stop when no place would go farther than this, or after so many rounds.
PRECISION_PX, MOST_ROUNDS = 1e-3, 150


def smooth_edge_aware(displacement: Tensor, confidence: Tensor, colours: Tensor) -> Tensor:
    """The displacements (T, G, G, 2) that agree best with the confident places and with each other.

    confidence: (G, G) 0..1. colours: (G, G, 3) CIELAB of the cells, L in 0..1.
    Minimises sum_i o_i^2 |u_i - u0_i|^2 + PULL sum_ij w_ij |u_i - u_j|^2 over neighbours i, j,
    where o = c / (1 - c) are the odds of the confidence and w_ij = exp(-|colour_i - colour_j|^2 /
    2 s^2): the confidence-weighted smoothing of the bilateral solver (Barron and Poole 2016, Eq. 2)
    on the grid. Motion that is the same all around, and places with full confidence, stay.
    """
    frames, grid = displacement.shape[:2]
    given = displacement.permute(0, 3, 1, 2).reshape(2 * frames, grid, grid)
    odds = (confidence / (1 - confidence).clamp(min=1e-9)).square()
    odds = odds.clamp(1 / MOST_ODDS, MOST_ODDS)
    pulls = (_pull(colours, 1), _pull(colours, 0))
    solved = _solve(given, odds, pulls)
    return solved.view(frames, 2, grid, grid).permute(0, 2, 3, 1).contiguous()


def cell_colours(picture: Tensor, grid: int) -> Tensor:
    """(G, G, 3) CIELAB, L in 0..1, of a picture as lite's networks read it, (1, 3, 4G, 4G)."""
    import cv2

    pixels = ((picture[0] + 1) / 2).permute(1, 2, 0).cpu().numpy()
    lab = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB) * np.float32(0.01)
    planes = torch.from_numpy(lab).permute(2, 0, 1)[None]
    small = functional.interpolate(planes, (grid, grid), mode="area")
    return small[0].permute(1, 2, 0).to(picture.device)


def _pull(colours: Tensor, axis: int) -> Tensor:
    """Between neighbours along an axis: (G, G - 1) along the rows (1), (G - 1, G) down (0)."""
    apart = colours.diff(dim=axis).square().sum(dim=-1)
    return PULL * (torch.exp(-apart / (2 * COLOUR_SIGMA**2)) + LEAST_PULL)


def _solve(given: Tensor, odds: Tensor, pulls: tuple[Tensor, Tensor]) -> Tensor:
    """Conjugate gradients with Jacobi's preconditioner, all planes (K, G, G) at once."""
    across, down = pulls
    total = odds + functional.pad(across, (1, 0)) + functional.pad(across, (0, 1))
    total = total + functional.pad(down, (0, 0, 1, 0)) + functional.pad(down, (0, 0, 0, 1))

    def applied(u: Tensor) -> Tensor:
        out = total * u
        out[:, :, 1:] -= across * u[:, :, :-1]
        out[:, :, :-1] -= across * u[:, :, 1:]
        out[:, 1:] -= down * u[:, :-1]
        out[:, :-1] -= down * u[:, 1:]
        return out

    def dot(one: Tensor, other: Tensor) -> Tensor:
        return (one * other).sum(dim=(1, 2), keepdim=True)

    solved, rest = given, odds * given - applied(given)
    step = rest / total
    power = dot(rest, step)
    for _ in range(MOST_ROUNDS):
        if float((rest / total).abs().max()) < PRECISION_PX:
            break
        ahead = applied(step)
        share = power / dot(step, ahead).clamp(min=1e-30)
        solved, rest = solved + share * step, rest - share * ahead
        before, power = power, dot(rest, rest / total)
        step = rest / total + power / before.clamp(min=1e-30) * step
    return solved
