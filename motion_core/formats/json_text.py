"""JSON that holds nothing but coordinates, read with limits on its length and depth."""

from __future__ import annotations

import json
import numbers
import re
from typing import Any, NamedTuple

import numpy as np

from ..errors import FormatError
from .assembly import listed
from .files import MAX_TEXT_BYTES

MAX_DEPTH = 8
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"(?:[^\"\\]|\\.)*\"")


class Point(NamedTuple):
    """A JSON object that has exactly the numbers x and y."""

    x: float
    y: float


def load_json(text: str) -> Any:
    """The value of a JSON text in which single quotes also count as quotes, as Python prints them.

    Objects {"x": number, "y": number} become Point, all others stay dicts; numbers become float.
    Raises FormatError with line and column for anything that is not JSON, for NaN and Infinity,
    and for text longer than 64 MB or nested deeper than 8 brackets.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise FormatError(
            f"{len(text):,} characters of JSON, at most {MAX_TEXT_BYTES:,} are read; "
            "keep fewer tracks."
        )
    _check_depth(text)
    if "'" in text:
        text = _with_double_quotes(text)
    try:
        return json.loads(
            text, parse_int=float, parse_constant=_refuse_constant, object_pairs_hook=_point
        )
    except json.JSONDecodeError as error:
        raise FormatError(
            f"line {error.lineno}, column {error.colno}: not JSON ({error.msg}). Expected lists "
            'of points such as [[{"x": 1, "y": 2}]] or [[[1, 2]]].'
        ) from error


def load_list(source: str | list[Any]) -> list[Any]:
    """The list in a JSON text, or a Python list as it is, its own JSON strings read.

    Raises FormatError for anything that is not a list, or does not read as JSON.
    """
    value = load_json(source) if isinstance(source, str) else source
    if isinstance(value, dict):
        hint = " This is a drawn motion: expand it instead." if "layers" in value else ""
        raise FormatError(
            f"expected a list of tracks; got an object with {listed(list(value))}.{hint}"
        )
    if not isinstance(value, (list, tuple)) or isinstance(value, Point):
        raise FormatError(f"expected a list of tracks; got {described(value)}.")
    if not any(isinstance(item, str) for item in value):
        return list(value)
    tracks: list[Any] = []
    for index, item in enumerate(value):
        inner = _inner_list(item, index)
        tracks.extend(inner if inner and isinstance(inner[0], list) else [inner])
    return tracks


def as_number(value: Any, where: str) -> float:
    """A finite number. Raises FormatError that names `where` for anything else."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if np.isfinite(number):
            return number
    raise FormatError(f"{where}: expected a finite number of pixels; got {described(value)}.")


def described(value: Any) -> str:
    """A value, short enough for one line of an error."""
    if isinstance(value, dict):
        return f"an object with {listed([str(key) for key in value])}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = repr(value) if isinstance(value, (str, float, bool, Point)) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def _inner_list(item: Any, index: int) -> list[Any]:
    if not isinstance(item, str):
        raise FormatError(f"item {index}: expected a JSON string like the others; got {type(item)}")
    try:
        inner = load_json(item)
    except FormatError as error:
        raise FormatError(f"string {index}: {error}") from error
    if not isinstance(inner, list):
        raise FormatError(f"string {index}: expected a list of points; got {described(inner)}.")
    return inner


def _check_depth(text: str) -> None:
    codes = np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8)
    opening = (codes == ord("[")) | (codes == ord("{"))
    closing = (codes == ord("]")) | (codes == ord("}"))
    depth = np.cumsum(opening.view(np.int8) - closing.view(np.int8), dtype=np.int32)
    if depth.size and int(depth.max()) > MAX_DEPTH:
        position = int((depth > MAX_DEPTH).argmax())
        raise FormatError(
            f"character {position}: brackets nested deeper than {MAX_DEPTH}; expected a list of "
            "tracks, each a list of points."
        )


def _with_double_quotes(text: str) -> str:
    if '"' not in text and "\\" not in text:
        return text.replace("'", '"')
    return _QUOTED.sub(_requoted, text)


def _requoted(match: re.Match[str]) -> str:
    single = match.group(1)
    return match.group(0) if single is None else json.dumps(single.replace("\\'", "'"))


def _refuse_constant(name: str) -> float:
    raise FormatError(f"{name} is not a position; expected finite numbers of pixels.")


def _point(pairs: list[tuple[str, Any]]) -> Point | dict[str, Any]:
    if len(pairs) == 2:
        (first, x), (second, y) = pairs
        if first == "y" and second == "x":
            x, y = y, x
        elif first != "x" or second != "y":
            return dict(pairs)
        if type(x) is float and type(y) is float:
            return Point(x, y)
    return dict(pairs)
