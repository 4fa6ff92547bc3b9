"""The relative cost of tracks in a run, for every control of a family, on small networks.

Only ratios are meaningful. Values that do not depend on the noise are computed once per run
(tests/models/test_alike.py counts), so the ratio falls towards that of a single step as steps are
added.
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
    """The processor time with tracks relative to that without, per family."""
    return [measure_family(name) for name in CASES]


def measure_family(name: str, repeats: int = 5) -> Row:
    """Processor time from the picture to decoded frames, the best of several runs in one thread.

    Processor time does not count the time of other programs.

    Args:
        name: of CASES.
        repeats: number of runs.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        case = CASES[name](torch.float32)
        # Alternating, so that a change of the machine's speed affects both.
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
