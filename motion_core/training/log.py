"""The log of a run: one JSON object per line, `log.jsonl`.

A line holds `step` and either the mean losses since the line before (`loss` and its terms,
`seconds_per_step`) or the validation errors of the averaged weights (`probe`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..atomic_write import naming, write_text
from ..errors import FormatError
from ..regular_files import read_text
from ..safe_json import parse_json

MAX_LOG_BYTES = 256 << 20


def append_line(path: Path, line: dict[str, Any]) -> None:
    """Add a line to a log. Raises OSError; the log is then as before."""
    size = path.stat().st_size if path.exists() else 0
    with naming(path):
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError:
            # Half a line would join the next one.
            if path.exists():
                os.truncate(path, size)
            raise


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, without one that was cut off while it was written.

    Raises:
        FormatError: The file cannot be read, or a line, which is named, is not a JSON object with
            a step.
    """
    lines = []
    try:
        # An empty log is that of a run that was stopped before its first line.
        data = read_text(path, MAX_LOG_BYTES) if path.stat().st_size else ""
    except (FormatError, OSError) as error:
        raise FormatError(f"{path}: {error}") from error
    texts = data.split("\n")
    texts = [f"{text}\n" for text in texts[:-1]] + ([texts[-1]] if texts[-1] else [])
    for number, text in enumerate(texts, start=1):
        if number == len(texts) and not text.endswith("\n"):
            break
        try:
            line = parse_json(text, allow_nan=True)
        except FormatError as error:
            raise FormatError(f"{path} line {number} is not JSON: {error}") from error
        if not isinstance(line, dict) or type(line.get("step")) is not int:
            raise FormatError(f"{path} line {number} is no object with a step.")
        lines.append(line)
    return lines


def truncate_log(path: Path, step: int) -> None:
    """Drop the lines of the steps after `step`, if there is a log. Raises what read_log raises."""
    if path.exists():
        kept = [line for line in read_log(path) if line["step"] <= step]
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))
