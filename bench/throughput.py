"""A model of the throughput of a curation: workers that share a storage and a process that hands
out jobs.

A job reads its video from the storage, computes, and writes its result. The storage serves one
request after the other at its bandwidth; with many small requests this equals sharing it evenly.
The process that hands out jobs needs some time for each. `simulate` plays that event by event.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True)
class JobCost:
    """What a job takes: seconds of a worker, and bytes that it reads and writes."""

    seconds: float
    read: float = 0.0
    written: float = 0.0


@dataclass(frozen=True)
class Cluster:
    """Where the jobs run.

    Attributes:
        workers: Jobs at the same time.
        bandwidth: Of the storage, bytes per second.
        handout_s: Seconds in which the first process hands out a job and takes its result.
    """

    workers: int
    bandwidth: float = float("inf")
    handout_s: float = 0.0


def simulate(jobs: Sequence[JobCost], cluster: Cluster) -> float:
    """Seconds until the last of the jobs, handed out in their order, is done."""
    order = count()
    storage_free = driver_free = now = 0.0
    waiting = iter(jobs)
    events: list[tuple[float, int, str, JobCost]] = []

    def begin(time: float) -> None:
        """A worker that is free from `time` on gets the next job."""
        nonlocal driver_free
        job = next(waiting, None)
        if job is not None:
            driver_free = max(driver_free, time) + cluster.handout_s
            heapq.heappush(events, (driver_free, next(order), "read", job))

    for _ in range(cluster.workers):
        begin(0.0)
    while events:
        now, _, kind, job = heapq.heappop(events)
        if kind in ("read", "write"):
            amount = job.read if kind == "read" else job.written
            storage_free = max(storage_free, now) + amount / cluster.bandwidth
            after = storage_free if amount else now
            following = (after + job.seconds, "write") if kind == "read" else (after, "done")
            heapq.heappush(events, (following[0], next(order), following[1], job))
        else:
            begin(now)
    return now
