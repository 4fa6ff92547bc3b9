"""The editor beside drawing: full screen, shortcuts, what a run shows; in three frontends."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow

CONTROL = "Control"
ADD_INFO = """([id]) => {
  const info = LiteGraph.createNode("MotionPromptingTracksInfo");
  info.pos = [1040, 480];
  app.graph.add(info);
  app.graph.getNodeById(id).connect(0, info, 0);
}"""
REPORT = "() => [...document.querySelectorAll('textarea[readonly]')].map((area) => area.value)"


def test_a_run_leaves_the_stage_as_it_is(canvas: Any) -> None:
    canvas.drag((0.3, 0.3), (0.6, 0.3))
    stage = canvas.page.locator(".mp-canvas").bounding_box()
    drawn_by_host = (
        "(id) => { const node = app.graph.getNodeById(id);"
        " return [node.imgs?.length ?? 0, node.widgets.length]; }"
    )
    before = canvas.page.evaluate(drawn_by_host, canvas.node_id)
    canvas.queue()
    canvas.settle(1200)
    assert canvas.page.evaluate(drawn_by_host, canvas.node_id) == before
    assert canvas.page.locator(".mp-canvas").bounding_box() == pytest.approx(stage, abs=1)


def test_tracks_info_keeps_its_report(canvas: Any) -> None:
    canvas.page.evaluate(ADD_INFO, [canvas.node_id])
    canvas.drag((0.3, 0.3), (0.6, 0.3))
    canvas.queue()
    canvas.settle(800)
    (report,) = canvas.page.evaluate(REPORT)
    assert "tracks" in report and "416" in report
    canvas.page.evaluate("() => app.loadGraphData(app.graph.serialize())")
    canvas.settle(1200)
    assert canvas.page.evaluate(REPORT) == [report]
    canvas.drag((0.3, 0.5), (0.6, 0.5))
    canvas.server.runs.clear()
    canvas.queue()
    canvas.settle(800)
    (renewed,) = canvas.page.evaluate(REPORT)
    assert renewed != report, "another run, another report, in the same place"


def test_full_screen_has_undo_and_redo_and_stays_open(canvas: Any) -> None:
    canvas.drag((0.3, 0.3), (0.6, 0.3))
    canvas.press("f")
    cover = canvas.page.locator(".mp-cover")
    assert cover.count() == 1
    canvas.press(f"{CONTROL}+z")
    canvas.settle(900)
    assert canvas.layers() == []
    assert cover.count() == 1 and cover.locator(".mp-row").count() == 0
    canvas.press(f"{CONTROL}+Shift+z")
    canvas.settle(900)
    assert len(canvas.layers()) == 1
    assert cover.count() == 1 and cover.locator(".mp-row").count() == 1
    canvas.drag((0.3, 0.7), (0.6, 0.7))
    assert len(canvas.layers()) == 2, "the live editor is the one in full screen"
    canvas.press("f")
    assert cover.count() == 0


def test_the_rest_is_held_by_one_click_and_let_go_by_another(canvas: Any) -> None:
    canvas.drag((0.3, 0.3), (0.6, 0.3))
    hold = canvas.page.locator("[data-command=rest]")
    assert hold.get_attribute("aria-pressed") == "false"
    hold.click()
    assert [layer.get("area") for layer in canvas.layers()] == [None, "background"]
    assert hold.get_attribute("aria-pressed") == "true"
    canvas.press("b")
    assert len(canvas.layers()) == 1
    assert hold.get_attribute("aria-pressed") == "false"


def test_marks_can_be_hidden(canvas: Any) -> None:
    canvas.tool("pin")
    pixels = "() => document.querySelector('.mp-canvas').toDataURL()"
    canvas.page.mouse.move(5, 5)
    bare = canvas.page.evaluate(pixels)
    canvas.press("b")
    canvas.settle()
    assert canvas.page.evaluate(pixels) != bare
    canvas.press("o")
    canvas.settle()
    assert canvas.page.evaluate(pixels) == bare


def test_alt_and_keys_size_the_brush(canvas: Any) -> None:
    canvas.drag((0.3, 0.3), (0.6, 0.3))
    (before,) = canvas.layers()
    canvas.press(".", ".", ",")
    (after,) = canvas.layers()
    assert after["brush"]["radius"] == pytest.approx(1.15 * before["brush"]["radius"], rel=1e-3)
    canvas.press("Escape")
    canvas.page.keyboard.down("Alt")
    canvas.drag((0.3, 0.7), (0.5, 0.7))
    canvas.page.keyboard.up("Alt")
    assert len(canvas.layers()) == 1, "sizing draws nothing"
    canvas.drag((0.3, 0.7), (0.6, 0.7))
    assert canvas.layers()[1]["brush"]["radius"] > 1.3 * after["brush"]["radius"]


def test_tab_stays_in_full_screen(canvas: Any) -> None:
    canvas.tool("pin")
    canvas.press("f")
    inside = "() => document.querySelector('.mp-cover').contains(document.activeElement)"
    for _ in range(60):
        canvas.page.keyboard.press("Tab")
        assert canvas.page.evaluate(inside)
    canvas.press("Escape")
    assert canvas.page.locator(".mp-cover").count() == 0
