"""Image deformation by moving least squares (Schaefer, McPhail and Warren 2006), similarities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..progress import Progress, silent
from .arrays import FloatArray
from .scattered import Handles, ScatteredDensifier, in_portions

# Squared distances are floored here, pixels: at a handle its weight is large, not infinite.
LEAST_SQUARE_PX = 1e-6
# Handles on one spot determine no rotation: this is added to their mean squared distance, pixels.
RIDGE_PX = 1e-9


@dataclass(frozen=True)
class MovingLeastSquares(ScatteredDensifier):
    """Every place moves by the similarity that fits the handles best, weighted by nearness.

    The weight of a handle at distance d is d^(-2 falloff) (section 2). The field interpolates the
    handles and reproduces a motion that is one similarity of the whole picture exactly.

    Attributes:
        falloff: the exponent alpha of the weights; larger values make handles more local.
    """

    falloff: float = 1.0

    def spread(self, handles: Handles, image: Tensor, progress: Progress = silent) -> FloatArray:
        """See ScatteredDensifier.spread."""
        return moving_least_squares(handles, self.places(handles), self.falloff, progress)


def moving_least_squares(
    handles: Handles, places: FloatArray, falloff: float, progress: Progress = silent
) -> FloatArray:
    """Displacements by the similarity deformation of section 2.2.

    In complex numbers, with p* and d* the weighted means of the handles' positions p and
    displacements d, a place v moves by d* + b (v - p*) where
    b = sum w conj(p - p*) (d - d*) / sum w |p - p*|^2, which is the paper's Eq. 6.

    Args:
        handles: N of them.
        places: (M, 2) pixels.
        falloff: the exponent alpha of the weights d^(-2 alpha).
        progress: called every few hundred places.

    Returns:
        (M, T * 2) float64 pixels.
    """
    points = handles.points @ [1, 1j]
    shifts = handles.shifts.reshape(len(points), -1, 2) @ [1, 1j]

    def deformed(part: FloatArray) -> FloatArray:
        return _deformed(points, shifts, part, falloff)

    moved = in_portions(places @ [1, 1j], deformed, progress)
    return np.stack([np.real(moved), np.imag(moved)], axis=-1).reshape(len(places), -1)


def _deformed(
    points: FloatArray, shifts: FloatArray, places: FloatArray, falloff: float
) -> FloatArray:
    """(M, T) complex: displacements of places (M,) by handles at points (N,) with shifts (N, T)."""
    square = np.maximum(np.abs(points - places[:, None]) ** 2, LEAST_SQUARE_PX)
    # Relative to the nearest handle: no overflow whatever the exponent.
    weight = (square.min(axis=1, keepdims=True) / square) ** falloff
    weight /= weight.sum(axis=1, keepdims=True)
    mean_point = weight @ points
    mean_shift = weight @ shifts
    arm = points - mean_point[:, None]
    lever = weight * arm.conj()
    spread = (lever * arm).real.sum(axis=1) + RIDGE_PX
    turn = (lever @ shifts - lever.sum(axis=1, keepdims=True) * mean_shift) / spread[:, None]
    return mean_shift + turn * (places - mean_point)[:, None]
