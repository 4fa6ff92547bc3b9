"""Every shipped workflow opens in both renderers of the frontend that ComfyUI pins: no node hides
another, and each shows its picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest

from tests.browser.conftest import PINNED, frontend_files, open_canvas
from tests.host.pack import ROOT
from tests.host.runner import StandInHost

pytestmark = pytest.mark.slow

NAMES = sorted(path.stem for path in (ROOT / "workflows").glob("*.json"))
OPEN = "async (text) => { await app.loadGraphData(JSON.parse(text), true, true); }"
# The boxes of all nodes in units of the graph: [id, left, top, width, height]. Nodes 2.0 lays nodes
# out as elements; those of the classic renderer have a title above their size.
BOXES = """() => app.graph.nodes.map((node) => {
  const element = document.querySelector(`[data-node-id="${node.id}"]`);
  if (!LiteGraph.vueNodesMode) {
    const title = LiteGraph.NODE_TITLE_HEIGHT;
    return [node.id, node.pos[0], node.pos[1] - title, node.size[0], node.size[1] + title];
  }
  const { x, y, width, height } = element.getBoundingClientRect();
  const { scale } = app.canvas.ds;
  return [node.id, x / scale, y / scale, width / scale, height / scale];
})"""
# Fields of text that Nodes 2.0 shows in Draw Motion.
TEXTS = """() => app.graph.nodes.filter(({ type }) => type === "MotionPromptingDrawMotion").flatMap(
  ({ id }) => [...document.querySelectorAll(`[data-node-id="${id}"] textarea`)]).length"""


@pytest.fixture(scope="module")
def server(stage: StandInHost) -> Iterator[Any]:
    """The frontend over the stand-in host, whose input folder holds the samples."""
    from tests.host.frontend import FrontendServer

    with FrontendServer(stage, frontend_files(PINNED)) as running:
        yield running


@pytest.fixture(scope="module", params=[False, True], ids=["classic", "nodes2"])
def canvas(request: pytest.FixtureRequest, browser: Any, server: Any) -> Iterator[Any]:
    """The page in one renderer."""
    canvas = open_canvas(browser, server, vue=request.param)
    yield canvas
    canvas.page.close()


def hidden_pairs(boxes: list[list[float]]) -> list[tuple[float, float]]:
    """The ids of nodes that overlap by more than a unit."""
    return [
        (one[0], other[0])
        for one, other in combinations(boxes, 2)
        if all(
            min(one[axis] + one[axis + 2], other[axis] + other[axis + 2])
            - max(one[axis], other[axis])
            > 1
            for axis in (1, 2)
        )
    ]


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_without_overlaps_and_on_its_picture(canvas: Any, name: str) -> None:
    text = (ROOT / "workflows" / f"{name}.json").read_text(encoding="utf-8")
    canvas.page.evaluate(OPEN, text)
    canvas.settle(800)
    assert hidden_pairs(canvas.page.evaluate(BOXES)) == []
    missing = "() => app.graph.nodes.filter((node) => node.has_errors).map(({ type }) => type)"
    assert [one for one in canvas.page.evaluate(missing) if one.startswith("Motion")] == []
    if "MotionPromptingDrawMotion" in text:
        places = canvas.page.locator(".mp-badge-note")
        drawn_on = "() => document.querySelector('.mp-editor .mp-canvas')?.width > 10"
        canvas.page.wait_for_function(drawn_on)
        assert "no image" not in " ".join(places.all_inner_texts()).lower()
        assert canvas.page.evaluate(TEXTS) == 0, "the drawing's text stays hidden"
