"""Drawing in the page of a real ComfyUI: draw, load again, undo, run; needs COMFYUI_DIR."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from motion_core.formats import read_tracks
from tests.browser.canvas import PICTURE
from tests.browser.conftest import SIZE, open_canvas
from tests.host.real import RealHost

pytestmark = [pytest.mark.slow, pytest.mark.real_host]
RUN_SECONDS = 60
RESTORE_SECONDS = 15
SAVE = """([id, prefix]) => {
  const save = LiteGraph.createNode("MotionPromptingSaveTracks");
  save.pos = [1040, 420];
  save.widgets.find(({ name }) => name === "filename_prefix").value = prefix;
  app.graph.add(save);
  app.graph.getNodeById(id).connect(0, save, 0);
  app.graph.updateExecutionOrder();
}"""


class Settings(dict[str, Any]):
    """The host's settings: what is put here is sent to it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def __setitem__(self, name: str, value: Any) -> None:
        headers = {"Content-Type": "application/json"}
        body = json.dumps(value).encode()
        request = urllib.request.Request(f"{self.url}/settings/{name}", body, headers)
        urllib.request.urlopen(request, timeout=30).close()
        super().__setitem__(name, value)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHost]:
    """A running ComfyUI with one picture."""
    from PIL import Image

    host = RealHost(tmp_path_factory.mktemp("comfyui"))
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    colors = np.stack([x * 255 / SIZE[0], y * 255 / SIZE[1], 0 * x], -1).astype(np.uint8)
    Image.fromarray(colors).save(host.input_dir / PICTURE)
    with host:
        yield host


@pytest.fixture(params=[False, True], ids=["classic", "nodes2"])
def canvas(request: pytest.FixtureRequest, browser: Any, host: RealHost) -> Iterator[Any]:
    """ComfyUI's own page in one renderer, with a fresh graph."""
    settings = Settings(host.url)
    settings["Comfy.TutorialCompleted"] = True
    server = SimpleNamespace(url=host.url, settings=settings, runs=[], errors=[])
    canvas = open_canvas(browser, server, vue=request.param)
    yield canvas.start()
    canvas.page.close()


def saved(folder: Path) -> Any:
    """The tracks that a run has written, waited for."""
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        if files := sorted(folder.rglob("*.npz")):
            return read_tracks(files[-1])
        time.sleep(0.2)
    raise AssertionError("the workflow did not run")


def shows(canvas: Any, text: str) -> bool:
    """Whether the document becomes this text: the host restores a graph in its own time."""
    deadline = time.monotonic() + RESTORE_SECONDS
    while canvas.text() != text and time.monotonic() < deadline:
        canvas.settle(100)
    return canvas.text() == text


def test_what_is_drawn_in_comfyui_runs_there(canvas: Any, host: RealHost) -> None:
    # A folder of its own for each renderer: what has run once is not run, nor saved, again.
    folder = "nodes2" if canvas.page.evaluate("() => LiteGraph.vueNodesMode") else "classic"
    canvas.page.evaluate(SAVE, [canvas.node_id, f"{folder}/drawn"])
    canvas.tool("path")
    canvas.click(0.25, 0.3)
    canvas.click(0.75, 0.6)
    canvas.press("Enter")
    drawn = canvas.text()
    canvas.press("Control+z")
    canvas.settle(900)
    assert canvas.text() != drawn, "one click is taken back"
    canvas.press("Control+Shift+z")
    assert shows(canvas, drawn)
    canvas.page.evaluate("() => app.loadGraphData(app.graph.serialize())")
    canvas.settle(1200)
    assert shows(canvas, drawn)
    assert canvas.page.locator(".mp-row").count() == 1
    canvas.page.evaluate("() => app.queuePrompt(0)")
    tracks = saved(host.output_dir / folder)
    assert tuple(tracks.size) == SIZE
    wanted = np.linspace([0.25, 0.3], [0.75, 0.6], 81) * SIZE
    gaps = np.linalg.norm(tracks.xy.numpy() - wanted[:, None], axis=-1).max(axis=0)
    assert gaps.min() < 1.5, "one of the tracks follows the drawn line, pixel by pixel"
