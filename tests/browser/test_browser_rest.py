"""The rest keeps off what a run has cut out of the picture, also in the editor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.browser.newest import opened, server  # noqa: F401

pytestmark = pytest.mark.slow

# Dark pixels in a part of the orange disc: the rims of dots.
MARKS = """([left, top, right, bottom]) => {
  const canvas = document.querySelector('.mp-canvas');
  const box = canvas.getBoundingClientRect();
  const ratio = canvas.width / box.width;
  const size = [(right - left) * ratio, (bottom - top) * ratio];
  const place = [(left - box.left) * ratio, (top - box.top) * ratio];
  const { data } = canvas.getContext('2d').getImageData(...place, ...size);
  let dark = 0;
  for (let at = 0; at < data.length; at += 4) dark += data[at] < 110 ? 1 : 0;
  return dark;
}"""


def put_disc(canvas: Any) -> None:
    """A picture of an orange disc, in place of the loaded one."""
    from PIL import Image

    from motion_core.geometry import Size
    from tests.layers.pictures import disc_alpha, disc_picture

    size = Size(416, 240)
    alpha = disc_alpha(size, (208.0, 120.0), 80.0)
    pixels = (disc_picture(alpha).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(canvas.server.host.input_dir / "disc.png")
    canvas.page.evaluate(
        """() => {
          const load = app.graph.nodes.find(({ type }) => type === "LoadImage");
          const widget = load.widgets.find(({ name }) => name === "image");
          widget.value = "disc.png";
          widget.callback?.("disc.png");
        }"""
    )
    canvas.settle(800)


def test_dots_leave_the_thing_after_a_run(canvas: Any) -> None:
    put_disc(canvas)
    canvas.tool("drag")
    canvas.drag((0.5, 0.5), (0.6, 0.5), (0.7, 0.5))
    canvas.page.locator("[data-command=rest]").click()
    canvas.page.keyboard.press("Escape")
    canvas.settle()
    # On the disc, left of the brush.
    (left, top), (right, bottom) = canvas.at(0.34, 0.35), canvas.at(0.41, 0.65)
    place = [left, top, right, bottom]
    before = canvas.page.evaluate(MARKS, place)
    assert before > 50
    run = canvas.queue()
    canvas.settle(800)
    notes = [text for shown in run.ui.values() for text in (shown or {}).get("text", ())]
    assert any("cut out of the image" in text for text in notes)
    assert canvas.page.evaluate(MARKS, place) < before / 10
