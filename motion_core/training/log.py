"""The log of a run: one JSON object per line, `log.jsonl`.

A line holds `step` and either the mean losses since the line before (`loss` and its terms,
`seconds_per_step`) or the validation errors of the averaged weights (`probe`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..atomic_write import write_text
from ..errors import FormatError


def append_line(path: Path, line: dict[str, Any]) -> None:
    """Add a line to a log. Raises OSError."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, without one that was cut off while it was written.

    Raises:
        FormatError: Names the line that is not JSON.
        OSError: The file cannot be read.
    """
    lines = []
    texts = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for number, text in enumerate(texts, start=1):
        if number == len(texts) and not text.endswith("\n"):
            break
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError as error:
            raise FormatError(f"{path} line {number} is not JSON: {error}.") from error
    return lines


def truncate_log(path: Path, step: int) -> None:
    """Drop the lines of the steps after `step`, if there is a log. Raises what read_log raises."""
    if path.exists():
        kept = [line for line in read_log(path) if line["step"] <= step]
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))
