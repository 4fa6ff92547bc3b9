"""A ComfyUI page with our editor on it, and a hand that draws."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from motion_core.document import read_document
from tests.host.frontend import FrontendServer
from tests.host.runner import Run

NODE = "MotionPromptingDrawMotion"
PICTURE = "example.png"
MARGIN = 0.06  # around a picture that is shown whole
EMPTY_GRAPH = """([picture, origin]) => {
  app.canvas.setGraph(app.rootGraph ?? app.graph); // out of a subgraph
  app.graph.clear();
  app.graph.id = crypto.randomUUID(); // the host gives one to a graph that has none
  // A saved graph says which renderer laid it out; without it some versions lay it out anew, and
  // newer ones do so for "Vue".
  const corrects = Number(window.__COMFYUI_FRONTEND_VERSION__?.split(".")[1]) >= 43;
  const vue = corrects ? "Vue-corrected" : "Vue";
  app.graph.extra.workflowRendererVersion = LiteGraph.vueNodesMode ? vue : "LG";
  app.canvas.ds.scale = 1;
  app.canvas.ds.offset = [0, 0];
  const add = (type, x, y) => {
    const node = LiteGraph.createNode(type);
    node.pos = [x, y];
    app.graph.add(node);
    return node;
  };
  const load = add("LoadImage", 20, 80);
  load.widgets.find((widget) => widget.name === "image").value = picture;
  const draw = add("MotionPromptingDrawMotion", ...origin);
  const preview = add("MotionPromptingPreviewTracks", 1040, 130);
  load.connect(0, draw, 0);
  draw.connect(0, preview, 0);
  app.graph.updateExecutionOrder(); // as the host does when it loads a graph
  app.canvas.setDirty(true, true);
  return draw.id;
}"""
CAPTURE = """() => {
  const { changeTracker } = app.extensionManager.workflow.activeWorkflow;
  (changeTracker.captureCanvasState ?? changeTracker.checkState).call(changeTracker);
}"""


@dataclass
class Canvas:
    """The page, and where things are on it. size: of the picture in pixels."""

    page: Page
    server: FrontendServer
    size: tuple[int, int]
    node_id: Any = None

    def start(self, origin: tuple[int, int] = (390, 60)) -> Canvas:
        """A graph of Load Image, Draw Motion and Preview Tracks; nothing drawn."""
        self.server.runs.clear()
        self.server.errors.clear()
        self.node_id = self.page.evaluate(EMPTY_GRAPH, [PICTURE, list(origin)])
        # Not wait_for_selector: its answer would keep the element alive.
        self.page.wait_for_function("() => document.querySelector('.mp-canvas')?.width > 10")
        self.settle(500)
        self.page.wait_for_function("() => app.extensionManager.workflow.activeWorkflow")
        self.page.evaluate(CAPTURE)
        return self

    def settle(self, milliseconds: int = 250) -> None:
        """Lets the page come to rest."""
        self.page.wait_for_timeout(milliseconds)

    def at(self, x: float, y: float, editor: int = 0) -> tuple[float, float]:
        """Where on the page a place of the picture is, given in fractions, in a fitted view."""
        box = self.page.locator(".mp-canvas:visible").nth(editor).bounding_box()
        assert box is not None
        width, height = self.size
        room = 1 - 2 * MARGIN
        scale = min(box["width"] * room / width, box["height"] * room / height)
        return (
            box["x"] + box["width"] / 2 + (x - 0.5) * width * scale,
            box["y"] + box["height"] / 2 + (y - 0.5) * height * scale,
        )

    def drag(self, *places: Sequence[float], editor: int = 0, hold: int = 30) -> None:
        """Presses at the first place, moves through the others, lets go."""
        mouse = self.page.mouse
        mouse.move(*self.at(*places[0], editor=editor))
        mouse.down()
        for place in places[1:]:
            mouse.move(*self.at(*place, editor=editor), steps=6)
            self.settle(hold)
        mouse.up()
        self.settle()

    def click(self, x: float, y: float, editor: int = 0) -> None:
        """A click on a place of the picture."""
        self.page.mouse.click(*self.at(x, y, editor))
        self.settle(60)

    def tool(self, name: str, editor: int = 0) -> None:
        """Chooses a tool from the bar."""
        self.page.locator(".mp-toolbar").nth(editor).locator(f"[data-tool={name}]").click()

    def press(self, *keys: str) -> None:
        """Keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            self.settle(80)

    def text(self, place: int = 0) -> str:
        """What the graph stores of the nth Draw Motion node."""
        return self.page.evaluate(
            """([type, place]) => app.graph.nodes.filter((node) => node.type === type)[place]
                 .widgets.find((widget) => widget.name === "motion").value""",
            [NODE, place],
        )

    def layers(self, place: int = 0) -> list[dict[str, Any]]:
        """The drawn layers as the graph stores them; Python, the strict judge, can read them."""
        text = self.text(place)
        read_document(text)
        return json.loads(text)["layers"]

    def nodes(self) -> int:
        """How many Draw Motion nodes there are."""
        return self.page.evaluate(
            "(type) => app.graph.nodes.filter((node) => node.type === type).length", NODE
        )

    def undo_steps(self) -> int:
        """How far the graph can be undone."""
        path = "app.extensionManager.workflow.activeWorkflow.changeTracker.undoQueue.length"
        return self.page.evaluate(path)

    def queue(self) -> Run:
        """Runs the graph as the Run button does, through our nodes."""
        self.page.evaluate("() => app.queuePrompt(0)")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert not self.server.errors, self.server.errors
            if self.server.runs:
                return self.server.runs[-1]
            self.settle(100)
        raise AssertionError("the workflow did not run")
