"""A list read entry by entry is what it is when read at once, and can be stopped in between."""

from __future__ import annotations

import json

import pytest

from motion_core.errors import FormatError
from motion_core.safe_json import REPORTED_AT_ONCE, parse_json

TEXTS = (
    "[]", " [ ] ", "[1]", "[1, 2.5, [3], {\"a\": [4]}]", "\n[1\t,\r2 ]\n", "\ufeff[1]", "{}",
    '{"a": [1, 2]}', "3", '"["', "null", "[1,]", "[,1]", "[1 2]", "[1", "[", "[1]]", "[1] 2", "",
    " ", "[1, nope]", "[NaN]", "[1e400]", "[" * 99, '["]", "["]', "[[1],[2],[3]]", "[1]\u00a0",
)  # fmt: skip


def outcome(text: str, **options: object) -> object:
    try:
        return parse_json(text, **options)  # type: ignore[arg-type]
    except FormatError as error:
        return str(error)


@pytest.mark.parametrize("text", TEXTS)
def test_progress_changes_nothing(text: str) -> None:
    assert outcome(text, progress=lambda done, total: None) == outcome(text)


def test_a_long_list_is_reported_and_stopped() -> None:
    text = json.dumps([[0.5] * 100] * 10_000)
    reports: list[int] = []
    assert len(parse_json(text, progress=lambda done, _: reports.append(done))) == 10_000
    steps = [b - a for a, b in zip(reports, reports[1:], strict=False)]
    assert len(steps) > 20 and max(steps) < 1.1 * REPORTED_AT_ONCE

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parse_json(text, progress=stop)
