"""The throughput model on cases that can be worked out by hand."""

from __future__ import annotations

import random

import pytest

from bench.throughput import Cluster, JobCost, simulate


def test_equal_jobs_on_equal_workers() -> None:
    jobs = [JobCost(3.0)] * 10
    assert simulate(jobs, Cluster(1)) == 30
    assert simulate(jobs, Cluster(4)) == 9
    assert simulate(jobs, Cluster(100)) == 3
    assert simulate([], Cluster(4)) == 0


def test_a_long_job_that_comes_last_is_waited_for() -> None:
    assert simulate([JobCost(1.0)] * 4 + [JobCost(10.0)], Cluster(2)) == 12
    assert simulate([JobCost(10.0)] + [JobCost(1.0)] * 4, Cluster(2)) == 10


def test_a_slow_storage_limits_all() -> None:
    jobs = [JobCost(1.0, read=5.0, written=5.0)] * 100
    # 1000 bytes at 10 per second, and the last job's second in between at most twice.
    assert simulate(jobs, Cluster(1000, bandwidth=10.0)) == pytest.approx(100, abs=2)
    # One worker waits for each of its own requests.
    assert simulate(jobs, Cluster(1, bandwidth=10.0)) == pytest.approx(200)


def test_handing_out_limits_all() -> None:
    assert simulate([JobCost(1.0)] * 100, Cluster(1000, handout_s=0.5)) == pytest.approx(51)


def test_without_waiting_it_is_list_scheduling() -> None:
    draw = random.Random(0)
    seconds = [draw.expovariate(1.0) for _ in range(300)]
    free = [0.0] * 7
    for one in seconds:
        free[free.index(min(free))] += one
    assert simulate([JobCost(one) for one in seconds], Cluster(7)) == pytest.approx(max(free))
