"""A drawing of fifty layers can be edited without lag, with the editor alone on a page."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.browser.playing import DENSE, DRAWN, WIDE, WITHOUT_PAINT, played
from tests.browser.trace import script_per_move, traced

pytestmark = pytest.mark.slow

MOST_MOVE_MS = 8
MOST_FRAME_MS = 4
TRIES = 3  # the best counts: what else the machine does may only slow a try down


def stroke(bare_page: Any, moves: int = 60) -> None:
    """A stroke across the canvas by the real mouse."""
    box = bare_page.locator(".mp-canvas").bounding_box()
    left, middle = box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2
    bare_page.mouse.move(left, middle)
    bare_page.mouse.down()
    for step in range(1, moves + 1):
        way = 0.6 * box["width"] * step / moves
        bare_page.mouse.move(left + way, middle + 30 * math.sin(step / 6))
    bare_page.mouse.up()
    bare_page.wait_for_timeout(100)


def test_drawing_over_fifty_layers_keeps_up_with_the_hand(browser: Any, bare_page: Any) -> None:
    bare_page.evaluate(DRAWN, 50)
    bare_page.wait_for_timeout(500)
    stroke(bare_page, 10)
    tries = [
        script_per_move(traced(browser, bare_page, lambda: stroke(bare_page))) for _ in range(TRIES)
    ]
    assert all(len(moves) >= 50 for moves in tries), "no move is missing"
    moves = min(tries, key=np.median)
    print(f"{np.median(moves):.2f} ms a pointer move, 95 %: {np.percentile(moves, 95):.2f}")  # noqa: T201
    assert np.median(moves) <= MOST_MOVE_MS


@pytest.mark.parametrize("drawing", ["ten layers", "dense"])
def test_the_live_preview_leaves_the_frame_to_the_graphics(
    browser: Any, bare_page: Any, drawing: str
) -> None:
    """60 frames a second are 16.7 ms each; on an integrated GPU most of that is its own."""
    bare_page.evaluate(WIDE)
    if drawing == "dense":
        bare_page.evaluate(DENSE)
    else:
        bare_page.evaluate(DRAWN, 10)
    bare_page.evaluate(WITHOUT_PAINT)
    bare_page.wait_for_timeout(500)
    played(browser, bare_page)
    tries = [played(browser, bare_page) for _ in range(TRIES)]
    assert all(len(frames) >= 40 for frames in tries), "no frame is missing"
    frames = min(tries, key=np.median)
    print(f"{np.median(frames):.2f} ms a frame, 95 %: {np.percentile(frames, 95):.2f}")  # noqa: T201
    assert np.median(frames) <= MOST_FRAME_MS


def test_a_dense_drawing_is_ready_at_once(bare_page: Any) -> None:
    """The rest keeps off 14,000 dots; comparing all with all took two seconds for each change."""
    bare_page.evaluate(WIDE)
    bare_page.evaluate(DENSE)
    spent = bare_page.evaluate(
        """async () => {
          const { makeField } = await import("/web/view/warp/field.js");
          const { readDocument } = await import("/web/layers/read_document.js");
          const size = { width: 832, height: 480 };
          const began = performance.now();
          makeField(readDocument(window.editor.text), size);
          return performance.now() - began;
        }"""
    )
    assert spent < 300


def test_a_minute_of_drawing_stays_small(bare_page: Any) -> None:
    size = bare_page.evaluate(
        """async () => {
          const { simplifyStroke, smoothStroke } = await import("/web/model/simplify.js");
          const points = Array.from({ length: 3600 }, (_, i) => {
            const t = i / 60;
            const x = 0.5 + 0.3 * Math.sin(t * 2.1) + 0.05 * Math.sin(t * 9);
            return [t, x, 0.5 + 0.3 * Math.cos(t * 1.7)];
          });
          const timed = smoothStroke(points).map(([t, x, y]) => [t / 60, x, y]);
          return JSON.stringify(simplifyStroke(timed, { width: 832, height: 480 })).length;
        }"""
    )
    assert size < 64 * 1024
