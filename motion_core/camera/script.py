"""Moves, keys and offsets from text: one line per move, or one JSON list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

import numpy as np
import torch
from torch import Tensor

from ..document.easing import Easing, EasingName
from ..errors import FormatError
from ..regular_files import without_mark
from ..safe_json import parse_json
from .keyframes import CameraKey
from .moves import PRESETS, CameraMove
from .pose import inverse, make_pose, rotation_about
from .setup import CameraSetup

EASINGS: tuple[str, ...] = get_args(EasingName)
TURNS = ("pan", "tilt", "roll")
KEY_FIELDS = {"t", "position", "pan_deg", "tilt_deg", "roll_deg", "zoom", "easing"}
# Of a number in a key: pivot distances, degrees or times.
MOST = 1e9
MOVE_OPTIONS = {"share", "easing", "seed", "unit"}
MAX_MOVES = 1000
MAX_KEYS = 1000
# Scene units; float32 depth keeps a ten-thousandth of a unit there.
MAX_OFFSET = 1e6


def moves_from_text(text: str) -> list[CameraMove]:
    """Camera moves, one on each line: a preset, an optional amount, then options such as share=2.

    "orbit_left 30", "dolly_in 0.4 share=2 easing=linear", "handheld 1 seed=7", "truck_left 1.5
    unit=scene". Empty lines and the rest of a line after # are ignored.

    Raises:
        FormatError: A line is malformed, or there are more than 1,000; the message names it.
    """
    moves = []
    for number, line in enumerate(without_mark(text).splitlines(), start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(moves) == MAX_MOVES:
            raise FormatError(f"line {number}: at most {MAX_MOVES:,} moves are chained.")
        try:
            moves.append(_move(words))
        except ValueError as error:
            raise FormatError(f"line {number}: {error}") from error
    if not moves:
        raise FormatError(f"no moves; write one on each line, such as {next(iter(PRESETS))} 30.")
    return moves


def keys_from_json(text: str, setup: CameraSetup) -> list[CameraKey]:
    """Keys of a camera path from a JSON list.

    [{"t": 0}, {"t": 1, "position": [0.2, 0, 0.3], "pan_deg": 10, "tilt_deg": 0, "roll_deg": 0,
    "zoom": 1.2, "easing": "ease_in_out"}]. Only t is needed. t is 0..1 of the clip; position is in
    pivot distances, x right, y down, z forward of the image's camera; pan turns right, tilt up and
    roll right above 0; zoom multiplies the focal length; the easing leads to the next key.

    Args:
        text: The JSON.
        setup: The camera of the image; its pivot distance is the unit of positions.

    Raises:
        FormatError: A key is malformed; the message names it.
    """
    try:
        rows = parse_json(text)
    except FormatError as error:
        raise FormatError(f"the keys cannot be read: {error}") from error
    if not isinstance(rows, list) or not rows:
        raise FormatError('the keys must be a JSON list with at least one key: [{"t": 0}, ...].')
    if len(rows) > MAX_KEYS:
        raise FormatError(f"there are {len(rows):,} keys; at most {MAX_KEYS:,} are read.")
    return [_key(row, f"key {number}", setup) for number, row in enumerate(rows)]


def offsets_from_text(line: str, frames: int) -> Tensor:
    """Values for every frame from pairs time:value, linear in between and constant outside.

    "0:0 1:2.5" grows from 0 to 2.5 over the clip; a single number holds for the whole clip.

    Args:
        line: The pairs, separated by spaces.
        frames: The number of frames T.

    Returns:
        (T,) float64.

    Raises:
        FormatError: The text is malformed, or the times do not rise within 0..1.
    """
    pairs = [word.split(":") if ":" in word else ["0", word] for word in line.split()]
    try:
        values = np.array([(float(time), float(value)) for time, value in pairs])
    except ValueError as error:
        raise FormatError(
            f"expected pairs time:value such as 0:0 1:2.5; got {line[:200]!r}."
        ) from error
    if not len(values) or not bool((np.abs(values) <= MAX_OFFSET).all()):
        raise FormatError(
            f"expected finite pairs time:value such as 0:0 1:2.5, up to {MAX_OFFSET:g}; got "
            f"{line[:200]!r}."
        )
    times = values[:, 0]
    if times[0] < 0 or times[-1] > 1 or bool((np.diff(times) <= 0).any()):
        raise FormatError(f"times must rise within 0..1; got {str(times.tolist())[:100]}.")
    at = np.arange(frames) / max(frames - 1, 1)
    return torch.from_numpy(np.interp(at, times, values[:, 1]))


def _move(words: list[str]) -> CameraMove:
    name, *rest = words
    amount = float(rest.pop(0)) if rest and "=" not in rest[0] else None
    options = dict(word.split("=", 1) for word in rest if "=" in word)
    unknown = [word for word in rest if "=" not in word] + sorted(options.keys() - MOVE_OPTIONS)
    if unknown:
        raise ValueError(
            f"{unknown[0]!r:.100} is none of amount, {', '.join(sorted(MOVE_OPTIONS))}=."
        )
    return CameraMove(
        name,
        amount,
        unit=cast(Any, options.get("unit", "pivot")),
        easing=_easing(options["easing"]) if "easing" in options else None,
        share=float(options.get("share", 1.0)),
        seed=int(options.get("seed", 0)),
    )


def _key(row: Any, where: str, setup: CameraSetup) -> CameraKey:
    if not isinstance(row, Mapping) or "t" not in row or not set(row) <= KEY_FIELDS:
        raise FormatError(f"{where}: expected t and any of {', '.join(sorted(KEY_FIELDS))}.")
    position = row.get("position", [0.0, 0.0, 0.0])
    if not isinstance(position, list) or len(position) != 3:
        raise FormatError(f"{where}: position must be three numbers; got {position!r:.100}.")
    eye = torch.tensor([_number(value, where) for value in position], dtype=torch.float64)
    pan, tilt, roll = (_number(row.get(f"{name}_deg", 0.0), where) for name in TURNS)
    # The camera's own turn: first rolled, then tilted, then panned, so the horizon stays level.
    turn = rotation_about((0, 1, 0), pan) @ rotation_about((1, 0, 0), tilt)
    turn = turn @ rotation_about((0, 0, 1), roll)
    try:
        easing = _easing(row.get("easing", "linear"))
    except ValueError as error:
        raise FormatError(f"{where}: {error}") from error
    pose = inverse(make_pose(turn, eye * setup.distance))
    return CameraKey(_number(row["t"], where), pose, _number(row.get("zoom", 1.0), where), easing)


def _number(value: Any, where: str) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not abs(value) <= MOST:
        raise FormatError(
            f"{where}: expected a finite number of at most {MOST:.0e}; got {value!r:.100}."
        )
    return float(value)


def _easing(name: Any) -> Easing:
    if name not in EASINGS:
        raise ValueError(f"easing must be one of {', '.join(EASINGS)}; got {name!r:.100}.")
    return cast(Easing, name)
