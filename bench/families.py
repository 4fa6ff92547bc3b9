"""What tracks cost of a run, for every way to steer a family, on small networks: only ratios count.

What does not depend on the noise is computed once per run (tests/models/test_alike.py counts), so
the ratio falls towards that of a single step as steps are added.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from motion_core.sampling import Sampling, sample
from tests.models.cases import CASES, Case

from .row import Row

STEPS = 4


def measure() -> list[Row]:
    """The sampler's time with tracks against that without, per family."""
    return [measure_family(name) for name in CASES]


def measure_family(name: str, repeats: int = 5) -> Row:
    """From the picture to decoded frames: processor time, which no other program bends, of the best
    of some runs in one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        case = CASES[name](torch.float32)
        # Taking turns, so that a warmer machine serves both.
        pairs = [(_seconds(case, case.control), _seconds(case, None)) for _ in range(repeats)]
    finally:
        torch.set_num_threads(threads)
    steered, free = (min(times) for times in zip(*pairs, strict=True))
    label = f"{name}, small, {STEPS} steps"
    return Row(label, 1e3 * steered, "CPU ms", "without tracks", steered / free)


def _seconds(case: Case, control: Any) -> float:
    begin = time.process_time()
    sample(case.model, control, case.request, case.tracks, Sampling(STEPS))
    return time.process_time() - begin
