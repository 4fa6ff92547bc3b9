"""What Chromium's own trace says a page has cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline"]
SCRIPT = ("EventDispatch", "FireAnimationFrame")


def traced(browser: Any, page: Any, act: Callable[[], None]) -> list[dict[str, Any]]:
    """The complete events of the page's main thread while `act` runs, in order."""
    browser.start_tracing(page=page, categories=CATEGORIES)
    act()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    own = [e for e in events if e["ph"] == "X" and (e["pid"], e["tid"]) in mains]
    return sorted(own, key=lambda event: event["ts"])


def cpu_ms(event: dict[str, Any]) -> float:
    """What an event has kept the processor busy, so that other programs do not count."""
    return event.get("tdur", event["dur"]) / 1000


def script_per_move(events: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of handlers and animation frames from each pointer move to the next."""
    moves: list[float] = []
    for event in events:
        if event["name"] not in SCRIPT:
            continue
        if event.get("args", {}).get("data", {}).get("type") == "pointermove":
            moves.append(0)
        if moves:
            moves[-1] += cpu_ms(event)
    return moves


def animation_frames(events: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of the callbacks of each animation frame, all of one frame together."""
    frames: dict[float, float] = {}
    task = 0.0
    for event in events:
        if event["name"] == "RunTask":
            task = event["ts"]
        if event["name"] == "FireAnimationFrame":
            frames[task] = frames.get(task, 0) + cpu_ms(event)
    return list(frames.values())
