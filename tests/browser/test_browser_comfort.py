"""What makes drawing comfortable, in the node of the newest frontend: each in one renderer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.browser.newest import opened, server  # noqa: F401

pytestmark = pytest.mark.slow


def test_a_flick_is_slowed_down_and_can_fill_the_clip(canvas: Any) -> None:
    mouse = canvas.page.mouse
    mouse.move(*canvas.at(0.3, 0.5))
    mouse.down()
    mouse.move(*canvas.at(0.6, 0.5), steps=3)
    mouse.up()
    canvas.settle()
    (layer,) = canvas.layers()
    assert layer["end"] == pytest.approx(0.2, abs=0.01), "one of five seconds"
    assert "one second" in canvas.page.locator(".mp-hint").inner_text()
    canvas.press("w")
    assert canvas.layers()[0]["end"] == 1


def test_a_ball_is_spun_moved_and_sized_by_its_parts(canvas: Any) -> None:
    canvas.tool("sphere")
    canvas.drag((0.5, 0.5), (0.5, 0.8))
    canvas.tool("select")
    canvas.drag((0.55, 0.5), (0.6, 0.55))
    (layer,) = canvas.layers()
    assert len(layer["points"]) > 1 and np.allclose(layer["center"], [0.5, 0.5], atol=0.01)
    canvas.drag((0.5, 0.2), (0.6, 0.2))
    assert np.allclose(canvas.layers()[0]["center"], [0.6, 0.5], atol=0.01)
    right = 0.6 + 0.3 * 240 / 416
    canvas.drag((right, 0.5), (right + 0.1, 0.5))
    assert canvas.layers()[0]["radius"] == pytest.approx(0.3 + 0.1 * 416 / 240, abs=0.02)


def test_the_brush_has_a_handle_on_the_canvas(canvas: Any) -> None:
    canvas.drag((0.4, 0.5), (0.6, 0.5), (0.8, 0.5))
    canvas.press(".", ".", ".", ".", ".", ".")  # large enough that its handle stands on its rim
    radius = canvas.layers()[0]["brush"]["radius"]
    canvas.drag((0.4, 0.5 - radius), (0.4, 0.5 - radius - 0.1))
    (layer,) = canvas.layers()
    assert layer["brush"]["radius"] == pytest.approx(radius + 0.1, abs=0.02)


def test_timing_is_copied_to_other_layers(canvas: Any) -> None:
    canvas.drag((0.2, 0.3), (0.5, 0.3))
    canvas.drag((0.2, 0.7), (0.5, 0.7))
    canvas.press("w", "y")
    canvas.page.locator(".mp-row .mp-name").last.click()
    canvas.press("u")
    first, second = canvas.layers()
    assert first["end"] == second["end"] == 1
    steps = canvas.undo_steps()
    canvas.press("u")
    assert canvas.undo_steps() == steps, "nothing changed"


def test_points_snap_and_control_suspends_it(canvas: Any) -> None:
    canvas.tool("path")
    canvas.press("g")
    canvas.click(0.25, 0.3)
    canvas.click(0.492, 0.305)
    canvas.page.keyboard.down("Control")
    canvas.click(0.75, 0.31)
    canvas.page.keyboard.up("Control")
    canvas.press("Enter", "g")
    points = [point[1:] for point in canvas.layers()[0]["points"]]
    assert points[1] == [0.5, points[0][1]], "the middle across, the first point's level down"
    assert points[2][1] == pytest.approx(0.31, abs=0.005) and points[2][1] != points[0][1]


def test_the_timeline_is_given_height_which_is_remembered(canvas: Any) -> None:
    canvas.drag((0.2, 0.3), (0.5, 0.3))
    canvas.press("f")
    canvas.settle(500)
    height = "() => document.querySelector('.mp-timeline').offsetHeight"
    before = canvas.page.evaluate(height)
    box = canvas.page.locator(".mp-splitter").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"]
    canvas.page.mouse.move(x, y)
    canvas.page.mouse.down()
    canvas.page.mouse.move(x, y - 100, steps=4)
    canvas.page.mouse.up()
    assert canvas.page.evaluate(height) == pytest.approx(before + 100, abs=2)
    canvas.press("f")
    canvas.start()
    canvas.page.locator(".mp-canvas").click(position={"x": 10, "y": 10})
    canvas.press("f")
    canvas.settle(500)
    assert canvas.page.evaluate(height) == pytest.approx(before + 100, abs=2), "by another node"
    canvas.page.locator(".mp-splitter").dblclick()
    assert canvas.page.evaluate(height) == pytest.approx(before, abs=2)
    canvas.press("f")


def test_a_portrait_has_the_whole_height_in_full_screen(bare_page: Any) -> None:
    bare_page.evaluate(
        """() => {
          const picture = new OffscreenCanvas(480, 832);
          picture.getContext("2d").fillRect(0, 0, 400, 400);
          window.editor.setPicture(picture);
          window.editor.focus();
        }"""
    )
    bare_page.keyboard.press("f")
    bare_page.wait_for_timeout(300)
    box = {
        name: bare_page.locator(f".mp-{name}").bounding_box()
        for name in ("body", "view", "timeline", "transport")
    }
    bare_page.keyboard.press("f")
    assert box["view"]["height"] > 0.88 * box["body"]["height"]
    assert box["timeline"]["x"] >= box["view"]["x"] + box["view"]["width"], "beside the picture"
    assert box["transport"]["width"] <= box["view"]["width"] + 2
