"""Logs of runs: read, cut back to a step, and plotted, also those with older keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from motion_core.errors import FormatError
from motion_core.training.lite.probes import COUNTS, LEVELS
from motion_core.training.log import append_line, read_log, truncate_log
from motion_core.training.plot import plot_log

TRACKS = [*map(str, COUNTS), "drag"]
# The keys of the first logs; today's are object and untracked instead of thing and unseen.
OLD_PLACES = ("all", "thing", "boundary", "tracks", "unseen", "none")
PLACES = ("all", "object", "boundary", "tracks", "untracked", "none")


def write_log(path: Path, probe: dict[str, float]) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [{"step": 25, "seconds_per_step": 1.5, "loss": 2.0}]
    lines += [{"step": 50, "probe": probe}, {"step": 50, "seconds_per_step": 1.5, "loss": 1.0}]
    for line in lines:
        append_line(path, line)
    return lines


@pytest.mark.parametrize(
    "probe",
    [
        {f"{name}/{place}": 1.0 for name in TRACKS for place in PLACES},
        {f"{name}/{place}": 1.0 for name in TRACKS for place in OLD_PLACES},
        {f"{level}/{image}": 1.0 for level in LEVELS for image in ("own", "other")},
    ],
    ids=["tracks", "old keys", "base"],
)
def test_a_log_is_plotted(tmp_path: Path, probe: dict[str, float]) -> None:
    write_log(tmp_path / "log.jsonl", probe)
    plot_log(tmp_path / "log.jsonl", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_a_log_without_losses_draws_nothing(tmp_path: Path) -> None:
    plot_log(tmp_path / "none.jsonl", tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []


def test_the_lines_after_a_step_are_dropped(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = write_log(log, {})
    truncate_log(log, 49)
    assert read_log(log) == lines[:1]
    truncate_log(tmp_path / "none.jsonl", 0)


def test_a_line_that_was_cut_off_is_ignored(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lines = write_log(log, {})
    with log.open("a", encoding="utf-8") as file:
        file.write('{"step": 75, "lo')
    assert read_log(log) == lines
    truncate_log(log, 75)
    append_line(log, lines[0])
    assert read_log(log) == [*lines, lines[0]]


def test_other_files_are_refused_by_line(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    write_log(log, {})
    log.write_text(log.read_text() + "nonsense\n", encoding="utf-8")
    with pytest.raises(FormatError, match="line 4"):
        plot_log(log, tmp_path / "curves.png")
