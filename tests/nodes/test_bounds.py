"""Inputs of moderate length that once held a worker for a minute: refused, quick, or stopped."""

from __future__ import annotations

import contextlib
import json
import math
import time
from typing import Any

import numpy as np
import pytest
import torch

from motion_core.document import read_document
from motion_core.expand import expand_document
from motion_core.geometry import Size
from motion_core.tracks import points_inside_polygon, polygon, polygon_points
from tests.host.runner import StandInHost

from .test_nodes import wire


class Stopped(Exception):
    """A press on cancel."""


class Cancel:
    """A progress that stops the work after some processor time."""

    def __init__(self, seconds: float = 0.5) -> None:
        self.until = time.process_time() + seconds

    def __call__(self, done: int, total: int) -> None:
        if time.process_time() > self.until:
            raise Stopped


def stopped_within(run: Any, seconds: float) -> None:
    """The work ends, or is stopped, or refused, within seconds of processor time."""
    began = time.process_time()
    with contextlib.suppress(Stopped, ValueError):
        run(Cancel())
    assert time.process_time() - began < seconds


def document(*layers: dict[str, Any]) -> Any:
    named = [{"id": str(place), **layer} for place, layer in enumerate(layers)]
    canvas = {"width": 640, "height": 480}
    return read_document({"version": 1, "drawn_on": canvas, "layers": named})


def expand(drawing: Any, frames: int = 81) -> Any:
    return lambda progress: expand_document(drawing, Size(640, 480), frames, progress=progress)


def zigzag(corners: int) -> list[list[float]]:
    return [[place / corners, 0.1 if place % 2 else 0.9] for place in range(corners)]


REST = {"type": "pin", "area": "background", "spacing": 0.0012}


def test_drags_over_many_pins_are_bounded() -> None:
    drag = {"type": "drag", "points": [[0, 0.1, 0.1], [1, 0.9, 0.9]], "brush": {"radius": 0}}
    with pytest.raises(ValueError, match="pins under 900 moving layers .* take too long"):
        expand_document(document(REST, *[drag] * 900), Size(640, 480), 100)
    stopped_within(expand(document(REST, *[drag] * 90)), 3)


def test_a_polygon_of_many_corners_is_filled_quickly() -> None:
    area = {"type": "pin", "polygon": zigzag(20_000), "spacing": 0.004}
    stopped_within(expand(document(area)), 4)
    region = {"type": "region", "polygon": zigzag(20_000), "keys": [{"t": 0}, {"t": 1, "dx": 1}]}
    stopped_within(expand(document(REST, region)), 4)


