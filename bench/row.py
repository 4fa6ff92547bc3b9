"""A row of the benchmark table, and time measurement that tolerates other load on the machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """A measured value and the value it is compared with.

    Attributes:
        name: of the measurement.
        value: measured, or None.
        unit: of the value.
        against: what the value is compared with.
        ratio: a cost: value / against for times and bytes, target / reached for speeds, so that
            smaller is always better. None for a value that is only reported.
        budget: the largest ratio that is ok, or None.
        failed: the measurement did not work.
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
        """This row as written to out/bench.json."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "against": self.against,
            "ratio": self.ratio,
            "budget": self.budget,
            "ok": self.ok,
        }


def best_seconds(
    functions: Mapping[str, Callable[[], object]], repeats: int = 7
) -> dict[str, float]:
    """The fastest of several runs of each function, in seconds.

    The functions alternate, so that other load on the machine affects all of them, and each runs
    once beforehand. Results are freed after the clock is read.

    Args:
        functions: by name.
        repeats: runs per function.
    """
    for function in functions.values():
        function()
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, function in functions.items():
            begin = time.perf_counter()
            result = function()
            best[name] = min(best[name], time.perf_counter() - begin)
            del result
    return best
