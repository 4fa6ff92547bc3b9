"""The editor under zoom, on dense screens, twice in a graph, idle, and gone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.browser.conftest import SIZE, frontend_files, open_canvas

pytestmark = pytest.mark.slow

ZOOM = """(scale) => {
  app.canvas.ds.scale = scale;
  app.canvas.ds.offset = scale > 1 ? [-360, -190] : [60, 20];
  app.canvas.setDirty(true, true);
}"""
COUNT_FRAMES = """() => {
  window.framesAsked = 0;
  const real = window.requestAnimationFrame;
  window.requestAnimationFrame = (call) => {
    if (new Error().stack.includes("/view/")) window.framesAsked += 1;
    return real(call);
  };
}"""

REMEMBER_CONTEXTS = """() => {
  window.contexts = [];
  const real = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    const context = real.call(this, kind, ...rest);
    if (kind === "webgl" && !window.contexts.includes(context)) window.contexts.push(context);
    return context;
  };
}"""


@pytest.fixture(scope="module")
def server(stage: Any) -> Iterator[Any]:
    """The newest frontend over the stand-in host."""
    from tests.host.frontend import FrontendServer

    with FrontendServer(stage, frontend_files("installed")) as running:
        yield running


@pytest.fixture(scope="module", params=[False, True], ids=["classic", "nodes2"])
def opened(request: pytest.FixtureRequest, browser: Any, server: Any) -> Iterator[Any]:
    """The page in one renderer, on a screen of two pixels per CSS pixel."""
    canvas = open_canvas(browser, server, vue=request.param, density=2)
    yield canvas
    canvas.page.close()


@pytest.fixture
def canvas(opened: Any) -> Any:
    """A fresh graph."""
    return opened.start()


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0])
def test_drawing_lands_under_the_pointer_at_every_zoom(canvas: Any, zoom: float) -> None:
    canvas.page.evaluate(ZOOM, zoom)
    canvas.settle(700)
    canvas.drag((0.35, 0.4), (0.6, 0.55))
    (layer,) = canvas.layers()
    tolerance = 0.012 / zoom
    assert np.allclose(layer["points"][0][1:], [0.35, 0.4], atol=tolerance)
    assert np.allclose(layer["points"][-1][1:], [0.6, 0.55], atol=tolerance)


def test_the_canvas_is_as_sharp_as_the_screen(canvas: Any) -> None:
    assert canvas.page.evaluate(
        "() => { const c = document.querySelector('.mp-canvas'); return c.width / c.clientWidth; }"
    ) == pytest.approx(2, abs=0.02)


def test_two_editors_do_not_disturb_each_other(canvas: Any) -> None:
    canvas.page.evaluate(
        """() => {
          const node = LiteGraph.createNode("MotionPromptingDrawMotion");
          node.pos = [940, 60];
          app.graph.add(node);
        }"""
    )
    canvas.settle(700)
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    assert (len(canvas.layers(0)), len(canvas.layers(1))) == (1, 0)
    canvas.press("Control+c")
    canvas.page.locator(".mp-canvas").nth(1).click(position={"x": 20, "y": 20})
    canvas.press("Control+v")
    canvas.settle()
    assert (len(canvas.layers(0)), len(canvas.layers(1))) == (1, 1)


def test_an_idle_editor_asks_for_no_frames(canvas: Any) -> None:
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    canvas.page.evaluate(COUNT_FRAMES)
    canvas.settle(2000)
    assert canvas.page.evaluate("() => window.framesAsked") == 0
    canvas.press("Home", "End")
    canvas.settle()
    assert canvas.page.evaluate("() => window.framesAsked") > 0, "the count works"


def test_playing_moves_the_playhead_and_the_picture(canvas: Any) -> None:
    canvas.drag((0.3, 0.3), (0.7, 0.6))
    frame = canvas.page.locator(".mp-frame")
    canvas.press(" ")
    canvas.page.wait_for_selector(".mp-badge-sketch", state="visible", timeout=10_000)
    shown = frame.inner_text()
    moved = "(shown) => document.querySelector('.mp-frame').textContent !== shown"
    canvas.page.wait_for_function(moved, arg=shown, timeout=10_000)
    canvas.press(" ")


def test_the_wheel_zooms_the_graph_until_the_editor_is_clicked(canvas: Any) -> None:
    scale = "() => app.canvas.ds.scale"
    canvas.page.evaluate("() => document.activeElement?.blur()")
    canvas.page.mouse.move(*canvas.at(0.5, 0.5))
    canvas.page.mouse.wheel(0, -120)
    canvas.settle(400)
    assert canvas.page.evaluate(scale) > 1
    canvas.start()
    canvas.tool("select")
    canvas.click(0.5, 0.5)
    before = canvas.page.evaluate(scale)
    canvas.page.mouse.wheel(0, -600)
    canvas.settle(400)
    assert canvas.page.evaluate(scale) == before, "the view zooms, not the graph"
    canvas.tool("drag")
    canvas.drag((0.5, 0.5), (0.8, 0.5))
    reach = canvas.layers()[0]["points"][-1][1] - 0.5
    assert 0 < reach < 0.2, "zoomed in, the same way of the hand is a shorter way on the picture"


def test_taller_nodes_give_more_stage_and_no_resize_loop(canvas: Any) -> None:
    canvas.page.evaluate("(id) => app.graph.getNodeById(id).setSize([600, 900])", canvas.node_id)
    canvas.page.evaluate("() => app.canvas.setDirty(true, true)")
    heights = []
    for _ in range(4):
        canvas.settle(250)
        heights.append(canvas.page.locator(".mp-view").bounding_box()["height"])
    assert heights[-1] == pytest.approx(heights[1], abs=1)
    assert heights[-1] > 380


def test_a_picture_of_another_shape_is_reported(canvas: Any) -> None:
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    canvas.page.evaluate(
        """() => {
          const load = app.graph.nodes.find((node) => node.type === "LoadImage");
          const widget = load.widgets.find(({ name }) => name === "image");
          widget.value = "square.png";
          widget.callback?.("square.png");
        }"""
    )
    canvas.settle(700)
    badge = canvas.page.locator(".mp-badge-canvas")
    assert "416×240" in badge.inner_text() and "300×300" in badge.inner_text()
    canvas.page.get_by_text("Adopt").click()
    assert badge.is_hidden()


def test_two_fingers_on_the_editor_do_not_zoom_the_graph(canvas: Any) -> None:
    view = "() => [app.canvas.ds.scale, ...app.canvas.ds.offset]"
    before = canvas.page.evaluate(view)
    pinch(canvas, canvas.at(0.4, 0.5), canvas.at(0.6, 0.5))
    assert canvas.page.evaluate(view) == before
    assert canvas.text() == canvas.page.evaluate(
        "() => LiteGraph.createNode('MotionPromptingDrawMotion').widgets"
        ".find(({ name }) => name === 'motion').value"
    ), "nothing was drawn"
    canvas.drag((0.5, 0.5), (0.6, 0.5))
    points = canvas.layers()[0]["points"]
    assert 0 < points[-1][1] - points[0][1] < 0.08, "the view was zoomed"


def pinch(canvas: Any, left: tuple[float, float], right: tuple[float, float]) -> None:
    """Two fingers that go apart until they are twice as far from each other."""
    client = canvas.page.context.new_cdp_session(canvas.page)
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
    step = (right[0] - left[0]) / 10
    for turn in range(6):
        places = [(left[0] - turn * step, left[1]), (right[0] + turn * step, right[1])]
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        kind = "touchMove" if turn else "touchStart"
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        canvas.settle(30)
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    client.detach()
    canvas.settle()


def test_without_its_picture_the_canvas_of_the_numbers_is_drawn_on(canvas: Any) -> None:
    canvas.page.evaluate(
        """() => {
          const load = app.graph.nodes.find((node) => node.type === "LoadImage");
          const widget = load.widgets.find(({ name }) => name === "image");
          widget.value = "gone.png";
          widget.callback?.("gone.png");
        }"""
    )
    canvas.settle(700)
    canvas.page.mouse.move(*canvas.at(0.3, 0.3))
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    text = json.loads(canvas.text())
    assert text["drawn_on"] == {"width": 832, "height": 480}
    assert len(text["layers"]) == 1


def test_behind_a_node_that_scales_the_picture_is_found(canvas: Any) -> None:
    canvas.page.evaluate(
        """([id]) => {
          const scale = LiteGraph.createNode("ImageScale");
          scale.pos = [20, 420];
          app.graph.add(scale);
          const set = (name, value) => {
            scale.widgets.find((widget) => widget.name === name).value = value;
          };
          set("width", 208);
          set("height", 208);
          const load = app.graph.nodes.find((node) => node.type === "LoadImage");
          const draw = app.graph.getNodeById(id);
          load.connect(0, scale, 0);
          scale.connect(0, draw, 0);
        }""",
        [canvas.node_id],
    )
    canvas.settle(700)
    note = canvas.page.locator(".mp-badge-note")
    assert "before" in note.inner_text() and "Run once" in note.inner_text()
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    assert json.loads(canvas.text())["drawn_on"] == {"width": 416, "height": 240}
    canvas.queue()
    canvas.settle(800)
    canvas.size = (208, 208)
    canvas.drag((0.3, 0.6), (0.5, 0.6))
    canvas.size = SIZE
    start = canvas.layers()[1]["points"][0][1:]
    assert np.allclose(start, [0.3, 0.6], atol=0.02), "drawn on the square image that arrived"


def test_a_deleted_node_lets_go_of_all_it_took(canvas: Any) -> None:
    canvas.page.evaluate(REMEMBER_CONTEXTS)
    canvas.page.evaluate("() => app.graph.clear()")
    canvas.settle()
    before = window_listeners(canvas.page)
    canvas.start()
    assert window_listeners(canvas.page) > before, "the count works"
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    canvas.press("End", "f")
    canvas.settle(500)
    canvas.press("f")
    assert canvas.page.evaluate("() => window.contexts.length") >= 1, "the picture was moved by GL"
    canvas.page.evaluate("() => { window.stages = [...document.querySelectorAll('.mp-canvas')]; }")
    canvas.page.evaluate("() => app.graph.clear()")
    canvas.settle(600)
    assert canvas.page.locator(".mp-editor, .mp-cover").count() == 0
    assert window_listeners(canvas.page) == before
    assert canvas.page.evaluate("() => window.contexts.every((gl) => gl.isContextLost())")
    assert canvas.page.evaluate("() => window.stages.every((stage) => stage.width === 0)")


def test_a_deleted_node_can_be_collected(opened: Any) -> None:
    """Untouched: the host itself holds on to the node last pointed at, whatever its kind."""
    opened.page.mouse.move(700, 930)
    canvas = opened.start()
    canvas.page.evaluate(
        """() => {
          window.gone = new WeakRef(document.querySelector(".mp-editor"));
          app.graph.clear();
        }"""
    )
    canvas.settle()
    add_others = (
        "for (let i = 0; i < 2; i += 1) app.graph.add(LiteGraph.createNode('PreviewImage'))"
    )
    canvas.page.evaluate(f"() => {{ {add_others}; }}")
    canvas.page.mouse.click(700, 900)
    canvas.settle(4300)
    client = canvas.page.context.new_cdp_session(canvas.page)
    for turn in range(60):  # the host drops some references with its next frames and events
        client.send("HeapProfiler.collectGarbage")
        canvas.page.mouse.move(700 + turn % 2, 900)
        canvas.settle(250)
        if canvas.page.evaluate("() => window.gone.deref() === undefined"):
            return
    pytest.fail("something still holds the editor of a deleted node")


def window_listeners(page: Any) -> int:
    """How many listeners the page's window has."""
    client = page.context.new_cdp_session(page)
    window = client.send("Runtime.evaluate", {"expression": "window"})["result"]["objectId"]
    found = client.send("DOMDebugger.getEventListeners", {"objectId": window})["listeners"]
    client.detach()
    return len(found)
