"""The editor alone on a page, playing large drawings: for the tests and for the bench."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.host.pack import ROOT

from .trace import animation_frames, traced

WINDOW = {"width": 1440, "height": 960}
DRAWN = """(count) => {
  const types = ["drag", "region", "pin", "sphere", "drag"];
  const layers = Array.from({ length: count }, (_, i) => {
    const [x, y] = [0.1 + 0.08 * (i % 10), 0.1 + 0.16 * Math.floor(i / 10)];
    const common = { id: `layer-${i}`, type: types[i % 5], color: "#4dc9ff" };
    const square = [[x, y], [x + 0.06, y], [x + 0.06, y + 0.1], [x, y + 0.1]];
    const place = (k) => [k / 59, x + k / 900, y + 0.05 * Math.sin(k / 9)];
    const points = Array.from({ length: 60 }, (_, k) => place(k));
    return {
      drag: { ...common, points, curve: i % 2 ? "recorded" : "catmull_rom" },
      region: { ...common, polygon: square, keys: [{ t: 0 }, { t: 1, dx: 0.1 }] },
      pin: { ...common, polygon: square },
      sphere: { ...common, center: [x, y], radius: 0.05, points: points.slice(0, 9) },
    }[common.type];
  });
  const motion = { version: 1, drawn_on: { width: 832, height: 480 }, layers };
  window.editor.setText(JSON.stringify(motion));
}"""
# A brush of 1,257 dots, a ball of 12,723 and the rest of 4,350 around them.
DENSE = """() => {
  const spin = [[0, 0.55, 0.45], [1, 0.68, 0.5]];
  const ball = { id: "b", type: "sphere", center: [0.6, 0.5], radius: 0.45, spacing: 0.01 };
  const brush = { radius: 0.2, spacing: 0.01 };
  const layers = [
    { id: "d", type: "drag", points: [[0, 0.2, 0.3], [0.3, 0.3, 0.5], [1, 0.4, 0.35]], brush },
    { ...ball, points: spin },
    { id: "r", type: "pin", area: "background", spacing: 0.02 },
  ];
  const motion = { version: 1, drawn_on: { width: 832, height: 480 }, layers };
  window.editor.setText(JSON.stringify(motion));
}"""
WIDE = """() => {
  Object.assign(document.querySelector("#home").style, { width: "1200px", height: "900px" });
  const picture = new OffscreenCanvas(1024, 576);
  picture.getContext("2d").fillRect(0, 0, 600, 300);
  window.editor.setPicture(picture);
  window.editor.setClip({ frames: 61, fps: 60, width: 1024, height: 576 });
}"""
# Without a graphics processor the browser paints on the processor: that is taken out, so that what
# is left of an animation frame is our own script. And a count of the frames of the live preview.
WITHOUT_PAINT = """() => {
  window.previews = 0;
  const gl = WebGLRenderingContext.prototype;
  gl.drawElements = () => { window.previews += 1; };
  gl.clear = () => {};
  CanvasRenderingContext2D.prototype.drawImage = () => {};
}"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def editor_alone(browser: Any) -> Iterator[Any]:
    """A page with tests/browser/harness.html: the editor without ComfyUI, on a screen to touch."""
    handler = functools.partial(_Quiet, directory=str(ROOT))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page(viewport=WINDOW, has_touch=True)
    page.goto(f"http://127.0.0.1:{server.server_port}/tests/browser/harness.html")
    page.wait_for_function("() => document.querySelector('.mp-canvas')?.width > 10")
    yield page
    page.close()
    server.shutdown()


def played(browser: Any, page: Any) -> list[float]:
    """Plays for a while at 1024 px: the script of every animation frame in milliseconds."""
    page.locator(".mp-body").focus()
    page.keyboard.press("Home")
    page.evaluate("() => { window.previews = 0; }")

    def play() -> None:
        page.keyboard.press(" ")
        page.wait_for_function("() => window.previews >= 40", timeout=30_000)
        page.keyboard.press(" ")

    return animation_frames(traced(browser, page, play))
