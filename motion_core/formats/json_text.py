"""JSON that holds nothing but coordinates, read with limits on its length and depth."""

from __future__ import annotations

import json
import numbers
import re
from typing import Any, NamedTuple

import numpy as np

from ..errors import FormatError, listed
from ..progress import Progress, silent
from ..regular_files import without_mark
from ..safe_json import check_depth, parse_json

MAX_JSON_CHARACTERS = 32 << 20
MAX_JSON_POINTS = 2_000_000
MAX_TRACKS = 200_000
MAX_DEPTH = 8
READ_LISTS = (
    'read are a list of tracks, each with a point {"x": 1, "y": 2} (KJNodes, Wan-Move, LTX, ATI) '
    "or a pair [1, 2] (Image Conductor, DragNUWA) for every frame"
)
_QUOTED = re.compile(r"'([^']*)'|\"[^\"]*\"")


class Point(NamedTuple):
    """A JSON object that has exactly the numbers x and y."""

    x: float
    y: float


def load_list(source: str | list[Any], progress: Progress = silent) -> list[Any]:
    """The list in a JSON text, or a Python list; JSON strings inside it are parsed as well.

    Single quotes count as quotes, as Python prints them. Objects {"x": number, "y": number} become
    Point, other objects stay dicts, numbers become float.

    Args:
        source: The text or list.
        progress: Called as the entries of a text are read.

    Raises:
        FormatError: The text is not JSON (the message names line and column), holds NaN or
            Infinity, more than 32 million characters, 2 million points or 200,000 tracks, or
            brackets nested deeper than 8, or is not a list.
    """
    if isinstance(source, str):
        source = without_mark(source)
        _check_marks(source)
        source = _parse(source, progress)
    if isinstance(source, dict):
        hint = " This is a drawn motion: expand it instead." if "layers" in source else ""
        raise FormatError(
            f"expected a list of tracks; got {described(source)}; {READ_LISTS}.{hint}"
        )
    if not isinstance(source, (list, tuple)) or isinstance(source, Point):
        raise FormatError(f"expected a list of tracks; got {described(source)}; {READ_LISTS}.")
    if any(isinstance(item, str) for item in source):
        source = _read_strings(list(source))
    if len(source) > MAX_TRACKS and not isinstance(source[0], (Point, dict)):
        raise FormatError(f"{len(source):,} tracks, at most {MAX_TRACKS:,} are read; keep fewer.")
    return list(source)


def check_json_counts(tracks: int, frames: int) -> None:
    """Refuse to write more tracks or points than load_list reads. Raises FormatError."""
    if tracks > MAX_TRACKS or tracks * frames > MAX_JSON_POINTS:
        raise FormatError(
            f"{tracks:,} tracks of {frames:,} points are too many for JSON, of which at most "
            f"{MAX_TRACKS:,} tracks and {MAX_JSON_POINTS:,} points are read; keep fewer, or write "
            ".npz."
        )


def check_json_length(text: str) -> str:
    """The text. Raises FormatError where it is longer than load_list reads."""
    if len(text) > MAX_JSON_CHARACTERS:
        raise FormatError(
            f"the tracks take {len(text):,} characters of JSON, of which at most "
            f"{MAX_JSON_CHARACTERS:,} are read; keep fewer tracks or frames, or write .npz."
        )
    return text


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


def _read_strings(items: list[Any]) -> list[Any]:
    """Each string holds one track or a list of tracks."""
    for index, item in enumerate(items):
        if not isinstance(item, str):
            raise FormatError(f"item {index}: expected a string; got {described(item)}.")
    if len(items) > MAX_TRACKS:
        raise FormatError(f"{len(items):,} tracks, at most {MAX_TRACKS:,} are read; keep fewer.")
    _check_marks(" ".join(items))
    tracks: list[Any] = []
    for index, item in enumerate(items):
        try:
            inner = _parse(item)
        except FormatError as error:
            raise FormatError(f"string {index}: {error}") from error
        if not isinstance(inner, list):
            raise FormatError(f"string {index}: expected a list of points; got {described(inner)}.")
        tracks.extend(inner if inner and isinstance(inner[0], list) else [inner])
    return tracks


def _parse(text: str, progress: Progress = silent) -> Any:
    if "'" in text:
        text = _with_double_quotes(text)
    try:
        return parse_json(
            text, most_depth=MAX_DEPTH, number=float, pairs_hook=_point, progress=progress
        )
    except FormatError as error:
        raise FormatError(
            f'{error} Expected lists of points in finite pixels such as [[{{"x": 1, "y": 2}}]] '
            "or [[[1, 2]]]."
        ) from error


def _check_marks(text: str) -> None:
    """Refuse what would take long, much memory or deep recursion to parse, before parsing."""
    if len(text) > MAX_JSON_CHARACTERS:
        raise FormatError(
            f"{len(text):,} characters of JSON, at most {MAX_JSON_CHARACTERS:,} are read; keep "
            "fewer tracks, or use .npz."
        )
    check_depth(text, MAX_DEPTH)
    # A point has a bracket and two commas.
    if sum(text.count(mark) for mark in "[{,") > 3 * MAX_JSON_POINTS:
        raise FormatError(
            f"more than {MAX_JSON_POINTS:,} points of JSON; keep fewer tracks, or use .npz."
        )


def _with_double_quotes(text: str) -> str:
    if "\\" in text:
        raise FormatError("backslashes beside single quotes; write the text with json.dumps.")
    if '"' not in text:
        return text.replace("'", '"')
    return _QUOTED.sub(_requoted, text)


def _requoted(match: re.Match[str]) -> str:
    single = match.group(1)
    return match.group(0) if single is None else json.dumps(single)


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
