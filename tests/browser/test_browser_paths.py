"""Handles of path points in the node: dragged, toggled, reached by keys, undone."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.browser.newest import opened, server  # noqa: F401

pytestmark = pytest.mark.slow


def arch(canvas: Any) -> None:
    """A path of three points, ended."""
    canvas.tool("path")
    for place in ((0.2, 0.7), (0.5, 0.3), (0.8, 0.7)):
        canvas.click(*place)
    canvas.press("Enter")


def test_a_points_handle_bends_the_line_and_can_be_undone(canvas: Any) -> None:
    arch(canvas)
    canvas.click(0.5, 0.3)  # shows its handles: a sixth of the way between its neighbours
    before = canvas.undo_steps()
    canvas.drag((0.6, 0.3), (0.6, 0.5))
    (layer,) = canvas.layers()
    assert layer["curve"] == "bezier" and json.loads(canvas.text())["version"] == 2
    in_x, in_y, out_x, out_y = layer["handles"][1]
    assert np.allclose([out_x, out_y], [0.1, 0.2], atol=0.01)
    assert in_x < 0 and in_y < 0, "the other one turned with it"
    assert canvas.undo_steps() == before + 1
    run = canvas.queue()
    tracks = run.outputs[str(canvas.node_id)][0]["track_path"].numpy()
    assert tracks[..., 1].max() > 0.75 * 240, "the tracks follow the bent line below its points"
    canvas.press("Control+z")
    for _ in range(20):
        canvas.settle()
        if "handles" not in canvas.layers()[0]:
            return
    raise AssertionError("the handles stay after an undo")


def test_a_double_click_makes_a_corner_and_smooth_again(canvas: Any) -> None:
    arch(canvas)
    canvas.tool("select")
    canvas.page.mouse.dblclick(*canvas.at(0.5, 0.3))
    canvas.settle()
    assert canvas.layers()[0]["handles"] == [None, [0, 0, 0, 0], None]
    canvas.page.mouse.dblclick(*canvas.at(0.5, 0.3))
    canvas.settle()
    assert canvas.layers()[0]["handles"] == [None, None, None]


def test_keys_reach_points_and_handles(canvas: Any) -> None:
    arch(canvas)
    canvas.press("PageDown", "PageDown", "PageDown", "j")  # point, its handle, the next point
    assert canvas.layers()[0]["handles"] == [None, [0, 0, 0, 0], None]
    canvas.press("j", "PageDown", "PageDown", "Shift+ArrowUp")  # its second handle, ten pixels up
    handles = canvas.layers()[0]["handles"]
    assert handles[0] is handles[2] is None
    assert handles[1][3] == pytest.approx(-10 / 240, abs=2e-3)
    assert handles[1][1] > 0, "the other one turned with it"
    canvas.press("Escape")
    canvas.press("i")
    canvas.click(0.5, 0.3)
    shown = canvas.page.locator(".mp-inspector [aria-pressed=true]").all_inner_texts()
    canvas.press("i")
    assert "Smooth" in shown


def test_a_path_goes_on_after_an_undo(canvas: Any) -> None:
    canvas.tool("path")
    for place in ((0.2, 0.7), (0.5, 0.3), (0.6, 0.6)):
        canvas.click(*place)
    canvas.press("Control+z")
    canvas.settle(900)
    canvas.click(0.8, 0.7)
    (layer,) = canvas.layers()
    points = [point[1:] for point in layer["points"]]
    assert np.allclose(points, [[0.2, 0.7], [0.5, 0.3], [0.8, 0.7]], atol=0.01)
    canvas.press("Enter")
    canvas.click(0.2, 0.2)
    assert len(canvas.layers()) == 2
