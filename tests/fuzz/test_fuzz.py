"""A fixed part of the fuzzer, and every input that once failed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from .judge import judge
from .target import Target, all_targets

TARGETS = all_targets()
KEPT = [(target, file) for target in TARGETS for file in target.seeds()]


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_inputs_are_read_or_refused(target: Target) -> None:
    @settings(
        max_examples=target.examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def run(value: object) -> None:
        judge(target, value)

    run()


@pytest.mark.parametrize(
    ("target", "file"), KEPT, ids=[f"{target.name}-{file.stem}" for target, file in KEPT]
)
def test_former_failures_stay_mended(target: Target, file) -> None:
    judge(target, target.decode(file.read_bytes()))
