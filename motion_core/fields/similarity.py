"""Least-squares similarities (rotation, zoom and shift) of scattered displacements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrays import BoolArray, FloatArray

ComplexArray = NDArray[np.complex128]
DoubleArray = NDArray[np.float64]

ROBUST_ROUNDS = 8
MOST_SAMPLES = 512


@dataclass(frozen=True, eq=False)
class Similarity:
    """Displacement(point) = shift + turn * (point - centre), in complex numbers, per frame.

    Attributes:
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

    Args:
        points: (N, 2).
        moved: (T, N, 2) displacements.
        weights: (T, N); a frame without weight gets no motion.
    """
    place, value = _complex(points), _complex(moved)
    weight = weights / np.maximum(weights.sum(1, keepdims=True), 1e-12)
    centre = (weight * place).sum(1, keepdims=True)
    shift = (weight * value).sum(1, keepdims=True)
    offset = place - centre
    # A ridge of a thousandth of a square pixel: points on one spot define no rotation.
    spread = (weight * np.abs(offset) ** 2).sum(1, keepdims=True) + 1e-3
    turn = (weight * np.conj(offset) * (value - shift)).sum(1, keepdims=True) / spread
    return Similarity(centre, shift, turn)


def fit_common(
    points: FloatArray, moved: FloatArray, visible: BoolArray, confidence: FloatArray
) -> FloatArray:
    """The motion that most of the points share.

    Iteratively reweighted fits with Cauchy weights and the median deviation as scale, to at most
    MOST_SAMPLES of the points.

    Args:
        points: (N, 2).
        moved: (T, N, 2) displacements.
        visible: (T, N) bool.
        confidence: (N,) weight of each point.

    Returns:
        (T, N, 2) displacements of all points.
    """
    subset = slice(None, None, -(-len(points) // MOST_SAMPLES))
    place, shift = points[subset], moved[:, subset]
    weights = visible[:, subset] * (confidence[subset].astype(np.float64) + 1e-9)
    fit = fit_similarity(place, shift, weights)
    for _ in range(ROBUST_ROUNDS):
        off = np.sqrt(((shift - fit.at(place)) ** 2).sum(-1)).astype(np.float64)
        scale = np.maximum(_weighted_median(off, weights), 0.25)
        fit = fit_similarity(place, shift, weights / (1 + (off / scale) ** 2))
    return fit.at(points)


def _weighted_median(values: DoubleArray, weights: DoubleArray) -> DoubleArray:
    order = np.argsort(values, axis=1)
    mass = np.cumsum(np.take_along_axis(weights, order, 1), axis=1)
    middle = (mass >= 0.5 * mass[:, -1:]).argmax(axis=1)[:, None]
    return np.take_along_axis(values, np.take_along_axis(order, middle, 1), 1)


def _complex(xy: FloatArray) -> ComplexArray:
    return xy[..., 0].astype(np.float64) + 1j * xy[..., 1].astype(np.float64)
