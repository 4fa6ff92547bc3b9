"""The editor's script for each frame that it plays, by Chromium's own trace.

Painting is taken out: without a graphics processor the browser paints on the processor, which is no
figure of ours. Needs Chromium and playwright; the row says so where they are missing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil

import numpy as np

from tests.browser.playing import DENSE, DRAWN, WIDE, WITHOUT_PAINT, editor_alone, played

from .row import Row

# Milliseconds of a frame that are left to script; of 16.7 at 60 frames a second.
FRAME_MS = 4.0
REPEATS = 5
# What is evaluated in the page for each drawing.
DRAWINGS = {
    "ten layers": (DRAWN, 10),
    "fifty layers": (DRAWN, 50),
    "18,000 dots": (DENSE, None),
}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"]


def measure() -> list[Row]:
    """Script per frame of every drawing, the best median of REPEATS plays."""
    program = os.environ.get("MOTION_PROMPTING_CHROMIUM") or shutil.which("chromium")
    if program is None or importlib.util.find_spec("playwright") is None:
        return [Row("editor, script a frame", None, "ms", "needs chromium and playwright")]
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        rows = [measure_drawing(browser, name) for name in DRAWINGS]
        browser.close()
    return rows


def measure_drawing(browser: object, name: str) -> Row:
    """Processor time of the animation frames while a drawing of 61 frames plays at 1024 pixels."""
    code, count = DRAWINGS[name]
    with editor_alone(browser) as page:
        page.evaluate(WIDE)
        page.evaluate(code, count)
        page.evaluate(WITHOUT_PAINT)
        page.wait_for_timeout(500)
        played(browser, page)
        frames = min((played(browser, page) for _ in range(REPEATS)), key=np.median)
    spent = float(np.median(frames))
    label = f"editor, script a frame, {name}"
    return Row(label, spent, "ms", f"{FRAME_MS:g} ms", spent / FRAME_MS, 1.0)
