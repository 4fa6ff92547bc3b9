"""Golden numbers checked against hand computation and scipy, so that they prove something."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import BPoly
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation, Slerp

from .collect import FOLDER


@cache
def golden(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))["cases"]


def case(file: str, name: str) -> dict[str, Any]:
    (found,) = [found for found in golden(file) if found["name"] == name]
    return found


CSS = {"ease_in": [0.42, 0, 1, 1], "ease_out": [0, 0, 0.58, 1], "ease_in_out": [0.42, 0, 0.58, 1],
       "linear": [1 / 3, 1 / 3, 2 / 3, 2 / 3]}  # fmt: skip


def css_ease(easing: Any, u: float) -> float:
    """cubic-bezier() of CSS through scipy's Bernstein polynomials and root finder."""
    x1, y1, x2, y2 = CSS.get(easing, easing) if isinstance(easing, str) else easing
    if not 0 < u < 1:
        return float(u >= 1)
    x, y = (BPoly(np.array([[0], [a], [b], [1]]), [0, 1]) for a, b in ((x1, x2), (y1, y2)))
    return float(y(brentq(lambda s: float(x(s)) - u, 0, 1, xtol=1e-15)))


@pytest.mark.parametrize("found", golden("easing.json"), ids=lambda c: c["name"])
def test_easing_tables_are_css(found: dict[str, Any]) -> None:
    expected = [css_ease(found["easing"], u) for u in found["u"]]
    # Where the curve is vertical the answer itself is only defined to the cube root of rounding.
    np.testing.assert_allclose(found["expected"], expected, atol=2e-5)
    if found["easing"] != [1.0, 0.0, 0.0, 1.0]:
        np.testing.assert_allclose(found["expected"], expected, atol=1e-8)


def test_right_angle_by_hand() -> None:
    found = case("curves.json", "right angle, linear")
    assert found["point_lengths"] == [0, 50, 150]
    assert found["expected"][0] == [-3, -4]  # 5 px before the start, along (3, 4) / 5
    assert found["expected"][1] == [0, 0]
    assert found["expected"][5] == [30, 40]  # 4 twelfths of 150 px
    assert found["expected"][9] == [30, 90]
    assert found["expected"][-1] == [30, 145]


def test_close_pair_curve_is_the_published_pyramid() -> None:
    found = case("curves.json", "close pair, catmull_rom")
    trail = np.concatenate([pyramid_piece(np.array(found["points"], float), i) for i in range(3)])
    steps = np.hypot(*np.diff(trail, axis=0).T)
    lengths = np.concatenate([[0], np.cumsum(steps)])
    assert found["length"] == pytest.approx(lengths[-1], rel=1e-4)
    even = np.linspace(0, lengths[-1], 13)
    expected = np.stack([np.interp(even, lengths, trail[:, axis]) for axis in (0, 1)], axis=1)
    np.testing.assert_allclose(found["expected"][1:-1], expected, atol=0.05)


def pyramid_piece(points: np.ndarray, piece: int) -> np.ndarray:
    """One centripetal Catmull-Rom piece by Neville's scheme of Barry and Goldman."""
    p = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    p = p[piece : piece + 4]
    knots = np.cumsum([0.0, *(math.sqrt(math.dist(a, b)) for a, b in zip(p, p[1:], strict=False))])
    at = np.linspace(knots[1], knots[2], 5001)[:, None]
    level = [np.broadcast_to(corner, (len(at), 2)) for corner in p]
    for low, high in (([0, 1, 2], [1, 2, 3]), ([0, 1], [2, 3]), ([1], [2])):
        level = [
            (a * (knots[j] - at) + b * (at - knots[i])) / (knots[j] - knots[i])
            for a, b, i, j in zip(level, level[1:], low, high, strict=False)
        ]
    return level[0]


def test_recorded_path_is_interpolation_in_time() -> None:
    found = case("paths.json", "recorded points, recorded, linear, whole clip, 9 frames")
    t, x, y = np.array(found["path"]["points"], dtype=float).T
    frames = np.arange(9) / 8
    expected = [np.interp(frames, t, x * 640), np.interp(frames, t, y * 640)]
    np.testing.assert_allclose(np.transpose(found["xy"]), expected, atol=1e-8)


