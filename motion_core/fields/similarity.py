"""The turn-zoom-shift that best explains scattered displacements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrays import BoolArray, FloatArray

ComplexArray = NDArray[np.complex128]
DoubleArray = NDArray[np.float64]

ROBUST_ROUNDS = 8
MOST_VOTERS = 512


@dataclass(frozen=True, eq=False)
class Similarity:
    """Displacement(point) = shift + turn * (point - centre), in complex numbers, per frame.

    centre, shift, turn: (T, 1).
    """

    centre: ComplexArray
    shift: ComplexArray
    turn: ComplexArray

    def at(self, points: FloatArray) -> FloatArray:
        """(T, N, 2) float32 displacements of points (N, 2)."""
        value = self.shift + self.turn * (_complex(points) - self.centre)
        return np.stack([value.real, value.imag], axis=-1).astype(np.float32)


def fit_similarity(points: FloatArray, moved: FloatArray, weights: DoubleArray) -> Similarity:
    """Weighted least squares for every frame on its own.

    points: (N, 2). moved: (T, N, 2) displacements. weights: (T, N); a frame that weighs nothing
    gets no motion.
    """
    place, value = _complex(points), _complex(moved)
    share = weights / np.maximum(weights.sum(1, keepdims=True), 1e-12)
    centre = (share * place).sum(1, keepdims=True)
    shift = (share * value).sum(1, keepdims=True)
    arm = place - centre
    # A thousandth of a square pixel of doubt: points on one spot must not invent a rotation.
    spread = (share * np.abs(arm) ** 2).sum(1, keepdims=True) + 1e-3
    turn = (share * np.conj(arm) * (value - shift)).sum(1, keepdims=True) / spread
    return Similarity(centre, shift, turn)


def fit_common(
    points: FloatArray, moved: FloatArray, seen: BoolArray, trust: FloatArray
) -> FloatArray:
    """The motion most of the points share, as displacements of all of them: (T, N, 2).

    Repeated fits in which points far from the last one count for little (Cauchy weights with the
    median deviation as scale), by at most MOST_VOTERS of the points. trust: (N,), how much a point
    speaks for.
    """
    some = slice(None, None, -(-len(points) // MOST_VOTERS))
    place, shift = points[some], moved[:, some]
    votes = seen[:, some] * (trust[some].astype(np.float64) + 1e-9)
    fit = fit_similarity(place, shift, votes)
    for _ in range(ROBUST_ROUNDS):
        off = np.sqrt(((shift - fit.at(place)) ** 2).sum(-1)).astype(np.float64)
        scale = np.maximum(_weighted_median(off, votes), 0.25)
        fit = fit_similarity(place, shift, votes / (1 + (off / scale) ** 2))
    return fit.at(points)


def _weighted_median(values: DoubleArray, weights: DoubleArray) -> DoubleArray:
    order = np.argsort(values, axis=1)
    mass = np.cumsum(np.take_along_axis(weights, order, 1), axis=1)
    middle = (mass >= 0.5 * mass[:, -1:]).argmax(axis=1)[:, None]
    return np.take_along_axis(values, np.take_along_axis(order, middle, 1), 1)


def _complex(xy: FloatArray) -> ComplexArray:
    return xy[..., 0].astype(np.float64) + 1j * xy[..., 1].astype(np.float64)
