"""Bezier paths against de Casteljau's construction and dense sums of length; and their version."""

from __future__ import annotations

import json

import numpy as np
import pytest

from motion_core.document import (
    Handles,
    Path,
    TimedPoint,
    document_to_json,
    make_line,
    read_document,
    sample_path,
)
from motion_core.errors import DocumentError, ShapeError
from motion_core.geometry import Size

NONE = [np.nan] * 4
OLD = (
    '{"version":1,"drawn_on":{"width":832,"height":480},"layers":[{"id":"a","type":"camera_grab",'
    '"name":"","enabled":true,"color":null,"locked":false,"points":[[0.0,0.5,0.5],[null,0.7,0.4]],'
    '"curve":"catmull_rom","easing":"linear","start":0.0,"end":1.0,"before":"hold",'
    '"after":"hold"}]}'
)


def casteljau(corners: np.ndarray, v: float) -> np.ndarray:
    """The point of a Bezier curve by repeated halving of its control polygon."""
    while len(corners) > 1:
        corners = (1 - v) * corners[:-1] + v * corners[1:]
    return corners[0]


def trail(points: np.ndarray, handles: np.ndarray, steps: int = 20_000) -> np.ndarray:
    pieces = [
        np.stack([a, a + out[2:], b + into[:2], b])
        for a, b, out, into in zip(points[:-1], points[1:], handles[:-1], handles[1:], strict=True)
    ]
    return np.array([casteljau(piece, v) for piece in pieces for v in np.linspace(0, 1, steps)])


@pytest.mark.parametrize("is_retracted", [False, True])
def test_equal_distances_are_equal_lengths_of_the_curve(is_retracted: bool) -> None:
    random = np.random.default_rng(3)
    worst = 0.0
    for _ in range(5):
        points = random.uniform(0, 500, (3, 2))
        handles = random.uniform(-150, 150, (3, 4))
        handles[1] = 0 if is_retracted else handles[1]
        dense = trail(points, handles, 3000)
        along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(dense, axis=0), axis=1))])
        line = make_line(points, "bezier", handles)
        assert line.length == pytest.approx(along[-1], rel=2e-3)
        places = np.linspace(0, 1, 41)
        wanted = np.stack(
            [np.interp(places * along[-1], along, dense[:, axis]) for axis in (0, 1)], 1
        )
        gap = np.linalg.norm(line.at(places * line.length) - wanted, axis=1).max()
        worst = max(worst, float(gap / along[-1]))
    assert worst < (1.5e-3 if is_retracted else 1e-3)


def test_points_without_handles_take_those_of_the_smooth_curve() -> None:
    points = np.array([[30.0, 40.0], [180.0, 400.0], [330.0, 60.0], [480.0, 380.0]])
    smooth = make_line(points, "catmull_rom")
    for handles in (None, np.array([NONE] * 4)):
        assert np.array_equal(make_line(points, "bezier", handles).table, smooth.table)
    own = make_line(points, "bezier", np.array([NONE, NONE, NONE, [-9.0, 50.0, 0, 0]]))
    at = np.linspace(0, smooth.point_lengths[2], 9)
    np.testing.assert_array_equal(own.at(at), smooth.at(at))
    assert own.length != smooth.length


def test_with_retracted_handles_the_line_is_straight_and_goes_on_straight() -> None:
    line = make_line(np.array([[0.0, 0], [30, 40]]), "bezier", np.zeros((2, 4)))
    np.testing.assert_allclose(
        line.at(np.array([-5.0, 25, 55])), [[-3, -4], [15, 20], [33, 44]], atol=1e-9
    )


def test_other_curves_keep_handles_and_do_not_use_them() -> None:
    points = (TimedPoint(None, 0.1, 0.2), TimedPoint(None, 0.8, 0.2))
    own = (Handles(0, 0, 0.1, 0.3), None)
    sampled = [
        sample_path(
            Path(points, curve, handles=own), frames=5, size=Size(64, 64), drawn_on=Size(64, 64)
        )
        for curve in ("linear", "bezier")
    ]
    np.testing.assert_allclose(sampled[0].xy[:, 1], 12.8)
    assert sampled[1].xy[:, 1].max() > 15


def test_an_old_document_is_written_as_it_was() -> None:
    assert document_to_json(read_document(OLD)) == OLD


def test_handles_make_it_version_2_which_version_1_refuses() -> None:
    raw = json.loads(OLD)
    raw["version"] = 2
    assert json.loads(document_to_json(read_document(raw)))["version"] == 1, "nothing new in it"
    raw["layers"][0] |= {"curve": "bezier", "handles": [None, [0, 0.1, 0, 0]]}
    assert json.loads(document_to_json(read_document(raw)))["version"] == 2
    with pytest.raises(DocumentError, match='layer 1: "handles" needs a document of version 2'):
        read_document({**raw, "version": 1})
    raw["layers"][0]["handles"].pop()
    with pytest.raises(DocumentError, match='"handles" must have one entry for each of the 2'):
        read_document(raw)


def test_handles_of_another_count_are_refused() -> None:
    with pytest.raises(ShapeError, match="2 points need handles"):
        make_line(np.zeros((2, 2)), "bezier", np.zeros((3, 4)))
