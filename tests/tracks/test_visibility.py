from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.geometry import Size
from motion_core.tracks import Tracks, hide_outside, inside_canvas, make_tracks, show_only

from .clips import assert_same, random_tracks, tracks_strategy

CANVAS = Size(64, 48)


def test_the_canvas_holds_its_left_and_top_edge_only() -> None:
    points = [[0, 0], [63.99, 47.99], [64, 10], [10, 48], [-0.01, 10], [10, -1], [32, 24]]
    tracks = make_tracks(torch.tensor([points], dtype=torch.float32), CANVAS)
    assert inside_canvas(tracks)[0].tolist() == [True, True, False, False, False, False, True]


@given(tracks=tracks_strategy())
def test_hiding_twice_is_hiding_once(tracks: Tracks) -> None:
    hidden = hide_outside(tracks)
    assert_same(hide_outside(hidden), hidden)
    assert torch.equal(hidden.xy, tracks.xy)
    assert torch.equal(hidden.visible, tracks.visible & inside_canvas(tracks))


@given(tracks=tracks_strategy(), data=st.data())
def test_show_only_hides_every_other_frame(tracks: Tracks, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, tracks.num_frames))
    stop = data.draw(st.integers(start, tracks.num_frames))
    shown = show_only(tracks, start, stop)
    assert torch.equal(shown.visible[start:stop], tracks.visible[start:stop])
    assert not shown.visible[:start].any()
    assert not shown.visible[stop:].any()
    assert torch.equal(shown.xy, tracks.xy)
    assert_same(show_only(tracks, 0, tracks.num_frames), tracks)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 5)])
def test_frames_beyond_the_clip_are_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="start must be|stop must be"):
        show_only(random_tracks(4, 2, CANVAS), start, stop)
    with pytest.raises(TypeError, match="whole number"):
        show_only(random_tracks(4, 2, CANVAS), 0, 1.5)  # pyright: ignore[reportArgumentType]
