"""The journal of an evaluation: rows measured so far, so that an interruption costs one clip."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ..atomic_write import naming, remove_leftovers, write_text
from ..errors import FormatError
from ..regular_files import decode_text
from ..safe_json import parse_json

# 3: rows also hold moving least squares, and oracle segments under that name.
VERSION = 3
# Figures of one case, by method and measure. NaN where nothing could be measured.
Row = dict[str, dict[str, float]]


class Journal:
    """Rows by name, kept in a file of JSON lines as they come; only in memory without one."""

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        """Opens the journal.

        Args:
            path: a file of JSON lines, or None to keep rows in memory only.
            settings: of the run; a file with other settings is refused.

        Raises:
            FormatError: the file belongs to another run or is not a journal. An incomplete
                last line is measured again.
        """
        self.path = path
        self.rows: dict[str, Row] = {}
        self._head = {"journal": VERSION, "of": settings}
        if path is None:
            return
        remove_leftovers(path)
        lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
        if lines:
            self._read(lines)
        else:
            self._write([self._head])

    def add(self, name: str, row: Row) -> None:
        """Adds a row."""
        self.rows[name] = row
        if self.path is not None:
            with naming(self.path), self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"name": name, "row": _plain(row)}) + "\n")

    def close(self) -> None:
        """Removes the file, once the report is written."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            remove_leftovers(self.path)

    def _read(self, lines: list[bytes]) -> None:
        try:
            head, *rows = [parse_json(decode_text(line)) for line in lines]
            self.rows = {str(line["name"]): _known(line["row"]) for line in rows}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise FormatError(
                f"{self.path} cannot be read as an evaluation's journal ({error}). Delete it to "
                "start anew."
            ) from error
        if head != json.loads(json.dumps(self._head)):
            raise FormatError(
                f"{self.path} belongs to an evaluation of something else: {head}. Name another "
                "report, or delete it to start anew."
            )
        # Without an incomplete last line.
        self._write(
            [head, *({"name": name, "row": _plain(row)} for name, row in self.rows.items())]
        )

    def _write(self, lines: list[Any]) -> None:
        assert self.path is not None
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in lines))


def _plain(row: Row) -> Any:
    return {
        method: {name: None if math.isnan(value) else value for name, value in figures.items()}
        for method, figures in row.items()
    }


def _known(row: Any) -> Row:
    return {
        method: {
            name: math.nan if value is None else float(value) for name, value in figures.items()
        }
        for method, figures in row.items()
    }
