"""How soon each node reacts to a press on cancel: python -m tests.fuzz.latency

Every node works on inputs of a moderate size. Between two calls of its progress, and before the
first and after the last one, at most half a second of processor time may pass.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from tests.host.runner import StandInHost

from .host_modules import SilentBar, host_with
from .latency_runs import first_runs, moderate_runs

MOST_SECONDS = 0.5
# Nodes that no run below calls, and why.
NOT_MEASURED = {
    "ImageConductorLora": "keeps the name of a motion; needs a network of Image Conductor",
    "LoadTrackControlNet": "reads one file of weights, as LoadTrackControlNetPatch does",
    "MotionMask": "keeps a mask; needs a network of MotionPro",
}


class Clock:
    """Processor time between calls of progress."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.latest = time.process_time()

    def tick(self) -> None:
        """A call of progress, or the end of the work."""
        now = time.process_time()
        self.gaps.append(now - self.latest)
        self.latest = now


@contextlib.contextmanager
def ticking(clock: Clock) -> Iterator[None]:
    """A host whose progress bar moves the clock."""

    with host_with(SilentBar, clock.tick):
        yield


def longest_gap(run: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of processor time: the longest without a call of progress, and all of the run."""
    clock = Clock()
    began = clock.latest
    with ticking(clock):
        run()
    clock.tick()
    return max(clock.gaps), clock.latest - began


def main() -> int:
    """Print a table of all runs. Returns 1 if one waits too long."""
    torch.set_num_threads(1)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        host = StandInHost(Path(folder))
        # Before the models that the moderate runs need import the libraries.
        for runs in (first_runs, moderate_runs):
            for name, run in runs(host).items():
                if len(sys.argv) < 2 or name.startswith(sys.argv[1]):
                    worst = max(worst, _measured(name, run))
    return int(worst > MOST_SECONDS)


def _measured(name: str, run: Callable[[], Any]) -> float:
    """The longest gap of a run, after a line of the table is printed."""
    gap, whole = longest_gap(run)
    mark = "  <--" if gap > MOST_SECONDS else ""
    sys.stdout.write(f"{name:28}{gap:8.2f} s of {whole:8.2f} s{mark}\n")
    sys.stdout.flush()
    return gap


if __name__ == "__main__":
    sys.exit(main())
