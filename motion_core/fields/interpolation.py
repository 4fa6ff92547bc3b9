"""Interpolation of scattered displacements: rest, nearest track, Gaussian falloff, thin plate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..geometry import Size
from ..images import check_image
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .arrays import FloatArray
from .motion_field import MotionField, resting_field
from .scattered import GRID, Handles, ScatteredDensifier, in_portions, squared_distances

# Handles beyond which the plate at a place is fitted to so many nearest ones.
MOST_GLOBAL, LOCAL = 512, 64


@dataclass(frozen=True)
class Rest:
    """A Densifier that ignores its tracks and returns a field at rest.

    Attributes:
        grid: columns and rows of the field.
    """

    grid: Size = GRID

    def __call__(self, image: Tensor, tracks: Tracks, progress: Progress = silent) -> MotionField:
        """See Densifier."""
        check_image(image, canvas=tracks.size)
        return resting_field(tracks.num_frames, self.grid, tracks.size)


@dataclass(frozen=True)
class NearestTrack(ScatteredDensifier):
    """Every place moves as the track that starts nearest."""

    def spread(self, handles: Handles, image: Tensor, progress: Progress = silent) -> FloatArray:
        """See ScatteredDensifier.spread."""

        def nearest(places: FloatArray) -> FloatArray:
            return handles.shifts[squared_distances(places, handles.points).argmin(axis=1)]

        return in_portions(self.places(handles), nearest, progress)


@dataclass(frozen=True)
class GaussianFalloff(ScatteredDensifier):
    """A Gaussian-weighted mean of the tracks, never beyond their own displacement.

    Attributes:
        sigma_frac: standard deviation of the falloff, as a fraction of the canvas's short side.
    """

    sigma_frac: float = 0.16

    def spread(self, handles: Handles, image: Tensor, progress: Progress = silent) -> FloatArray:
        """See ScatteredDensifier.spread."""
        sigma = self.sigma_frac * handles.size.short_side

        def mean(places: FloatArray) -> FloatArray:
            weight = np.exp(-0.5 * squared_distances(places, handles.points) / sigma**2)
            return weight @ handles.shifts / np.maximum(weight.sum(1, keepdims=True), 1)

        return in_portions(self.places(handles), mean, progress)


@dataclass(frozen=True)
class ThinPlate(ScatteredDensifier):
    """The smoothest surface through the displacements (Bookstein, "Principal Warps", 1989).

    Fewer than three different positions determine no plane; then the nearest track is used.

    Attributes:
        smoothing: 0 interpolates every handle; larger values trade that for smoothness.
    """

    smoothing: float = 0.0

    def spread(self, handles: Handles, image: Tensor, progress: Progress = silent) -> FloatArray:
        """See ScatteredDensifier.spread."""
        from scipy.interpolate import RBFInterpolator

        points, shifts = _merged(handles.points, handles.shifts)
        if np.linalg.matrix_rank(points - points[:1], tol=1e-3) < 2:
            return NearestTrack(self.grid).spread(handles, image, progress)
        scale = handles.size.short_side
        near = None if len(points) <= MOST_GLOBAL else LOCAL
        surface = RBFInterpolator(points / scale, shifts, smoothing=self.smoothing, neighbors=near)
        return in_portions(self.places(handles) / scale, surface, progress)


def _merged(points: FloatArray, shifts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Replaces handles at one position by their mean, because no surface passes through both."""
    places, which, counts = np.unique(
        points.round(3), axis=0, return_inverse=True, return_counts=True
    )
    sums = np.zeros((len(places), shifts.shape[1]))
    np.add.at(sums, which.reshape(-1), shifts)
    return places, sums / counts[:, None]
