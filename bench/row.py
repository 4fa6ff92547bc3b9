"""One line of the table, and how to take times that another program on the machine cannot bend."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A measured value beside what it is held against.

    ratio is a cost: value / against for times and bytes, wanted / reached for speeds, so that
    smaller is always better and the row is ok when ratio <= budget. ratio and budget are None
    for a value that is only reported. `failed` marks a measurement that did not work.
    """

    name: str
    value: float | None
    unit: str
    against: str
    ratio: float | None = None
    budget: float | None = None
    failed: bool = False

    @property
    def ok(self) -> bool:
        """Whether the measurement worked and the budget, if there is one, is kept."""
        if self.failed:
            return False
        return self.budget is None or (self.ratio is not None and self.ratio <= self.budget)

    def as_dict(self) -> dict[str, Any]:
        """What out/bench.json holds for this row."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "against": self.against,
            "ratio": self.ratio,
            "budget": self.budget,
            "ok": self.ok,
        }


def best_seconds(works: Mapping[str, Callable[[], object]], repeats: int = 7) -> dict[str, float]:
    """The fastest of `repeats` runs of each piece of work, in seconds.

    The pieces take turns, so that a busy moment of the machine falls on all of them, and each
    runs once beforehand. What a run returns is freed after the clock is read.
    """
    for work in works.values():
        work()
    best = dict.fromkeys(works, float("inf"))
    for _ in range(repeats):
        for name, work in works.items():
            begin = time.perf_counter()
            result = work()
            best[name] = min(best[name], time.perf_counter() - begin)
            del result
    return best
