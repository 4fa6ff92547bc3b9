"""SIGTERM, with which schedulers announce that they will end a process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class StopSignal:
    """is_set: whether a signal to stop has arrived."""

    is_set: bool = False


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Notes the first SIGTERM while the context is open; a second one ends the process as usual.

    Python sets handlers in the main thread only; in another one nothing is noted.
    """
    state = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield state
        return

    def note(*_: Any) -> None:
        state.is_set = True
        signal.signal(signal.SIGTERM, before)

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield state
    finally:
        signal.signal(signal.SIGTERM, before)
