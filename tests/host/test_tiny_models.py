"""The tiny models of the host's own classes run through its KSampler."""

from __future__ import annotations

import pytest

from tests.host.tiny_models import RECIPES
from tests.host.worker import HostError, HostWorker

pytestmark = pytest.mark.real_host

CHECKS = "tests.host.model_checks:"


@pytest.mark.parametrize("name", RECIPES)
def test_a_tiny_model_generates(worker: HostWorker, name: str) -> None:
    found = worker.call(CHECKS + "runs", name=name)
    assert found["finite"] and 0.1 < found["spread"] < 1000.0
    assert found["seeds_differ"] > 0.1, "the noise matters"
    assert found["shape"][1] == RECIPES[name].channels


def test_an_error_inside_the_host_is_reported(worker: HostWorker) -> None:
    with pytest.raises(HostError, match="KeyError: 'no_such_model'"):
        worker.call(CHECKS + "runs", name="no_such_model")
    assert worker.call(CHECKS + "names") == list(RECIPES), "and the host goes on"
