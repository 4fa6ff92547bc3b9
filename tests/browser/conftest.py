"""The real ComfyUI frontend in headless Chromium, one browser for each module.

MOTION_PROMPTING_CHROMIUM names the browser where it is not on the path. Frontends other than the
installed one are fetched with pip into .venv/frontends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.playing import WINDOW, editor_alone
from tests.host.pack import ROOT
from tests.host.runner import StandInHost

SIZE = (416, 240)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
READY = """() => !!(window.app?.extensionManager && window.app.graph
  && window.LiteGraph?.registered_node_types?.MotionPromptingDrawMotion)"""
OLDEST = "1.35.9"  # what ComfyUI 0.8.0 pins
PINNED = "1.49.6"  # what ComfyUI 0.33 pins
VERSIONS = {"newest": "installed", "pinned": PINNED, "oldest": OLDEST}
FRONTENDS = ROOT / ".venv" / "frontends"


def missing(what: str) -> None:
    """Skips loudly; on a CI machine this is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"browser tests need {what}")
    warnings.warn(f"BROWSER TESTS SKIPPED: they need {what}", stacklevel=2)
    pytest.skip(f"needs {what}")


def chromium_path() -> str:
    """The browser's program."""
    named = os.environ.get("MOTION_PROMPTING_CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        missing("chromium (apt install chromium)")
    return str(found)


def frontend_files(version: str) -> Path:
    """The static files of a frontend: the installed one for "installed"."""
    if version == "installed":
        from tests.host.frontend import installed_frontend

        try:
            return installed_frontend()
        except ImportError:
            missing("comfyui-frontend-package (pip install -e .[dev])")
    target = FRONTENDS / version
    if not target.exists():
        wanted = f"comfyui-frontend-package=={version}"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        done = subprocess.run([*command, "--target", str(target), wanted], check=False)
        if done.returncode:
            shutil.rmtree(target, ignore_errors=True)
            missing(wanted)
    return target / "comfyui_frontend_package" / "static"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> StandInHost:
    """A stand-in host with one smooth picture."""
    from PIL import Image

    host = StandInHost(tmp_path_factory.mktemp("host"))
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    colors = np.stack([x * 255 / SIZE[0], y * 255 / SIZE[1], 120 + 60 * np.sin(x / 17)], -1)
    Image.fromarray(colors.astype(np.uint8)).save(host.input_dir / "example.png")
    Image.fromarray(np.full((300, 300, 3), 90, np.uint8)).save(host.input_dir / "square.png")
    return host


@pytest.fixture(scope="module")
def browser(stage: StandInHost) -> Iterator[Any]:
    """Headless Chromium, started after the host: a pack is loaded where no event loop runs."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright (pip install -e .[dev])")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield chromium
        chromium.close()


def open_canvas(browser: Any, server: Any, *, vue: bool, density: float = 1) -> Any:
    """A page with the graph ready, in one of the two renderers."""
    from tests.browser.canvas import Canvas

    server.settings["Comfy.VueNodes.Enabled"] = vue
    page = browser.new_page(viewport=WINDOW, device_scale_factor=density)
    page.goto(server.url, wait_until="domcontentloaded")
    page.wait_for_function(READY, timeout=60_000)
    page.wait_for_timeout(1200)
    page.keyboard.press("Escape")
    assert bool(page.evaluate("() => LiteGraph.vueNodesMode")) == vue
    return Canvas(page, server, SIZE)


@pytest.fixture(scope="module", params=VERSIONS.values(), ids=VERSIONS)
def server(request: pytest.FixtureRequest, stage: Any) -> Iterator[Any]:
    """The three frontends over the stand-in host, for modules without a server of their own."""
    from tests.host.frontend import FrontendServer

    with FrontendServer(stage, frontend_files(request.param)) as running:
        yield running


@pytest.fixture(scope="module", params=[False, True], ids=["classic", "nodes2"])
def opened(request: pytest.FixtureRequest, browser: Any, server: Any) -> Iterator[Any]:
    """The page in one renderer."""
    canvas = open_canvas(browser, server, vue=request.param)
    yield canvas
    canvas.page.close()


@pytest.fixture
def canvas(opened: Any) -> Any:
    """A fresh graph."""
    return opened.start()


@pytest.fixture(scope="module")
def bare_page(browser: Any) -> Iterator[Any]:
    """The editor alone, without ComfyUI, on a screen to touch."""
    with editor_alone(browser) as page:
        yield page
