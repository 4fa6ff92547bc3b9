from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.geometry import Size
from motion_core.tracks import (
    Tracks,
    cut,
    ease,
    empty_tracks,
    hold,
    loop,
    make_tracks,
    resample,
    reverse,
    shift,
)

from .clips import assert_same, random_tracks, tracks_strategy

CANVAS = Size(64, 48)
counts = st.integers(1, 20)


def moving(*x: float | None, fps: float | None = None) -> Tracks:
    """One track at the given x, None meaning an invisible frame with a far placeholder."""
    xy = torch.tensor([[[9999.0 if one is None else one, 0.0]] for one in x])
    visible = torch.tensor([[one is not None] for one in x])
    return make_tracks(xy, CANVAS, visible=visible, fps=fps)


def xs(tracks: Tracks) -> list[float | None]:
    """The inverse of moving()."""
    pairs = zip(tracks.xy[:, 0, 0].tolist(), tracks.visible[:, 0].tolist(), strict=True)
    return [x if shown else None for x, shown in pairs]


def resampled_by_definition(tracks: Tracks, frames: int) -> Tracks:
    """resample as its docstring says it, one number at a time."""
    last, xy, visible = tracks.num_frames - 1, [], []
    for frame in range(frames):
        place = frame * last / max(frames - 1, 1)
        low = min(math.floor(place + 1e-9), last)
        high, share = min(low + 1, last), max(place - low, 0.0)
        for point in range(tracks.num_points):
            ends = [(low, 1 - share), (high, share)] if share > 1e-9 else [(low, 1.0)]
            shown = [(f, w) for f, w in ends if tracks.visible[f, point]]
            nearest = max(weight for _, weight in ends)
            visible.append(any(w >= nearest - 1e-9 for _, w in shown))
            used = shown or ends
            total = sum(weight for _, weight in used)
            xy.append(sum(tracks.xy[f, point].double() * w for f, w in used) / total)
    shape = (frames, tracks.num_points)
    points = torch.stack([torch.as_tensor(one) for one in xy]) if xy else torch.zeros(0, 2)
    return make_tracks(
        points.reshape(*shape, 2),
        tracks.size,
        visible=torch.tensor(visible, dtype=torch.bool).reshape(shape),
        ids=tracks.ids,
        fps=resample(tracks, frames).fps,
    )


@given(tracks=tracks_strategy(least_frames=1), frames=counts)
@settings(max_examples=60)
def test_resample_is_what_its_definition_says(tracks: Tracks, frames: int) -> None:
    assert_same(resample(tracks, frames), resampled_by_definition(tracks, frames), atol=1e-3)


@given(tracks=tracks_strategy(least_frames=1))
def test_resampling_to_the_same_length_changes_nothing(tracks: Tracks) -> None:
    assert_same(resample(tracks, tracks.num_frames), tracks)


@given(tracks=tracks_strategy(least_frames=2), factor=st.integers(1, 7))
def test_resampling_finer_and_back_changes_nothing(tracks: Tracks, factor: int) -> None:
    finer = resample(tracks, factor * (tracks.num_frames - 1) + 1)
    back = resample(finer, tracks.num_frames)
    assert torch.equal(back.xy, tracks.xy)
    assert torch.equal(back.visible, tracks.visible)
    assert back.fps == pytest.approx(tracks.fps)


@given(tracks=tracks_strategy(least_frames=1), frames=counts)
def test_resampling_and_reversing_commute(tracks: Tracks, frames: int) -> None:
    if frames == 1:
        return  # one frame is the clip's beginning, which reversing changes
    one, other = resample(reverse(tracks), frames), reverse(resample(tracks, frames))
    assert_same(one, other, atol=1e-3)


def test_resample_never_mixes_in_a_placeholder() -> None:
    assert xs(resample(moving(0, 8, None, 16), 7)) == [0, 4, 8, 8, None, 16, 16]
    gaps = moving(0, None, 8, None)
    assert xs(resample(gaps, 10)) == [0, 0, None, None, None, 8, 8, 8, None, None]


def test_resample_keeps_the_clip_as_long_in_seconds() -> None:
    assert resample(moving(*range(121), fps=24), 81).fps == pytest.approx(16)
    assert resample(moving(1, fps=24), 5).fps == 24
    assert resample(moving(1, 2, fps=24), 1).fps == 24
    assert resample(moving(1, 2), 5).fps is None


def test_one_frame_becomes_a_still_and_a_clip_its_first_frame() -> None:
    assert xs(resample(moving(3), 4)) == [3, 3, 3, 3]
    assert xs(resample(moving(3, 5, 9), 1)) == [3]


@given(tracks=tracks_strategy(least_frames=1), before=st.integers(0, 5), after=st.integers(0, 5))
def test_cut_undoes_hold(tracks: Tracks, before: int, after: int) -> None:
    held = hold(tracks, before, after)
    assert held.num_frames == before + tracks.num_frames + after
    assert_same(cut(held, before, before + tracks.num_frames), tracks)


