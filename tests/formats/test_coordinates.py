"""Coordinate JSON in all its spellings, against text written by hand."""

from __future__ import annotations

import json
import logging

import pytest
import torch

from motion_core.errors import FormatError
from motion_core.formats import parse_coordinates, to_coordinates
from motion_core.geometry import Size
from motion_core.tracks.model import make_tracks

from .samples import walk

SIZE = Size(64, 48)
ONE = [[1.0, 2.0], [3.0, 4.5]]
TWO = [[10.0, 20.0], [-30.0, 40.0]]

SPELLINGS = {
    "flat": '[{"x": 1, "y": 2}, {"x": 3, "y": 4.5}]',
    "nested": '[[{"x": 1, "y": 2}, {"x": 3, "y": 4.5}],\n'
    '[{"x": 10, "y": 20}, {"y": 4e1, "x": -30}]]',
    "single-quoted": "[[{'x': 1, 'y': 2}, {'x': 3, 'y': 4.5}], "
    "[{'x': 10, 'y': 20}, {'x': -30, 'y': 40}]]",
    "list of strings": [
        '[{"x": 1, "y": 2}, {"x": 3, "y": 4.5}]',
        '[{"x": 10, "y": 20}, {"x": -30, "y": 40}]',
    ],
    "list of single-quoted strings": [
        "[{'x': 1, 'y': 2}, {'x': 3, 'y': 4.5}]",
        "[{'x': 10, 'y': 20}, {'x': -30, 'y': 40}]",
    ],
    "a string holding all": [
        '[[{"x": 1, "y": 2}, {"x": 3, "y": 4.5}], [{"x": 10, "y": 20}, {"x": -30, "y": 40}]]'
    ],
    "printed list of strings": str(
        ['[{"x": 1, "y": 2}, {"x": 3, "y": 4.5}]', '[{"x": 10, "y": 20}, {"x": -30, "y": 40}]']
    ),
    "JSON list of single-quoted strings": json.dumps(
        ["[{'x': 1, 'y': 2}, {'x': 3, 'y': 4.5}]", "[{'x': 10, 'y': 20}, {'x': -30, 'y': 40}]"]
    ),
    "Python lists": [
        [{"x": 1, "y": 2}, {"x": 3, "y": 4.5}],
        [{"x": 10, "y": 20}, {"x": -30, "y": 40}],
    ],
    "Python list of one track": [{"x": 1, "y": 2}, {"x": 3, "y": 4.5}],
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_reads_the_same(name):
    tracks = parse_coordinates(SPELLINGS[name], SIZE, fps=24)
    wanted = [ONE] if name in ("flat", "Python list of one track") else [ONE, TWO]
    assert tracks.xy.transpose(0, 1).tolist() == wanted
    assert tracks.visible.all()
    assert (tracks.size, tracks.fps) == (SIZE, 24)


def test_no_tracks_and_one_frame_are_legal():
    assert parse_coordinates("[]", SIZE).xy.shape == (0, 0, 2)
    assert parse_coordinates('[{"x": 1, "y": 2}]', SIZE).xy.tolist() == [[[1.0, 2.0]]]


def test_written_text_is_what_the_host_parses():
    tracks = make_tracks(torch.tensor([[[1.0, 2.0]], [[3.25, 0.1]]]), SIZE)
    assert to_coordinates(tracks) == '[[{"x": 1.0, "y": 2.0}, {"x": 3.25, "y": 0.1}]]'
    assert to_coordinates(tracks, integers=True) == '[[{"x": 1, "y": 2}, {"x": 3, "y": 0}]]'


def test_ati_text_has_121_points_from_the_first_frame_to_the_last():
    xy = torch.tensor([[[0.0, 10.0]], [[60.0, 10.0]], [[60.0, 40.0]]])
    points = json.loads(to_coordinates(make_tracks(xy, SIZE), "ati"))
    assert len(points) == 1
    assert len(points[0]) == 121
    assert points[0][0] == {"x": 0.0, "y": 10.0}
    assert points[0][60] == {"x": 60.0, "y": 10.0}
    assert points[0][120] == {"x": 60.0, "y": 40.0}
    assert points[0][15]["x"] == pytest.approx(15.0)
    assert points[0][90]["y"] == pytest.approx(25.0)


def test_lost_points_hold_the_last_visible_position():
    xy = torch.arange(10, dtype=torch.float32).reshape(5, 1, 2)
    visible = torch.tensor([[False], [True], [False], [True], [False]])
    points = json.loads(to_coordinates(make_tracks(xy, SIZE, visible=visible)))[0]
    assert [point["x"] for point in points] == [2.0, 2.0, 2.0, 6.0, 6.0]


def test_a_track_that_is_never_visible_is_left_out_and_logged(caplog):
    tracks = walk(points=2)
    tracks.visible[:, 1] = False
    with caplog.at_level(logging.WARNING):
        assert len(json.loads(to_coordinates(tracks))) == 1
    assert "1 of 2 tracks are never visible" in caplog.text


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match='"frames" or "ati"'):
        to_coordinates(walk(), "tora")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[{"x": 1, "y": 2}], [{"x": 1, "y": 2}, {"x": 3}]]', r"track 1, point 1: .*'x'"),
        ('[[{"x": 1, "y": 2}], [{"x": 1, "y": 2}, {"x": 3, "y": 4}]]', "track 1 has 2 .* 0 has 1"),
        ('[[{"x": 1, "y": 2,}]]', "line 1, column (19|20)"),
        ('[[[{"x": 1, "y": 2}]]]', "track 0, point 0"),
        ('{"layers": []}', "drawn motion"),
        (["[]", 3], "item 1"),
    ],
)
def test_broken_text_is_placed(text, says):
    with pytest.raises(FormatError, match=says):
        parse_coordinates(text, SIZE)
