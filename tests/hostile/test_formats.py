"""Whatever comes in: one clear line that says what to do, or the right result; never a hang."""

from __future__ import annotations

import pytest

from . import file_cases, text_cases, wire_cases
from .case import time_limit

CASES = [*wire_cases.CASES, *text_cases.CASES, *file_cases.CASES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hostile_input(case, tmp_path):
    if case.says is None:
        with time_limit():
            assert case.act(tmp_path)
        return
    with time_limit(), pytest.raises(ValueError, match=case.says) as caught:
        case.act(tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert 20 < len(message) < 400


def test_there_are_many_and_no_two_alike():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 60
