"""JSON of other tools, read with limits: on depth, on digits, and without NaN and infinities."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from .errors import FormatError
from .regular_files import read_text, without_mark

MAX_DEPTH = 64
# No float has more digits before its point.
MAX_DIGITS = 309
MAX_CONFIG_BYTES = 16 << 20
# Characters whose brackets are counted at once.
COUNTED_AT_ONCE = 1 << 20


def parse_json(text: str) -> Any:
    """The value of a JSON text whose numbers are all finite.

    Raises FormatError with line and column for text that is not JSON, for brackets nested deeper
    than 64, for NaN and Infinity, and for numbers beyond the range of a float.
    """
    text = without_mark(text)
    _check_depth(text)
    try:
        return json.loads(
            text, parse_int=_whole, parse_float=_finite, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise FormatError(
            f"line {error.lineno}, column {error.colno}: not JSON ({error.msg})."
        ) from error
    except RecursionError as error:
        raise FormatError(f"brackets nested deeper than {MAX_DEPTH}.") from error


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


def _check_depth(text: str) -> None:
    """Refuse deep nesting before it is parsed. Brackets inside strings count as well."""
    depth = 0
    for start in range(0, len(text), COUNTED_AT_ONCE):
        part = text[start : start + COUNTED_AT_ONCE].encode("ascii", "replace")
        codes = np.frombuffer(part, dtype=np.uint8)
        opening = (codes == ord("[")) | (codes == ord("{"))
        closing = (codes == ord("]")) | (codes == ord("}"))
        here = depth + np.cumsum(opening.view(np.int8) - closing.view(np.int8), dtype=np.int64)
        if int(here.max()) > MAX_DEPTH:
            position = start + int((here > MAX_DEPTH).argmax())
            raise FormatError(f"character {position}: brackets nested deeper than {MAX_DEPTH}.")
        depth = int(here[-1])


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
