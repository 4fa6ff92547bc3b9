"""Completion: from scattered displacements to a displacement everywhere.

One stage of the draft, exchangeable by name (`COMPLETIONS`): points and their displacements go
in, a coarse dense field comes out. It knows nothing about pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from torch import Tensor

from ..fields.arrays import FloatArray
from ..fields.pull_push import spread_sums
from ..fields.similarity import fit_similarity
from ..geometry import Size
from ..progress import Progress
from ..tracks.model import Tracks
from .field import Field, cell_centres, field_grid
from .splat import splat_frame

NEGLIGIBLE_PX = 0.01

# What makes all of a draft itself: picture, tracks and progress to frames (H, W, 3) float32.
Drafter = Callable[[Tensor, Tracks, Progress], Iterator[Tensor]]
DRAFTERS: dict[str, Drafter] = {}


def register_drafter(name: str, drafter: Drafter) -> None:
    """Offer a name as `completion` whose displacements come from elsewhere, as from a model.

    The draft knows no models; `motion_core.models.lite` registers "learned" when it is imported.
    The drafter checks its input as draft() does. Raises ValueError for a name that means a
    completion already.
    """
    if name in COMPLETIONS:
        raise ValueError(f"{name!r} is a completion of the draft itself; choose another name.")
    DRAFTERS[name] = drafter


def complete(
    points: FloatArray,
    values: FloatArray,
    weights: FloatArray,
    canvas: Size,
    *,
    mode: str = "pull_push",
) -> Field:
    """The displacement everywhere on a canvas, from displacements at some points.

    The turn-zoom-shift that fits the points best is taken out first and put back last, so that a
    panned, turned or zoomed picture is completed exactly, also beyond the outermost point; what
    remains is spread by `mode`.

    points: (N, 2) pixels, N >= 1. values: (N, 2) pixels. weights: (N,) above zero; 1 is full
    trust. Raises ValueError for an unknown mode.
    """
    spread = COMPLETIONS[checked_completion(mode)]
    grid, cell = field_grid(canvas)
    trend = fit_similarity(points, values[None], weights[None].astype(np.float64))
    centres = cell_centres(grid, cell)
    field = trend.at(centres.reshape(-1, 2))[0].reshape(centres.shape)
    rest = values - trend.at(points)[0]
    if np.abs(rest).max() > NEGLIGIBLE_PX:
        field = field + spread(points / cell + 1, rest, weights, grid)
    return Field(field, cell)


def checked_completion(mode: str) -> str:
    """The name itself. Raises ValueError when no completion has that name."""
    if mode not in COMPLETIONS:
        known = ", ".join([*COMPLETIONS, *DRAFTERS])
        raise ValueError(f"completion must be one of: {known}; got {mode!r}.")
    return mode


def pull_push(
    points: FloatArray, values: FloatArray, weights: FloatArray, grid: Size
) -> FloatArray:
    """Scattered values spread over a grid, see `spread_sums`.

    points: (N, 2) in cells. values: (N, C). Returns (grid.height, grid.width, C) float32.
    """
    return spread_sums(splat_frame(points, values, weights, grid))


COMPLETIONS: dict[str, Callable[[FloatArray, FloatArray, FloatArray, Size], FloatArray]] = {
    "pull_push": pull_push
}
