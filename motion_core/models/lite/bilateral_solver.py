"""Edge-aware smoothing of motion where confidence is low."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

# Weight of a neighbour of the same colour, relative to a cell whose confidence is one half. It is
# small because a cell is better than its surroundings unless its confidence is very low. Chosen on
# validation scenes: better with few tracks and at borders, no worse with many.
SMOOTHNESS = 0.05
# Standard deviation of colour differences, L of CIELAB in 0..1, and the weight that is left between
# any two neighbours, so that no cell is isolated.
COLOUR_SIGMA, LEAST_AFFINITY = 0.04, 0.001
# Squared odds of confidence are kept within this and its inverse.
MOST_ODDS = 1e3


def smooth_edge_aware(displacement: Tensor, confidence: Tensor, colours: Tensor) -> Tensor:
    """Displacements smoothed along the picture's edges where confidence is low.

    Minimises sum_i o_i^2 |u_i - u0_i|^2 + SMOOTHNESS sum_ij w_ij |u_i - u_j|^2 over neighbours
    i, j, where o = c / (1 - c) are the odds of the confidence and
    w_ij = exp(-|colour_i - colour_j|^2 / 2 s^2): the confidence-weighted smoothing of the bilateral
    solver (Barron and Poole 2016, Eq. 2) on the grid. Uniform motion, and cells with full
    confidence, do not change.

    Args:
        displacement: (T, G, G, 2) pixels.
        confidence: (G, G) 0..1.
        colours: (G, G, 3) CIELAB of the cells, L in 0..1.

    Returns:
        (T, G, G, 2) pixels.
    """
    frames, grid = displacement.shape[:2]
    planes = displacement.permute(0, 3, 1, 2).reshape(2 * frames, grid, grid)
    odds = (confidence / (1 - confidence).clamp(min=1e-9)).square()
    odds = odds.clamp(1 / MOST_ODDS, MOST_ODDS)
    affinity = (_affinity(colours, 1), _affinity(colours, 0))
    solved = _solve(planes, odds, affinity)
    return solved.view(frames, 2, grid, grid).permute(0, 2, 3, 1).contiguous()


def cell_colours(picture: Tensor, grid: int) -> Tensor:
    """(G, G, 3) CIELAB, L in 0..1, of a picture as lite's networks read it, (1, 3, 4G, 4G)."""
    import cv2

    pixels = ((picture[0] + 1) / 2).permute(1, 2, 0).cpu().numpy()
    lab = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2LAB) * np.float32(0.01)
    planes = torch.from_numpy(lab).permute(2, 0, 1)[None]
    small = functional.interpolate(planes, (grid, grid), mode="area")
    return small[0].permute(1, 2, 0).to(picture.device)


def _affinity(colours: Tensor, axis: int) -> Tensor:
    """Weights between neighbours: (G, G - 1) along rows (axis 1), (G - 1, G) down columns (0)."""
    difference = colours.diff(dim=axis).square().sum(dim=-1)
    return SMOOTHNESS * (torch.exp(-difference / (2 * COLOUR_SIGMA**2)) + LEAST_AFFINITY)


def _solve(planes: Tensor, odds: Tensor, affinity: tuple[Tensor, Tensor]) -> Tensor:
    """The minimum for all planes (K, G, G): one sparse factorisation, in float64 on the CPU."""
    from scipy.sparse import coo_matrix, diags
    from scipy.sparse.linalg import splu

    grid = planes.shape[-1]
    cell = np.arange(grid * grid).reshape(grid, grid)
    first = np.concatenate([cell[:, :-1].ravel(), cell[:-1].ravel()])
    second = np.concatenate([cell[:, 1:].ravel(), cell[1:].ravel()])
    weight = np.concatenate([one.double().cpu().numpy().ravel() for one in affinity])
    ends = (np.concatenate([first, second]), np.concatenate([second, first]))
    neighbours = coo_matrix((np.concatenate([weight, weight]), ends)).tocsc()
    data = odds.double().cpu().numpy().ravel()
    system = diags(data + np.asarray(neighbours.sum(axis=1)).ravel()) - neighbours
    wanted = data[:, None] * planes.flatten(1).T.double().cpu().numpy()
    # The system is symmetric and positive definite, so its diagonal serves as pivots.
    options = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0}
    factor = splu(system.tocsc(), **options, options={"SymmetricMode": True})
    solved = torch.from_numpy(factor.solve(wanted)).to(planes)
    return solved.T.reshape(planes.shape)