def test_hold_repeats_the_ends() -> None:
    assert xs(hold(moving(1, 2, None), 2, 1)) == [1, 1, 1, 2, None, None]
    assert xs(hold(moving(1, 2))) == [1, 2]


@given(tracks=tracks_strategy())
def test_reversing_twice_changes_nothing(tracks: Tracks) -> None:
    assert_same(reverse(reverse(tracks)), tracks)


@given(tracks=tracks_strategy(least_frames=1), a=st.integers(1, 4), b=st.integers(1, 4))
def test_loops_multiply(tracks: Tracks, a: int, b: int) -> None:
    assert_same(loop(loop(tracks, a), b), loop(tracks, a * b))
    assert_same(loop(tracks, 1), tracks)
    assert_same(loop(tracks, 1, ping_pong=True), tracks)


@given(tracks=tracks_strategy(least_frames=1))
def test_there_and_back_and_there_reads_the_same_backwards(tracks: Tracks) -> None:
    even = loop(tracks, 2, ping_pong=True)
    assert_same(reverse(even), even)


def test_ping_pong_shows_turning_frames_once() -> None:
    assert xs(loop(moving(1, 2, None), 3, ping_pong=True)) == [1, 2, None, 2, 1, 2, None]
    assert xs(loop(moving(1, 2), 4, ping_pong=True)) == [1, 2, 1, 2, 1]
    assert xs(loop(moving(7), 3, ping_pong=True)) == [7]
    assert xs(loop(moving(1, 2), 2)) == [1, 2, 1, 2]
    assert loop(empty_tracks(0, CANVAS), 3).num_frames == 0


@given(tracks=tracks_strategy(least_frames=1))
def test_easing_by_the_identity_changes_nothing(tracks: Tracks) -> None:
    assert_same(ease(tracks, lambda u: u), tracks)


@given(tracks=tracks_strategy(least_frames=2))
def test_easing_backwards_reverses(tracks: Tracks) -> None:
    assert_same(ease(tracks, lambda u: 1 - u), reverse(tracks))


def test_ease_looks_up_the_eased_time_and_stops_at_the_ends() -> None:
    line = moving(*(10.0 * frame for frame in range(5)))
    squared = [40 * (frame / 4) ** 2 for frame in range(5)]
    assert xs(ease(line, lambda u: u * u)) == pytest.approx(squared)
    assert xs(ease(line, lambda u: 3 * u - 1)) == pytest.approx([0, 0, 20, 40, 40])
    assert xs(ease(line, np.sqrt)) == pytest.approx([40 * math.sqrt(f / 4) for f in range(5)])
    assert xs(ease(moving(3), lambda u: 1)) == [3]


@given(tracks=tracks_strategy(), frames=st.integers(-12, 12))
def test_shifting_there_and_back_keeps_the_middle(tracks: Tracks, frames: int) -> None:
    back = shift(shift(tracks, frames), -frames)
    low, high = max(-frames, 0), tracks.num_frames - max(frames, 0)
    if low < high:
        assert_same(cut(back, low, high), cut(tracks, low, high))


def test_shift_holds_or_hides_what_it_uncovers() -> None:
    tracks = moving(1, 2, 3, 4)
    assert xs(shift(tracks, 2)) == [1, 1, 1, 2]
    assert xs(shift(tracks, -1)) == [2, 3, 4, 4]
    assert xs(shift(tracks, 2, "absent")) == [None, None, 1, 2]
    assert xs(shift(tracks, -3, "absent")) == [4, None, None, None]
    assert xs(shift(tracks, 10**30, "absent")) == [None] * 4
    assert xs(shift(tracks, -(10**30))) == [4] * 4
    assert xs(shift(tracks, 0, "absent")) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda t: resample(t, 0), "frames must be 1 or more; got 0"),
        (lambda t: resample(t, 10**9), "frames must be 100000 or less"),
        (lambda t: cut(t, 2, 2), "start must be 1 or less"),
        (lambda t: cut(t, -1, 2), "start must be 0 or more"),
        (lambda t: cut(t, 0, 99), "stop must be 4 or less"),
        (lambda t: hold(t, -1), "before must be 0 or more"),
        (lambda t: hold(t, 0, 10**12), "at most 100000"),
        (lambda t: loop(t, 0), "count must be 1 or more"),
        (lambda t: loop(t, 10**12), "at most 100000"),
        (lambda t: loop(t, 10**12, ping_pong=True), "at most 100000"),
        (lambda t: ease(t, lambda u: math.nan), "easing must give finite numbers"),
        (lambda t: ease(t, lambda u: math.inf), "easing must give finite numbers"),
        (lambda t: shift(t, 1, "gone"), "'hold' or 'absent'"),
    ],
)
def test_bad_times_are_refused(call, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call(random_tracks(4, 2, CANVAS))


@pytest.mark.parametrize("call", [resample, loop, shift, hold])
def test_times_are_whole_frames(call) -> None:
    for value in (1.5, "2", None, True):
        with pytest.raises(TypeError, match="whole number"):
            call(random_tracks(4, 2, CANVAS), value)
