"""What every operation on tracks has in common."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core import tracks as algebra
from motion_core.geometry import Size
from motion_core.tracks import Tracks

from .clips import random_tracks, tracks_strategy

Operation = Callable[[Tracks], Tracks]

# Operations that keep every track and every frame.
KEEP_FRAMES: dict[str, Operation] = {
    "scale_to": lambda t: algebra.scale_to(t, Size(37, 61)),
    "fit cover": lambda t: algebra.fit(t, Size(37, 61), "cover"),
    "fit contain": lambda t: algebra.fit(t, Size(37, 61), "contain"),
    "crop": lambda t: algebra.crop(t, 0, 0, Size(1, 1)),
    "pad": lambda t: algebra.pad(t, 3, 0, 1, 9),
    "flip": lambda t: algebra.flip(t, "vertical"),
    "transform": lambda t: algebra.transform(t, dx=4, rotate_deg=30, scale=0.5),
    "reverse": algebra.reverse,
    "smooth": lambda t: algebra.smooth_time(t, 1.5),
    "hide_outside": algebra.hide_outside,
    "shift": lambda t: algebra.shift(t, 2),
    "shift absent": lambda t: algebra.shift(t, -2, "absent"),
    "ease": lambda t: algebra.ease(t, lambda u: u * u),
}
RETIME: dict[str, Operation] = {
    "resample": lambda t: algebra.resample(t, 5),
    "cut": lambda t: algebra.cut(t, 0, 1),
    "hold": lambda t: algebra.hold(t, 2, 3),
    "loop": lambda t: algebra.loop(t, 3),
    "ping-pong": lambda t: algebra.loop(t, 3, ping_pong=True),
}
ALL = KEEP_FRAMES | RETIME


@pytest.mark.parametrize("name", ALL)
@given(tracks=tracks_strategy(least_frames=1))
@settings(max_examples=25)
def test_ids_survive_and_inputs_are_not_edited(name: str, tracks: Tracks) -> None:
    before = tracks.xy.clone(), tracks.visible.clone(), tracks.ids.clone()
    result = ALL[name](tracks)
    assert torch.equal(result.ids, before[2])
    assert result.num_points == tracks.num_points
    for now, was in zip((tracks.xy, tracks.visible, tracks.ids), before, strict=True):
        assert torch.equal(now, was)


@pytest.mark.parametrize("name", KEEP_FRAMES)
@given(tracks=tracks_strategy(least_frames=1))
@settings(max_examples=15)
def test_operations_act_on_each_track_alone(name: str, tracks: Tracks) -> None:
    backwards = torch.arange(tracks.num_points).flip(0)
    one = KEEP_FRAMES[name](algebra.select(tracks, backwards))
    other = algebra.select(KEEP_FRAMES[name](tracks), backwards)
    assert torch.equal(one.visible, other.visible)
    torch.testing.assert_close(one.xy, other.xy, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["scale_to", "fit cover", "crop", "pad", "flip", "transform"])
@given(tracks=tracks_strategy(least_frames=1, all_visible=True), frames=st.integers(1, 12))
@settings(max_examples=15)
def test_changing_the_canvas_and_the_length_commute(name: str, tracks: Tracks, frames: int) -> None:
    one = algebra.resample(ALL[name](tracks), frames)
    other = ALL[name](algebra.resample(tracks, frames))
    torch.testing.assert_close(one.xy, other.xy, rtol=0, atol=1e-2)


@pytest.mark.parametrize("name", ["scale_to", "fit cover", "crop", "pad", "flip", "transform"])
@given(tracks=tracks_strategy())
@settings(max_examples=10)
def test_changing_the_canvas_leaves_visibility_alone(name: str, tracks: Tracks) -> None:
    assert torch.equal(ALL[name](tracks).visible, tracks.visible)


@pytest.mark.parametrize("name", sorted(KEEP_FRAMES.keys() - {"ease"}))
def test_a_clip_without_frames_stays_without_frames(name: str) -> None:
    nothing = random_tracks(0, 3, Size(20, 10))
    result = KEEP_FRAMES[name](nothing)
    assert (result.num_frames, result.num_points) == (0, 3)


@pytest.mark.parametrize("name", ["resample", "hold", "ease"])
def test_what_needs_a_frame_says_so(name: str) -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        ALL[name](random_tracks(0, 3, Size(20, 10)))


@pytest.mark.parametrize("name", ALL)
def test_operations_leave_the_global_generator_alone(name: str) -> None:
    tracks = random_tracks(4, 3, Size(20, 10))
    state = torch.random.get_rng_state()
    ALL[name](tracks)
    algebra.select_random(tracks, 2, seed=1)
    algebra.select_farthest(tracks, 2, seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.cuda
@pytest.mark.parametrize("name", ALL)
def test_operations_stay_on_the_device(name: str, device: torch.device) -> None:
    tracks = random_tracks(4, 3, Size(20, 10))
    wanted, got = ALL[name](tracks), ALL[name](tracks.to(device))
    assert got.device.type == device.type
    torch.testing.assert_close(got.xy.cpu(), wanted.xy, rtol=0, atol=1e-4)
    assert torch.equal(got.visible.cpu(), wanted.visible)