@pytest.mark.parametrize("corners", [3, 10, 200])
def test_rows_and_edges_agree(corners: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(corners)
    shape = generator.uniform(0, 40, (corners, 2)).round(1)
    grid = polygon_points([[0, 0], [40, 0], [40, 40], [0, 40]], 0.5)
    points = torch.cat([grid, torch.from_numpy(shape).float(), torch.rand(50, 2) * 40])
    either = points_inside_polygon(points, shape)
    some = torch.arange(0, len(points), 37)
    alone = [bool(points_inside_polygon(points[None, place], shape)) for place in some]
    assert either[some].tolist() == alone
    for way in ("CALL", "ROW"):  # so costly that the other way is taken
        monkeypatch.setattr(polygon, way, 10**6)
        assert torch.equal(points_inside_polygon(points, shape), either)
        monkeypatch.undo()


def test_too_many_crossings_are_refused() -> None:
    spread = np.random.default_rng(0).uniform(0, 1, (300_000, 2))
    with pytest.raises(ValueError, match="20,000 corners takes too long with 300,000 points"):
        points_inside_polygon(spread, zigzag(20_000))


def call(host: StandInHost, name: str, *args: Any, **widgets: Any) -> Any:
    return host.nodes[f"MotionPrompting{name}"].execute(*args, **widgets).args


def test_chained_moves_cost_one_pass_over_the_frames(host: StandInHost) -> None:
    image = torch.zeros(1, 48, 64, 3)
    depth = call(host, "DepthMap", {"source": "plane"}, 0.0, False, image=image)[0]

    def path(moves: str) -> Any:
        chain = {"motion": "chain", "moves": moves}
        return call(
            host, "CameraPath", depth, chain, {"pivot": "median depth"}, 1024, 16.0, "after"
        )

    began = time.process_time()
    assert path("pan_left 1\npan_right 1\n" * 500)[0].num_frames == 1024
    assert time.process_time() - began < 6
    with pytest.raises(ValueError, match="line 1001: at most 1,000 moves"):
        path("pan_left 1\n" * 4000)
    with pytest.raises(ValueError, match="share of 1e-300"):
        path("pan_left 1\npan_left 1 share=1e-300")
    with pytest.raises(ValueError, match="amount must be finite and from"):
        path("dolly_in 1e300")


def test_many_people_are_matched_or_refused() -> None:
    from motion_core.pose import follow_people

    crowd = np.random.default_rng(0).uniform(1, 100, (5000, 18, 3))
    with pytest.raises(ValueError, match="5,000 people"):
        follow_people([crowd, crowd])
    few = np.ones((200, 18, 3))
    few[..., 0] += np.arange(200)[:, None] * 50 + np.arange(18) * 2
    stopped_within(lambda progress: follow_people([few] * 1000, progress=progress), 3)
    assert follow_people([few, few[::-1]])[1, 0, 0, 0] == few[0, 0, 0], "each finds itself"


def test_thin_plates_have_a_limit(host: StandInHost) -> None:
    places = np.random.default_rng(0).uniform(0, 60, (1001, 2))
    text = json.dumps([[{"x": x, "y": y}] for x, y in places.tolist()])
    chosen = {"alignment": "points", "source_points": text, "target_points": text}
    with pytest.raises(ValueError, match="at most 1,000 pairs of points; got 1,001"):
        call(host, "TransferMotion", wire(), chosen, 1.0, 0, 0, 0, "keep")


def test_farthest_points_have_a_limit(host: StandInHost) -> None:
    many = wire(
        track_path=torch.rand(1, 200_000, 2) * 60,
        track_visibility=torch.ones(1, 200_000, dtype=torch.bool),
    )
    with pytest.raises(ValueError, match="keep at most 50,000"):
        call(host, "FilterTracks", many, {"keep": "farthest", "count": 100_000, "seed": 0})


def test_a_canvas_that_does_not_fit_is_refused(
    host: StandInHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="width must be from 1 to 8192"):
        call(host, "DrawMotion", 65536, 65536, 2, 16.0, "")
    huge = wire(canvas=(65536, 65536))
    with pytest.raises(MemoryError, match="the video of 5 frames of 65536x65536 would take"):
        call(host, "PreviewTracks", huge, max_side=0)


def test_an_empty_text_is_no_motion(host: StandInHost) -> None:
    for motion in ("", " \n"):
        tracks, _, mask, overlay = call(host, "DrawMotion", 32, 16, 3, 16.0, motion)
        assert tracks["track_path"].shape == (3, 0, 2) and tracks["canvas"] == (32, 16)
        assert not mask.any() and overlay.shape == (1, 16, 32, 3)
        assert call(host, "ExpandMotion", motion, 3, 16.0)[0]["track_path"].shape == (3, 0, 2)


def test_the_nearest_of_many_are_those_of_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from motion_core.trackers import chain

    generator = np.random.default_rng(0)
    points, others = (
        generator.uniform(0, 100, (count, 2)).astype(np.float32) for count in (40, 90)
    )
    table = chain.nearest(points, others, 8)
    monkeypatch.setattr(chain, "MAX_TABLE", 0)
    assert np.array_equal(chain.nearest(points, others, 8), table)
    assert chain.nearest(points, others[:3], 8).shape == (40, 3)
    assert chain.nearest(points, others[:1], 8).shape == (40, 1)


def test_what_a_moved_region_covers_does_not_depend_on_how_it_is_tested() -> None:
    from motion_core.document.dots.area import PolygonArea

    area = PolygonArea(np.array([[10.0, 10.0], [50.0, 12.0], [30.0, 44.0]]), Size(64, 48))
    angle, pivot, shift = math.radians(33), np.array([30.0, 22.0]), np.array([3.0, -2.0])
    turn = 0.7 * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = np.random.default_rng(0).uniform(0, 60, (500, 2))
    back = (points - pivot - shift) @ np.linalg.inv(turn).T + pivot
    assert np.array_equal(area.moved(turn, pivot, shift).holds(points), area.holds(back))
