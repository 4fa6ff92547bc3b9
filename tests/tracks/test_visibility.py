from __future__ import annotations

import torch
from hypothesis import given

from motion_core.geometry import Size
from motion_core.tracks import Tracks, hide_outside, inside_canvas, make_tracks

from .clips import assert_same, tracks_strategy

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
