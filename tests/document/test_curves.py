"""Curves against the Barry-Goldman pyramid in plain loops, lengths against quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from motion_core.document import make_line
from motion_core.errors import ShapeError

WAVE = np.array([[30.0, 40.0], [180.0, 400.0], [330.0, 60.0], [480.0, 380.0], [500.0, 300.0]])


def barry_goldman(points: np.ndarray, piece: int, v: float) -> np.ndarray:
    """Centripetal Catmull-Rom between points piece and piece + 1, by the published pyramid."""
    first, last = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    p = np.concatenate([[first], points, [last]])[piece : piece + 4]
    t = [0.0]
    for a, b in zip(p, p[1:], strict=False):
        t.append(t[-1] + math.sqrt(math.dist(a, b)))
    at = t[1] + v * (t[2] - t[1])

    def mix(low: int, high: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a * (t[high] - at) + b * (at - t[low])) / (t[high] - t[low])

    a1, a2, a3 = (mix(i, i + 1, p[i], p[i + 1]) for i in range(3))
    return mix(1, 2, mix(0, 2, a1, a2), mix(1, 3, a2, a3))


def dense(points: np.ndarray, per_piece: int = 4000) -> np.ndarray:
    shares = np.arange(per_piece) / per_piece
    along = [barry_goldman(points, i, v) for i in range(len(points) - 1) for v in shares]
    return np.array([*along, points[-1]])


def distance_to(trail: np.ndarray, at: np.ndarray) -> float:
    return float(np.sqrt(((trail[None] - at[:, None]) ** 2).sum(-1)).min(1).max())


@pytest.fixture(scope="module")
def trail() -> np.ndarray:
    return dense(WAVE)


def test_straight_lines_are_measured_exactly() -> None:
    line = make_line(np.array([[0, 0], [30, 40], [30, 140]]), "linear")
    np.testing.assert_allclose(line.point_lengths, [0, 50, 150])
    np.testing.assert_allclose(
        line.at(np.array([0, 25, 50, 100, 150.0])),
        [[0, 0], [15, 20], [30, 40], [30, 90], [30, 140]],
    )


def test_recorded_and_linear_are_the_same_line() -> None:
    s = np.linspace(-10, 2000, 50)
    np.testing.assert_array_equal(
        make_line(WAVE, "recorded").at(s), make_line(WAVE, "linear").at(s)
    )


def test_smooth_curve_lies_on_the_published_pyramid(trail: np.ndarray) -> None:
    line = make_line(WAVE, "catmull_rom")
    assert distance_to(trail, line.at(np.linspace(0, line.length, 97))) < 0.2


def test_smooth_curve_passes_through_its_points_at_their_lengths() -> None:
    line = make_line(WAVE, "catmull_rom")
    np.testing.assert_allclose(line.at(line.point_lengths), WAVE, atol=1e-9)


def test_each_piece_has_the_length_of_quadrature() -> None:
    def speed(v: float, piece: int) -> float:
        step = 1e-5
        ahead = barry_goldman(WAVE, piece, v + step) - barry_goldman(WAVE, piece, v - step)
        return float(np.hypot(*ahead)) / (2 * step)

    lengths = [quad(speed, 0, 1, args=(piece,), limit=200)[0] for piece in range(len(WAVE) - 1)]
    found = np.diff(make_line(WAVE, "catmull_rom").point_lengths)
    np.testing.assert_allclose(found, lengths, rtol=5e-4)


def test_speed_along_the_curve_is_constant(trail: np.ndarray) -> None:
    line = make_line(WAVE, "catmull_rom")
    lengths = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(trail, axis=0).T))])
    even = np.linspace(0, lengths[-1], 60)
    expected = np.stack([np.interp(even, lengths, trail[:, axis]) for axis in (0, 1)], axis=1)
    found = line.at(np.linspace(0, line.length, 60))
    assert np.abs(found - expected).max() < 5e-4 * line.length


def test_a_smooth_curve_through_points_of_one_straight_line_stays_straight() -> None:
    points = np.array([[0, 0], [10, 5], [200, 100], [210, 105.0]])
    at = make_line(points, "catmull_rom").at(np.linspace(0, 240, 30))
    np.testing.assert_allclose(at[:, 1], at[:, 0] / 2, atol=1e-9)


def test_centripetal_spacing_makes_no_loop_at_uneven_points() -> None:
    # A close pair inside a long run: uniform Catmull-Rom overshoots backwards here.
    points = np.array([[0, 0], [100, 0], [101, 1], [200, 100.0]])
    at = make_line(points, "catmull_rom").at(np.linspace(0, 250, 500))
    assert (np.diff(at[:, 0]) > 0).all()


def test_beyond_its_ends_a_line_goes_straight_on() -> None:
    for curve in ("linear", "catmull_rom"):
        line = make_line(np.array([[0, 0], [30, 40], [30, 140.0]]), curve)
        at = line.at(np.array([-5.0, line.length + 7.0]))
        np.testing.assert_allclose(at, [[-3, -4], [30, 147]], atol=1e-9)


@pytest.mark.parametrize("curve", ["recorded", "linear", "catmull_rom"])
def test_one_point_and_repeated_points(curve: str) -> None:
    alone = make_line(np.array([[7.0, 8.0]]), curve)
    np.testing.assert_array_equal(alone.at(np.array([-1.0, 0.0, 3.0])), [[7, 8]] * 3)
    same = make_line(np.array([[7.0, 8.0]] * 4), curve)
    np.testing.assert_array_equal(same.at(np.array([0.0, 3.0])), [[7, 8]] * 2)
    doubled = make_line(np.repeat(WAVE, [1, 3, 1, 2, 2], axis=0), curve)
    once = make_line(WAVE, curve)
    s = np.linspace(-5, once.length + 5, 40)
    np.testing.assert_allclose(doubled.at(s), once.at(s), atol=1e-9)
    np.testing.assert_allclose(
        doubled.point_lengths, np.repeat(once.point_lengths, [1, 3, 1, 2, 2])
    )


def test_two_smooth_points_are_a_straight_line() -> None:
    line = make_line(np.array([[0, 0], [30, 40.0]]), "catmull_rom")
    assert line.length == pytest.approx(50)
    np.testing.assert_allclose(line.at(np.array([20.0])), [[12, 16]], atol=1e-9)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=12),
    st.sampled_from(["linear", "catmull_rom"]),
)
def test_any_line_is_finite_ordered_and_never_shorter_than_its_chords(points, curve) -> None:
    line = make_line(np.array(points), curve)
    assert np.isfinite(line.at(np.linspace(-10, line.length + 10, 20))).all()
    assert (np.diff(line.point_lengths) >= 0).all()
    chords = sum(math.dist(a, b) for a, b in zip(points, points[1:], strict=False))
    assert line.length >= chords * (1 - 1e-9) - 1e-5


@pytest.mark.parametrize("shape", [(0, 2), (3,), (4, 3)])
def test_refuses_what_is_no_list_of_points(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="a line needs points"):
        make_line(np.zeros(shape), "linear")
