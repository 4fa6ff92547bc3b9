"""Fingers and pens, pictures of no use, texts of no sense, lost contexts: the editor alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from motion_core.document import read_document
from motion_core.expand import expand_document
from motion_core.geometry import Size

pytestmark = pytest.mark.slow

PICTURE = Size(832, 480)
MARGIN = 0.06
FRESH = """() => {
  window.texts.length = 0;
  Object.assign(document.querySelector("#home").style, { width: "520px", height: "560px" });
  window.editor.setText("");
  window.editor.resume({ time: 0, tool: "drag", selection: new Set(), showsSketch: true });
  window.editor.setClip({ frames: 81, fps: 16, width: 832, height: 480 });
  window.editor.setPicture(stripes(832, 480));
}"""
STRIPES = """() => {
  window.stripes = (width, height) => {
    const picture = new OffscreenCanvas(width, height);
    const context = picture.getContext("2d");
    for (let x = 0; x < width; x += width / 16) {
      context.fillStyle = (x / (width / 16)) % 2 ? "#e0b040" : "#2040a0";
      context.fillRect(x, 0, width / 16, height);
    }
    return picture;
  };
  const real = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    const context = real.call(this, kind, ...rest);
    if (kind === "webgl") window.gl = context;
    return context;
  };
  window.moves = 0;
  const draw = WebGLRenderingContext.prototype.drawElements;
  WebGLRenderingContext.prototype.drawElements = function (...args) {
    window.moves += 1;
    return draw.apply(this, args);
  };
}"""
# What the stage shows, as few gray values.
SHOWN = """() => {
  const small = new OffscreenCanvas(64, 48);
  const context = small.getContext("2d", { willReadFrequently: true });
  context.drawImage(document.querySelector(".mp-canvas"), 0, 0, 64, 48);
  const { data } = context.getImageData(0, 0, 64, 48);
  return Array.from({ length: 64 * 48 }, (_, i) => data[i * 4]);
}"""
LAYERS = "() => JSON.parse(window.editor.text).layers"


@pytest.fixture(scope="module")
def faults(bare_page: Any) -> list[str]:
    """Errors that no one has caught, and the spies in place."""
    caught: list[str] = []
    bare_page.on("pageerror", lambda error: caught.append(str(error)))
    bare_page.evaluate(STRIPES)
    return caught


@pytest.fixture
def page(bare_page: Any, faults: list[str]) -> Iterator[Any]:
    """An empty drawing on stripes; the page must come through without an error."""
    bare_page.evaluate(FRESH)
    bare_page.wait_for_timeout(250)
    bare_page.keyboard.press("0")
    yield bare_page
    assert not faults


def place(page: Any, x: float, y: float, size: tuple[int, int] = PICTURE) -> tuple[float, float]:
    """Where a place of the fitted picture is on the page."""
    box = page.locator(".mp-canvas").bounding_box()
    room = 1 - 2 * MARGIN
    scale = min(box["width"] * room / size[0], box["height"] * room / size[1])
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    return middle[0] + (x - 0.5) * size[0] * scale, middle[1] + (y - 0.5) * size[1] * scale


def draw(page: Any, start: Any, end: Any, size: tuple[int, int] = PICTURE) -> list[Any]:
    """A stroke of the mouse; the layers there are then."""
    page.mouse.move(*place(page, *start, size))
    page.mouse.down()
    page.mouse.move(*place(page, *end, size), steps=8)
    page.mouse.up()
    page.wait_for_timeout(120)
    return page.evaluate(LAYERS)


def fingers(page: Any) -> Callable[..., None]:
    """Puts fingers on the page, moves them, lifts them: `touch(kind, *places)`."""
    client = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(20)

    return touch


def test_one_finger_draws(page: Any) -> None:
    touch = fingers(page)
    touch("touchStart", place(page, 0.3, 0.4))
    for x in (0.35, 0.4, 0.5, 0.6):
        touch("touchMove", place(page, x, 0.4))
    touch("touchEnd")
    (layer,) = page.evaluate(LAYERS)
    assert np.allclose(layer["points"][0][1:], [0.3, 0.4], atol=0.01)
    assert np.allclose(layer["points"][-1][1:], [0.6, 0.4], atol=0.01)


def test_two_fingers_zoom_and_draw_nothing(page: Any) -> None:
    touch = fingers(page)
    left, right = place(page, 0.45, 0.5), place(page, 0.55, 0.5)
    touch("touchStart", left)
    touch("touchMove", (left[0] - 3, left[1]))
    touch("touchStart", left, right)
    span = right[0] - left[0]
    for step in range(1, 6):
        touch(
            "touchMove",
            (left[0] - step * span / 10, left[1]),
            (right[0] + step * span / 10, right[1]),
        )
    touch("touchEnd")
    assert page.evaluate("() => window.texts.length") == 0, "the stroke begun was given up"
    # The fingers are twice as far apart: the same way of the hand is half as long.
    (layer,) = draw(page, (0.5, 0.5), (0.7, 0.5))
    way = layer["points"][-1][1] - layer["points"][0][1]
    assert way == pytest.approx(0.1, abs=0.012)


def test_a_pen_draws(page: Any) -> None:
    client = page.context.new_cdp_session(page)

    def pen(kind: str, x: float, y: float) -> None:
        left, top = place(page, x, y)
        down = {"button": "left", "buttons": 1, "clickCount": 1, "force": 0.5, "pointerType": "pen"}
        client.send("Input.dispatchMouseEvent", {"type": kind, "x": left, "y": top, **down})

    pen("mousePressed", 0.3, 0.3)
    for x in (0.4, 0.5, 0.6):
        pen("mouseMoved", x, 0.35)
    pen("mouseReleased", 0.6, 0.35)
    (layer,) = page.evaluate(LAYERS)
    assert np.allclose(layer["points"][-1][1:], [0.6, 0.35], atol=0.01)


def test_the_picture_still_moves_after_its_context_is_lost(page: Any) -> None:
    draw(page, (0.3, 0.5), (0.6, 0.5))
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    page.keyboard.press("End")
    page.wait_for_timeout(200)
    still = np.array(page.evaluate(SHOWN), float)
    page.keyboard.press("m")
    page.wait_for_timeout(200)
    moved = np.array(page.evaluate(SHOWN), float)
    assert np.abs(moved - still).mean() > 2, "the picture moves"
    page.evaluate(
        "() => { window.loss = gl.getExtension('WEBGL_lose_context'); loss.loseContext(); }"
    )
    page.keyboard.press("Home")
    page.keyboard.press("End")
    page.wait_for_timeout(400)
    flat = np.array(page.evaluate(SHOWN), float)
    assert np.abs(flat - moved).mean() < 0.5 * np.abs(moved - still).mean(), "drawn without WebGL"
    page.evaluate("() => loss.restoreContext()")
    page.wait_for_timeout(200)
    page.evaluate("() => { window.moves = 0; }")
    page.keyboard.press("Home")
    page.keyboard.press("End")
    page.wait_for_timeout(400)
    assert page.evaluate("() => window.moves") > 0, "WebGL is taken up again"
    assert np.abs(np.array(page.evaluate(SHOWN), float) - moved).mean() < 1


def test_a_picture_of_4000_pixels_is_drawn_on_at_its_size(page: Any) -> None:
    page.evaluate("() => window.editor.setPicture(stripes(4000, 3000))")
    page.wait_for_timeout(300)
    (layer,) = draw(page, (0.3, 0.5), (0.6, 0.5), (4000, 3000))
    assert np.allclose(layer["points"][-1][1:], [0.6, 0.5], atol=0.01)
    text = page.evaluate("() => window.editor.text")
    assert json.loads(text)["drawn_on"] == {"width": 4000, "height": 3000}
    page.evaluate("() => { window.moves = 0; }")
    page.keyboard.press("End")
    page.wait_for_timeout(400)
    assert page.evaluate("() => window.moves") > 0


def test_a_picture_of_no_size_is_no_picture(page: Any) -> None:
    page.evaluate("() => window.editor.setPicture(new Image())")
    (layer,) = draw(page, (0.3, 0.5), (0.6, 0.5))
    assert np.allclose(layer["points"][-1][1:], [0.6, 0.5], atol=0.01)


def test_one_frame_can_be_drawn_on_played_and_run(page: Any) -> None:
    page.evaluate("() => window.editor.setClip({ frames: 1, fps: 16, width: 832, height: 480 })")
    draw(page, (0.3, 0.5), (0.6, 0.5))
    for key in ("End", "Home", "ArrowRight", " "):
        page.keyboard.press(key)
        page.wait_for_timeout(80)
    page.keyboard.press(" ")
    tracks = expand_document(read_document(page.evaluate("() => window.editor.text")), PICTURE, 1)
    assert tracks.num_frames == 1 and tracks.num_points > 0


def test_an_editor_without_room_waits_for_some(page: Any) -> None:
    page.evaluate(
        "() => Object.assign(document.querySelector('#home').style, { width: 0, height: 0 })"
    )
    page.wait_for_timeout(150)
    page.evaluate("() => window.editor.setPicture(stripes(640, 480))")
    page.evaluate(FRESH)
    page.wait_for_timeout(250)
    (layer,) = draw(page, (0.3, 0.5), (0.6, 0.5))
    assert np.allclose(layer["points"][0][1:], [0.3, 0.5], atol=0.01)


UNREADABLE = {
    "cut": '{"version": 1, "layers": [',
    "a list": "[1, 2]",
    "no layers": '{"version": 1, "drawn_on": {"width": 8, "height": 8}, "layers": 3}',
    "an unknown layer": '{"version":1,"drawn_on":{"width":8,"height":8},"layers":[{"type":"x"}]}',
    "newer": '{"version": 7, "drawn_on": {"width": 8, "height": 8}, "layers": []}',
}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_text_is_reported_and_kept_until_decided(page: Any, text: str) -> None:
    page.evaluate("(text) => window.editor.setText(text)", text)
    error = page.locator(".mp-load-error")
    assert len(error.inner_text()) > 40, "it names the fault"
    page.get_by_text("Keep text").click()
    page.mouse.move(*place(page, 0.3, 0.3))
    page.mouse.down()
    page.mouse.move(*place(page, 0.6, 0.3), steps=4)
    page.mouse.up()
    for key in ("Delete", "Control+v", "Control+d"):
        page.keyboard.press(key)
    assert page.evaluate("() => [window.editor.text, window.texts.length]") == [text, 0]
    page.evaluate("() => window.editor.setText('')")
    page.evaluate("(text) => window.editor.setText(text)", text)
    page.locator(".mp-load-error button").last.click()
    assert len(draw(page, (0.3, 0.3), (0.5, 0.3))) == 1, "the user chose to draw anew"
