"""Drawn paths at every frame: hand-computed cases and laws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.document import Path, TimedPoint, Timing, clip_times, ease_value, sample_path
from motion_core.geometry import Size

from .strategies import paths

SQUARE = Size(100, 100)


def drawn(*points: tuple, curve: str = "recorded", **timing: object) -> Path:
    return Path(tuple(TimedPoint(*p) for p in points), curve, Timing(**timing))


def xs(path: Path, frames: int, size: Size = SQUARE, drawn_on: Size = SQUARE) -> list[float]:
    return sample_path(path, frames=frames, size=size, drawn_on=drawn_on).xy[:, 0].tolist()


def test_frame_times() -> None:
    assert clip_times(0).tolist() == []
    assert clip_times(1).tolist() == [0]
    assert clip_times(5).tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_recorded_timing_is_kept() -> None:
    path = drawn((0, 0, 0), (0.25, 0.8, 0), (1, 1, 0))
    assert xs(path, 5) == pytest.approx([0, 80, 80 + 20 / 3, 80 + 40 / 3, 100])


def test_points_without_time_are_spread_by_length_in_drawn_pixels() -> None:
    # On a 200x100 canvas both legs are 100 px, so the corner is reached at half time.
    path = drawn((None, 0, 0), (None, 0.5, 0), (None, 0.5, 1))
    at = sample_path(path, frames=5, size=Size(200, 100), drawn_on=Size(200, 100)).xy
    np.testing.assert_allclose(at, [[0, 0], [50, 0], [100, 0], [100, 50], [100, 100]])


def test_the_canvas_drawn_on_decides_timing_not_the_canvas_asked_for() -> None:
    path = drawn((None, 0, 0), (None, 0.5, 0), (None, 0.5, 1))
    at = sample_path(path, frames=5, size=Size(40, 40), drawn_on=Size(200, 100)).xy
    np.testing.assert_allclose(at, [[0, 0], [10, 0], [20, 0], [20, 20], [20, 40]])


def test_untimed_points_between_known_times_share_that_time_by_length() -> None:
    path = drawn((0, 0, 0), (None, 0.1, 0), (0.5, 0.4, 0), (None, 0.6, 0), (None, 1, 0))
    assert xs(path, 5) == pytest.approx([0, 20, 40, 70, 100])


def test_first_and_last_known_times_hold_their_points() -> None:
    path = drawn((0.25, 0.2, 0), (0.75, 0.6, 0))
    assert xs(path, 5) == pytest.approx([20, 20, 40, 60, 60])


def test_of_several_points_at_one_time_the_last_counts_from_then_on() -> None:
    path = drawn((0, 0, 0), (0.5, 0.2, 0), (0.5, 0.8, 0), (1, 1, 0))
    assert xs(path, 5) == pytest.approx([0, 10, 80, 90, 100])


def test_window_holds_or_leaves() -> None:
    path = drawn((0, 0, 0), (1, 1, 0), start=0.25, end=0.75)
    assert xs(path, 5) == pytest.approx([0, 0, 50, 100, 100])
    for before in ("hold", "absent"):
        for after in ("hold", "absent"):
            timing = replace(path.timing, before=before, after=after)
            found = sample_path(
                replace(path, timing=timing), frames=5, size=SQUARE, drawn_on=SQUARE
            )
            assert found.present.tolist() == [before == "hold", True, True, True, after == "hold"]
            assert found.xy[:, 0].tolist() == pytest.approx([0, 0, 50, 100, 100])


def test_window_bounds_include_frames_that_rounding_moves() -> None:
    for frames in range(4, 60):
        t = clip_times(frames)
        path = drawn(
            (0, 0, 0), start=t[1] + 1e-12, end=t[-2] - 1e-12, before="absent", after="absent"
        )
        present = sample_path(path, frames=frames, size=SQUARE, drawn_on=SQUARE).present
        assert present.tolist() == [False] + [True] * (frames - 2) + [False]


def test_easing_bends_the_layers_own_time() -> None:
    path = drawn((0, 0, 0), (1, 1, 0), start=0.5, easing="ease_in")
    expected = 100 * ease_value("ease_in", np.array([0, 0, 0, 0.5, 1]))
    np.testing.assert_allclose(xs(path, 5), expected)


def test_overshoot_goes_straight_on_by_a_share_of_the_length() -> None:
    easing = (0.5, 0.0, 0.5, 2.0)
    path = drawn((0, 0.1, 0), (0.9, 0.2, 0), (1, 0.6, 0), easing=easing)
    u = float(ease_value(easing, 0.75))
    assert u > 1
    assert xs(path, 5)[3] == pytest.approx(60 + (u - 1) * 50)


def test_one_frame_shows_time_zero_and_no_frames_show_nothing() -> None:
    path = drawn((0, 0.3, 0.4), (1, 1, 1))
    one = sample_path(path, frames=1, size=Size(10, 20), drawn_on=SQUARE)
    np.testing.assert_allclose(one.xy, [[3, 8]])
    none = sample_path(path, frames=0, size=SQUARE, drawn_on=SQUARE)
    assert none.xy.shape == (0, 2)
    assert none.present.shape == (0,)


@pytest.mark.parametrize("t", [0, 0.4, 1, None])
def test_a_single_point_stays(t: float | None) -> None:
    assert xs(drawn((t, 0.3, 0.4)), 3) == pytest.approx([30, 30, 30])


@pytest.mark.parametrize("curve", ["recorded", "linear", "catmull_rom"])
def test_recorded_points_are_met_at_their_times(curve: str) -> None:
    points = [(i / 8, 0.1 * i, 0.5 + 0.4 * np.sin(i)) for i in range(9)]
    found = sample_path(drawn(*points, curve=curve), frames=9, size=SQUARE, drawn_on=SQUARE)
    np.testing.assert_allclose(found.xy, [[100 * x, 100 * y] for _, x, y in points], atol=1e-9)


@settings(max_examples=60)
@given(paths(), st.integers(0, 12))
def test_any_path_is_sampled_finite_and_stretches_with_the_canvas(path: Path, frames: int) -> None:
    drawn_on = Size(320, 180)
    small = sample_path(path, frames=frames, size=drawn_on, drawn_on=drawn_on)
    large = sample_path(path, frames=frames, size=Size(960, 90), drawn_on=drawn_on)
    assert small.xy.shape == (frames, 2)
    assert np.isfinite(small.xy).all()
    np.testing.assert_allclose(large.xy, small.xy * [3, 0.5], rtol=1e-12, atol=1e-9)
    assert small.present.tolist() == large.present.tolist()
    if path.timing.before == path.timing.after == "hold":
        assert small.present.all()


@settings(max_examples=60)
@given(paths(), st.integers(2, 9))
def test_more_frames_only_add_moments(path: Path, frames: int) -> None:
    coarse = sample_path(path, frames=frames, size=SQUARE, drawn_on=SQUARE)
    fine = sample_path(path, frames=2 * frames - 1, size=SQUARE, drawn_on=SQUARE)
    np.testing.assert_allclose(fine.xy[::2], coarse.xy, rtol=1e-12, atol=1e-9)
    assert fine.present[::2].tolist() == coarse.present.tolist()


def test_refusals_say_what_came() -> None:
    path = drawn((0, 0, 0))
    arguments = {"frames": 4, "size": SQUARE, "drawn_on": SQUARE}
    with pytest.raises(ValueError, match="at least one point"):
        sample_path(Path(()), **arguments)
    with pytest.raises(ValueError, match=r"end after it starts; got 0\.5 to 0\.5"):
        sample_path(drawn((0, 0, 0), start=0.5, end=0.5), **arguments)
    with pytest.raises(ValueError, match="0 or more; got -1"):
        sample_path(path, **{**arguments, "frames": -1})
    for frames in (2.0, True, None):
        with pytest.raises(TypeError, match="frames must be a whole number"):
            sample_path(path, **{**arguments, "frames": frames})
    with pytest.raises(ValueError, match="canvas width"):
        sample_path(path, **{**arguments, "size": (0, 10)})
