"""Every node reacts to a press on cancel soon, in the first seconds of its work and at its end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.host.pack import pack_nodes
from tests.host.runner import StandInHost

from .host_modules import SilentBar, host_with
from .latency import MOST_SECONDS, NOT_MEASURED, Clock
from .latency_runs import first_runs, moderate_runs

# A busy machine spends more processor time on the same work.
SLACK = 2.0
# Processor time after which a run is cancelled, so that the test stays short.
LONGEST_RUN = 1.5


class Cancelled(BaseException):
    """As the host's exception: no Exception."""


def longest_gap(run: Callable[[], Any]) -> float:
    """Seconds without a call of progress, in the first LONGEST_RUN seconds of a run."""
    clock = Clock()
    began = clock.latest

    def tick() -> None:
        clock.tick()
        if clock.latest - began > LONGEST_RUN:
            raise Cancelled

    with host_with(SilentBar, tick), contextlib.suppress(Cancelled):
        run()
    clock.tick()
    return max(clock.gaps)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> StandInHost:
    return StandInHost(tmp_path_factory.mktemp("latency"))


@pytest.mark.slow
def test_no_node_is_deaf_to_cancel(host: StandInHost) -> None:
    """`python -m tests.fuzz.latency` measures whole runs against the limit itself."""
    late = {}
    for runs in (first_runs, moderate_runs):
        for name, run in runs(host).items():
            # The second time is the better one: nothing is imported any more.
            if longest_gap(run) > SLACK * MOST_SECONDS:
                late[name] = longest_gap(run)
    assert {name: gap for name, gap in late.items() if gap > SLACK * MOST_SECONDS} == {}


@pytest.mark.slow
def test_every_node_is_measured_or_named_with_a_reason(host: StandInHost) -> None:
    nodes = {name.removeprefix("MotionPrompting") for name in pack_nodes()}
    measured = {name.split()[0] for runs in (first_runs, moderate_runs) for name in runs(host)}
    assert measured | NOT_MEASURED.keys() == nodes
    assert not measured & NOT_MEASURED.keys()