def test_untimed_path_has_even_steps_on_the_canvas_drawn_on() -> None:
    found = case("paths.json", "outside points, linear, linear, whole clip, 9 frames")
    expected = [[-320 + 160 * i, 128 + 48 * i] for i in range(9)]
    np.testing.assert_allclose(found["xy"], expected, atol=1e-8)


def test_window_and_absence_by_hand() -> None:
    found = case("paths.json", "mixed points, linear, ease_in, absent, 9 frames")
    assert found["present"] == [False, False, True, True, True, True, True, False, False]
    assert found["xy"][:3] == [[64, 128]] * 3
    assert found["xy"][6:] == [[640, 640]] * 3
    # Half way through the window ease-in has done 0.3153568, just after the point timed 0.3.
    u = css_ease("ease_in", 0.5)
    pixels = np.array([[0.15, 0.6], [0.5, 0.3], [0.8, 0.9]]) * [832, 480]
    first, second = np.hypot(*np.diff(pixels, axis=0).T)
    s = (u - 0.3) / 0.3 * (first + second)
    assert s < first
    expected = (pixels[0] + s / first * (pixels[1] - pixels[0])) * [640 / 832, 640 / 480]
    np.testing.assert_allclose(found["xy"][4], expected, atol=1e-7)


def test_region_journey_against_spherical_interpolation_and_geometric_zoom() -> None:
    found = case("regions.json", "journey, linear, whole clip, 9 frames")
    keys = found["region"]["keys"]
    times = [key["t"] for key in keys]
    at = np.clip(np.arange(9) / 8, times[0], times[-1])
    angles = np.array([[key.get("rotate_deg", 0)] for key in keys])
    turns = Slerp(times, Rotation.from_euler("z", angles, degrees=True))(at)
    apart = np.array(found["rotate_deg"]) - turns.as_euler("xyz", degrees=True)[:, 2]
    np.testing.assert_allclose((apart + 180) % 360 - 180, 0, atol=1e-7)
    zooms = [np.log2(key.get("scale", 1)) for key in keys]
    np.testing.assert_allclose(found["scale"], np.exp2(np.interp(at, times, zooms)), atol=1e-8)
    shift = [np.interp(at, times, [key.get(name, 0) * side for key in keys])
             for name, side in (("dx", 640), ("dy", 480))]  # fmt: skip
    np.testing.assert_allclose(np.transpose(found["shift"]), shift, atol=1e-8)


def test_region_turns_by_hand() -> None:
    north = case("regions.json", "across north, linear, whole clip, 9 frames")
    np.testing.assert_allclose(north["rotate_deg"], 350 + 2.5 * np.arange(9), atol=1e-9)
    half = case("regions.json", "half turn, linear, whole clip, 9 frames")
    assert half["rotate_deg"] == [0, 45, 90, 135, 180, 135, 90, 45, 0]
    turns = case("regions.json", "three turns, linear, whole clip, 9 frames")
    assert turns["rotate_deg"] == [30] * 9
    jump = case("regions.json", "jump, linear, whole clip, 9 frames")
    np.testing.assert_allclose(np.array(jump["shift"])[:, 0],
                               [0, 16, 32, 48, 384, 288, 192, 96, 0], atol=1e-9)  # fmt: skip


def test_document_layers_by_hand() -> None:
    still = case("documents.json", "head turn, 1 frames of 64x64")["layers"]
    np.testing.assert_allclose(still[0]["xy"], [[25.6, 22.4]], atol=1e-9)
    assert still[1]["present"] == [False]  # the drag starts later and is absent before
    assert still[2] is None
    grab = case("documents.json", "balloon, 5 frames of 832x480")["layers"][2]
    expected = [[416 + 41.6 * i, 240 - 6 * i] for i in range(5)]
    np.testing.assert_allclose(grab["xy"], expected, atol=1e-8)
    assert case("documents.json", "empty, 9 frames of 480x832")["layers"] == []
