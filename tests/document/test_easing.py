"""Easing against dense sampling of the curve itself and a root finder."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from motion_core.document import ease_value
from motion_core.document.easing import PRESETS

from .strategies import easings

SHARES = np.linspace(0, 1, 101)
HANDLES = [
    *PRESETS.values(),
    (0.0, 0.0, 1.0, 1.0),
    (0.25, 0.1, 0.25, 1.0),
    (0.68, -0.55, 0.265, 1.55),
    (0.0, 1.0, 0.0, 1.0),
    (1.0, 0.0, 1.0, 0.0),
    (0.9, 0.9, 0.05, -1.0),
]


def curve_point(handles: tuple, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parametric curve by repeated linear mixing (de Casteljau), not by polynomials."""
    corners = [np.array(corner) for corner in ((0, 0), handles[:2], handles[2:], (1, 1))]
    level = [np.broadcast_to(corner, (len(s), 2)) for corner in corners]
    while len(level) > 1:
        level = [a + s[:, None] * (b - a) for a, b in zip(level, level[1:], strict=False)]
    return level[0][:, 0], level[0][:, 1]


@pytest.mark.parametrize("handles", HANDLES)
def test_bezier_easing_lies_on_the_densely_sampled_curve(handles: tuple) -> None:
    x, y = curve_point(handles, np.linspace(0, 1, 200_001))
    np.testing.assert_allclose(ease_value(handles, SHARES), np.interp(SHARES, x, y), atol=2e-4)


@pytest.mark.parametrize("handles", HANDLES)
def test_bezier_easing_agrees_with_a_root_finder(handles: tuple) -> None:
    for share in SHARES[1:-1:7]:
        s = brentq(lambda s, at=share: curve_point(handles, np.array([s]))[0][0] - at, 0, 1)
        expected = curve_point(handles, np.array([s]))[1][0]
        assert ease_value(handles, float(share)) == pytest.approx(expected, abs=1e-9)


def test_presets_are_the_css_curves() -> None:
    # cubic-bezier(.42, 0, 1, 1) at one half: 0.3153568, its mirror image for ease-out.
    assert ease_value("ease_in", 0.5) == pytest.approx(0.3153568, abs=1e-7)
    assert ease_value("ease_out", 0.5) == pytest.approx(1 - 0.3153568, abs=1e-7)
    assert ease_value("ease_in_out", 0.5) == pytest.approx(0.5, abs=1e-12)
    np.testing.assert_allclose(
        ease_value("ease_out", SHARES), 1 - ease_value("ease_in", 1 - SHARES), atol=1e-12
    )


def test_linear_is_the_identity_bit_for_bit() -> None:
    np.testing.assert_array_equal(ease_value("linear", SHARES), SHARES)


def test_overshoot_leaves_the_unit_interval_only_between_the_ends() -> None:
    eased = ease_value((0.5, -1.0, 0.5, 2.0), SHARES)
    assert eased.min() < -0.1
    assert eased.max() > 1.1
    assert (eased[0], eased[-1]) == (0.0, 1.0)


def test_numbers_give_numbers_and_arrays_keep_their_shape() -> None:
    assert isinstance(ease_value("ease_in", 0.3), float)
    assert ease_value("ease_in", np.zeros((3, 2))).shape == (3, 2)
    assert ease_value("ease_in", np.zeros(0)).shape == (0,)


@given(easings(), st.floats(-5, 5))
def test_ends_are_exact_and_outside_is_clamped(easing: object, u: float) -> None:
    value = ease_value(easing, u)
    assert np.isfinite(value)
    if u <= 0 or u >= 1:
        assert value == float(u >= 1)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_without_overshooting_handles_easing_never_runs_back(x1, y1, x2, y2) -> None:
    if y1 > y2:
        y1, y2 = y2, y1
    assert (np.diff(ease_value((x1, y1, x2, y2), SHARES)) >= -1e-9).all()


@pytest.mark.parametrize(
    "easing", ["bounce", (0.1, 0.2, 0.3), (-0.1, 0, 1, 1), (0, 0, 1.1, 1), (0, float("nan"), 1, 1)]
)
def test_refuses_what_is_no_easing(easing: object) -> None:
    with pytest.raises(ValueError, match="easing"):
        ease_value(easing, 0.5)
