"""Lists of pairs, against text written by hand."""

from __future__ import annotations

import json

import pytest

from motion_core.errors import FormatError
from motion_core.formats import parse_pairs, to_pairs
from motion_core.geometry import Size

from .samples import walk

SIZE = Size(384, 256)


def test_one_pair_per_frame_and_drag():
    tracks = parse_pairs("[[[25, 30], [128, 131.5]], [[1, 2], [3, 4]]]", SIZE)
    assert tracks.xy.tolist() == [[[25.0, 30.0], [1.0, 2.0]], [[128.0, 131.5], [3.0, 4.0]]]


def test_a_single_drag_needs_no_outer_list():
    assert parse_pairs("[[1, 2], [3, 4]]", SIZE).xy.tolist() == [[[1.0, 2.0]], [[3.0, 4.0]]]


def test_drags_of_fewer_points_are_spread_over_the_clip():
    tracks = parse_pairs(
        [[[0, 0], [8, 4]], [[0, 0], [1, 1], [2, 2], [3, 3], [4, 9]], [[5, 6]]], SIZE
    )
    assert tracks.xy[:, 0].tolist() == [[0, 0], [2, 1], [4, 2], [6, 3], [8, 4]]
    assert tracks.xy[4, 1].tolist() == [4, 9]
    assert tracks.xy[:, 2].tolist() == [[5, 6]] * 5


def test_written_pairs_are_plain_json():
    tracks = walk(frames=2, points=2)
    drags = json.loads(to_pairs(tracks))
    assert [len(drag) for drag in drags] == [2, 2]
    assert drags[0][1] == pytest.approx(tracks.xy[1, 0].tolist())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[[1, 2], [3]]]", "track 0, point 1: expected a pair"),
        ("[[[1, 2]], [[3, true]]]", "track 1, point 0: expected a finite number"),
        ("[[[1, 2]], []]", "track 1 has no points"),
        ("[[[1, 2]], 7]", "track 1: expected a list"),
        ("[1, 2]", "track 0: expected a list"),
    ],
)
def test_broken_pairs_are_placed(text, says):
    with pytest.raises(FormatError, match=says):
        parse_pairs(text, SIZE)
