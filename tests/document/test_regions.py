"""Keyed regions at every frame: hand-computed cases, spherical interpolation, laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from motion_core.document import (
    RegionKey,
    RegionLayer,
    RegionMotion,
    Timing,
    ease_value,
    sample_region,
)
from motion_core.geometry import Size

from .strategies import region_keys, timings

SIZE = Size(200, 100)


def moved(*keys: RegionKey, frames: int = 5, **timing: object) -> RegionMotion:
    layer = RegionLayer("r", keys=keys, timing=Timing(**timing))
    return sample_region(layer, frames=frames, size=SIZE)


def test_shifts_are_pixels_of_the_canvas_and_straight_between_keys() -> None:
    found = moved(RegionKey(0), RegionKey(0.5, 0.1, 0.2), RegionKey(1, 0.1, -0.2))
    np.testing.assert_allclose(found.shift, [[0, 0], [10, 10], [20, 20], [20, 0], [20, -20]])


def test_before_the_first_and_after_the_last_key_the_region_rests() -> None:
    found = moved(RegionKey(0.25, 0.1, 0), RegionKey(0.75, 0.2, 0))
    np.testing.assert_allclose(found.shift[:, 0], [20, 20, 30, 40, 40])


def test_a_single_key_never_moves() -> None:
    found = moved(RegionKey(0.4, 0.1, 0.1, 30, 2))
    np.testing.assert_allclose(found.shift, [[20, 10]] * 5)
    np.testing.assert_allclose(found.rotate_deg, 30)
    np.testing.assert_allclose(found.scale, 2)


def test_zoom_goes_by_equal_ratios() -> None:
    found = moved(RegionKey(0, scale=0.25), RegionKey(1, scale=4))
    np.testing.assert_allclose(found.scale, [0.25, 0.5, 1, 2, 4])


@pytest.mark.parametrize(
    ("start", "end", "middle", "arrival"),
    [(0, 90, 45, 90), (350, 10, 360, 370), (10, 350, 0, -10), (0, 180, 90, 180),
     (0, -180, -90, -180), (0, 540, 90, 180), (0, 720, 0, 0), (-170, 170, -180, -190)],
)  # fmt: skip
def test_turns_take_the_shorter_arc(start: float, end: float, middle: float, arrival: float):
    found = moved(RegionKey(0, rotate_deg=start), RegionKey(1, rotate_deg=end), frames=3)
    np.testing.assert_allclose(found.rotate_deg, [start, middle, arrival], atol=1e-9)


def test_turns_agree_with_spherical_interpolation() -> None:
    angles = [20.0, 190.0, -30.0, 125.0, 300.0]
    times = [0.0, 0.2, 0.5, 0.6, 1.0]
    keys = [RegionKey(t, rotate_deg=a) for t, a in zip(times, angles, strict=True)]
    found = moved(*keys, frames=41).rotate_deg
    slerp = Slerp(times, Rotation.from_euler("z", np.array(angles)[:, None], degrees=True))
    expected = slerp(np.linspace(0, 1, 41)).as_euler("xyz", degrees=True)[:, 2]
    apart = (found - expected + 180) % 360 - 180
    np.testing.assert_allclose(apart, 0, atol=1e-6)
    assert np.abs(np.diff(found)).max() < 180


def test_easing_acts_between_each_key_and_the_next() -> None:
    keys = (RegionKey(0), RegionKey(0.5, 0.5, 0), RegionKey(1, 1, 0))
    quarter = float(ease_value("ease_in", 0.5))
    found = moved(*keys, easing="ease_in").shift[:, 0]
    np.testing.assert_allclose(found, [0, 100 * quarter, 100, 100 + 100 * quarter, 200])


def test_overshoot_carries_every_part_of_the_motion_past_its_key() -> None:
    easing = (0.5, 0.0, 0.5, 2.0)
    share = float(ease_value(easing, 0.75))
    found = moved(RegionKey(0), RegionKey(1, 0.5, 0, 40, 2), easing=easing)
    assert share > 1
    assert found.shift[3, 0] == pytest.approx(100 * share)
    assert found.rotate_deg[3] == pytest.approx(40 * share)
    assert found.scale[3] == pytest.approx(2**share)


def test_of_several_keys_at_one_time_the_last_counts_from_then_on() -> None:
    found = moved(RegionKey(0), RegionKey(0.5), RegionKey(0.5, 0.1), RegionKey(1, 0.1))
    np.testing.assert_allclose(found.shift[:, 0], [0, 0, 20, 20, 20])


def test_window_holds_or_leaves() -> None:
    found = moved(RegionKey(0), RegionKey(1, 1), start=0.25, end=0.75, before="absent")
    assert found.present.tolist() == [False, True, True, True, True]
    np.testing.assert_allclose(found.shift[:, 0], [0, 0, 100, 200, 200])


def test_no_frames_and_one_frame() -> None:
    keys = (RegionKey(0, 0.1, 0.2, 5, 3), RegionKey(1))
    none = moved(*keys, frames=0)
    assert none.shift.shape == (0, 2)
    assert none.rotate_deg.shape == none.scale.shape == none.present.shape == (0,)
    one = moved(*keys, frames=1)
    np.testing.assert_allclose(one.shift, [[20, 20]])
    np.testing.assert_allclose([one.rotate_deg[0], one.scale[0]], [5, 3])


@settings(max_examples=60)
@given(region_keys(), timings(), st.integers(0, 12))
def test_any_region_is_finite_with_positive_scale(keys, timing: Timing, frames: int) -> None:
    layer = RegionLayer("r", keys=keys, timing=timing)
    found = sample_region(layer, frames=frames, size=SIZE)
    for values in (found.shift, found.rotate_deg, found.scale):
        assert len(values) == frames
        assert np.isfinite(values).all()
    assert (found.scale > 0).all()


def test_refusals_say_what_came() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        moved()
    with pytest.raises(ValueError, match="scale above 0"):
        moved(RegionKey(0, scale=0))
