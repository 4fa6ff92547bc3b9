"""JSON of other tools, read with limits: on depth, on digits, and without NaN and infinities."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from .errors import FormatError
from .progress import Progress, silent
from .regular_files import read_text, without_mark

MAX_DEPTH = 64
# No float has more digits before its point.
MAX_DIGITS = 309
MAX_CONFIG_BYTES = 16 << 20
# Characters whose brackets are counted at once.
COUNTED_AT_ONCE = 1 << 20
# Characters between two calls of progress.
REPORTED_AT_ONCE = 1 << 17
_NO_BLANK = re.compile(r"[^ \t\n\r]")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def parse_json(
    text: str,
    *,
    most_depth: int = MAX_DEPTH,
    allow_nan: bool = False,
    number: Callable[[str], Any] | None = None,
    pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
    progress: Progress = silent,
) -> Any:
    """The value of a JSON text; the one place where the project parses JSON of others.

    Args:
        text: With or without a byte order mark.
        most_depth: How deep brackets may be nested.
        allow_nan: Whether NaN and Infinity are numbers, as in logs that Python has written.
        number: What becomes of the text of a number; None makes int and float of finite ones.
        pairs_hook: What becomes of the names and values of an object; None makes a dict.
        progress: Called with characters, as the entries of a list are read.

    Raises:
        FormatError: With line and column for text that is not JSON; for brackets nested too deeply,
            for NaN and Infinity, and for numbers beyond the range of a float.
    """
    text = without_mark(text)
    check_depth(text, most_depth)
    decoder = json.JSONDecoder(
        parse_int=number or _whole,
        parse_float=number or _finite,
        parse_constant=float if allow_nan else _refuse_constant,
        object_pairs_hook=pairs_hook,
    )
    try:
        if progress is not silent:
            found = _entries(text, decoder, progress)
            if found is not None:
                return found
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"line {error.lineno}, column {error.colno}: not JSON ({error.msg})."
        ) from error
    except RecursionError as error:
        raise FormatError(f"brackets nested deeper than {most_depth}.") from error


def _entries(text: str, decoder: json.JSONDecoder, progress: Progress) -> list[Any] | None:
    """The list in a text, entry by entry; None for anything but a whole list of one or more."""
    found: list[Any] = []
    place, mark, reported = _after_blanks(text, 0), "[", 0
    try:
        while text[place : place + 1] == mark:
            value, end = decoder.raw_decode(text, _after_blanks(text, place + 1))
            found.append(value)
            place, mark = _after_blanks(text, end), ","
            if end - reported > REPORTED_AT_ONCE:
                progress(end, len(text))
                reported = end
    except json.JSONDecodeError:
        return None
    is_whole = text[place : place + 1] == "]" and _after_blanks(text, place + 1) == len(text)
    return found if is_whole else None


def _after_blanks(text: str, place: int) -> int:
    found = _NO_BLANK.search(text, place)
    return len(text) if found is None else found.start()


def read_json_object(path: Path, limit: int = MAX_CONFIG_BYTES) -> dict[str, Any]:
    """The object in a JSON file, such as the config.json of a model.

    Raises FormatError naming the file for what cannot be read and for anything but an object.
    """
    try:
        value = parse_json(read_text(path, limit))
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise FormatError(f"{path}: expected a JSON object {{...}}; got {type(value).__name__}.")
    return value


def check_depth(text: str, most_depth: int) -> None:
    """Refuse deep nesting before a text is parsed. Raises FormatError."""
    position = _too_deep(text, most_depth)
    if position is not None and len(text) <= COUNTED_AT_ONCE:
        # Brackets inside strings do not nest.
        position = _too_deep(_STRING.sub(_blank, text), most_depth)
    if position is not None:
        raise FormatError(f"character {position}: brackets nested deeper than {most_depth}.")


def _too_deep(text: str, most_depth: int) -> int | None:
    """Where brackets are nested deeper than allowed; those in strings count as well."""
    depth = 0
    for start in range(0, len(text), COUNTED_AT_ONCE):
        part = text[start : start + COUNTED_AT_ONCE].encode("ascii", "replace")
        codes = np.frombuffer(part, dtype=np.uint8)
        opening = (codes == ord("[")) | (codes == ord("{"))
        closing = (codes == ord("]")) | (codes == ord("}"))
        here = depth + np.cumsum(opening.view(np.int8) - closing.view(np.int8), dtype=np.int64)
        if int(here.max()) > most_depth:
            return start + int((here > most_depth).argmax())
        depth = int(here[-1])
    return None


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS or not math.isfinite(float(digits)):
        raise FormatError(f"a number of {len(digits):,} digits; expected finite numbers.")
    return int(digits)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise FormatError(f"{text[:40]} is beyond the range of a float; expected finite numbers.")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise FormatError(f"{name} is not a JSON number; expected finite numbers.")
