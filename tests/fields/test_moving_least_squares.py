"""Moving least squares against the paper's Eq. 4 solved by a general least-squares routine."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from motion_core.fields.moving_least_squares import moving_least_squares
from motion_core.fields.scattered import Handles
from motion_core.geometry import Size

Array = NDArray[np.float64]
SIZE = Size(200, 120)


def scattered(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform((0, 0), SIZE, (count, 2))


def similarity(points: Array) -> Array:
    """Displacements of a turn by 70 degrees, a zoom by 1.4 and a shift."""
    angle = np.deg2rad(70)
    matrix = 1.4 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points - [30, 50]) @ matrix.T + [40, 44] - points


def by_least_squares(handles: Handles, place: Array, falloff: float) -> Array:
    """The similarity x -> (a x - b y + s, b x + a y + t) of least weighted error, at a place."""
    p, q = handles.points, handles.points + handles.shifts
    root = np.linalg.norm(p - place, axis=1) ** -falloff
    zero, one = np.zeros(len(p)), np.ones(len(p))
    rows_x = np.stack([p[:, 0], -p[:, 1], one, zero], axis=1) * root[:, None]
    rows_y = np.stack([p[:, 1], p[:, 0], zero, one], axis=1) * root[:, None]
    matrix = np.concatenate([rows_x, rows_y])
    right = np.concatenate([q[:, 0] * root, q[:, 1] * root])
    a, b, s, t = np.linalg.lstsq(matrix, right, rcond=None)[0]
    x, y = place
    return np.array([a * x - b * y + s - x, b * x + a * y + t - y])


@pytest.mark.parametrize("falloff", [0.5, 1.0, 2.0])
def test_it_is_the_weighted_fit_of_a_similarity(falloff: float) -> None:
    rng = np.random.default_rng(1)
    handles = Handles(scattered(7), rng.normal(0, 10, (7, 2)), SIZE)
    places = scattered(40, seed=2)
    wanted = np.stack([by_least_squares(handles, place, falloff) for place in places])
    np.testing.assert_allclose(moving_least_squares(handles, places, falloff), wanted, atol=1e-5)


@pytest.mark.parametrize("falloff", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("count", [2, 30])
def test_one_similarity_of_the_whole_picture_is_exact(count: int, falloff: float) -> None:
    points, places = scattered(count), scattered(50, seed=3)
    handles = Handles(points, np.concatenate([similarity(points), 0 * points], axis=1), SIZE)
    moved = moving_least_squares(handles, places, falloff)
    np.testing.assert_allclose(moved[:, :2], similarity(places), atol=1e-4)
    np.testing.assert_allclose(moved[:, 2:], 0, atol=1e-9)


@pytest.mark.parametrize("falloff", [1.0, 2.0])
def test_it_passes_through_its_handles(falloff: float) -> None:
    points = scattered(12)
    shifts = np.random.default_rng(4).normal(0, 10, (12, 2))
    moved = moving_least_squares(Handles(points, shifts, SIZE), points, falloff)
    np.testing.assert_allclose(moved, shifts, atol=1e-3)


def test_one_handle_shifts_everything_and_handles_on_one_spot_do_not_turn() -> None:
    places = scattered(20, seed=5)
    for points in (scattered(1), np.full((3, 2), 50.0)):
        shifts = np.tile([[3.0, -4.0]], (len(points), 1))
        moved = moving_least_squares(Handles(points, shifts, SIZE), places, 1.0)
        np.testing.assert_allclose(moved, np.tile([[3.0, -4.0]], (20, 1)), atol=1e-6)
