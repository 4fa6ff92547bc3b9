"""Fixtures of modules that test one feature in one page: Nodes 2.0 of the newest frontend.

A module imports `opened` and `server` to replace those of conftest.py, which open every version.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import frontend_files, open_canvas


@pytest.fixture(scope="module")
def server(stage: Any) -> Iterator[Any]:
    """The newest frontend over the stand-in host."""
    from tests.host.frontend import FrontendServer

    with FrontendServer(stage, frontend_files("installed")) as running:
        yield running


@pytest.fixture(scope="module")
def opened(browser: Any, server: Any) -> Iterator[Any]:
    """The page in Nodes 2.0."""
    canvas = open_canvas(browser, server, vue=True)
    yield canvas
    canvas.page.close()
