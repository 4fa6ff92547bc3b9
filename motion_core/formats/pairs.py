"""Lists of [x, y] pairs in pixels, as Image Conductor and DragNUWA keep drags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FormatError
from ..geometry import Size
from ..progress import Progress, silent
from ..regular_files import read_text
from ..tracks.model import Tracks
from .assembly import agreed_size, assemble
from .coordinates import TRACKS_AT_ONCE, hold_invisible
from .files import write_bytes
from .json_text import (
    MAX_JSON_CHARACTERS,
    as_number,
    check_json_counts,
    check_json_length,
    described,
    load_list,
)

_LISTS = (list, tuple)  # exactly these: JSON's {"x", "y"} is read as a kind of tuple


def parse_pairs(
    pairs: str | list[Any],
    size: Size | None,
    *,
    fps: float | None = None,
    progress: Progress = silent,
) -> Tracks:
    """Tracks from [[[x, y], ...], ...], or from [[x, y], ...] for one track, all visible.

    Systems that read this layout spread the points of a drag evenly over the clip, and drags may
    have different numbers of points: T is the largest, and the others are interpolated linearly to
    it.

    Args:
        pairs: JSON text or a Python list.
        size: The canvas of the pixels, which the text does not store.
        fps: Frames per second, or None when unknown.
        progress: Called every few tracks.

    Raises:
        FormatError: The text holds anything else, or `size` is missing. The message names the track
            and point.
    """
    canvas = agreed_size(None, size, "a list of pairs")
    items = load_list(pairs, progress)
    if items and _is_pair(items[0]):
        items = [items]
    tracks = []
    for index, item in enumerate(items):
        tracks.append(_drag(item, index))
        if index % TRACKS_AT_ONCE == 0:
            progress(index, len(items))
    frames = max((len(track) for track in tracks), default=0)
    xy = np.zeros((frames, len(tracks), 2))
    for index, track in enumerate(tracks):
        xy[:, index] = _spread(track, frames, index)
    return assemble(xy, None, canvas, fps=fps)


def to_pairs(tracks: Tracks, progress: Progress = silent) -> str:
    """JSON [[[x, y], ...], ...], one pair per frame, every float32 kept.

    Invisible points are handled as in to_coordinates: held at the last visible position.
    Raises FormatError for more tracks, points or characters than are read.
    """
    filled = hold_invisible(tracks, "a list of pairs")
    check_json_counts(filled.num_points, filled.num_frames)
    xy = filled.xy.detach().cpu().numpy().transpose(1, 0, 2)
    texts: list[str] = []
    for first in range(0, len(xy), TRACKS_AT_ONCE):
        some = xy[first : first + TRACKS_AT_ONCE].astype(str).tolist()
        texts += ("[" + ", ".join(f"[{x}, {y}]" for x, y in track) + "]" for track in some)
        progress(len(texts), len(xy))
    return check_json_length("[" + ", ".join(texts) + "]")


def read_pairs(
    path: Path,
    size: Size | None = None,
    fps: float | None = None,
    progress: Progress = silent,
) -> Tracks:
    """Tracks from a file of pairs. Raises FormatError as parse_pairs does."""
    return parse_pairs(read_text(path, MAX_JSON_CHARACTERS), size, fps=fps, progress=progress)


def write_pairs(path: Path, tracks: Tracks, progress: Progress = silent) -> None:
    """Write a file of pairs, one per frame."""
    write_bytes(path, to_pairs(tracks, progress).encode())


def _is_pair(value: Any) -> bool:
    return type(value) in _LISTS and bool(value) and type(value[0]) not in _LISTS


def _drag(item: Any, index: int) -> np.ndarray:
    if type(item) not in _LISTS:
        raise FormatError(f"track {index}: expected a list of [x, y] pairs; got {described(item)}.")
    points = []
    for place, pair in enumerate(item):
        where = f"track {index}, point {place}"
        if type(pair) not in _LISTS or len(pair) != 2:
            raise FormatError(f"{where}: expected a pair [x, y]; got {described(pair)}.")
        points.append((as_number(pair[0], where), as_number(pair[1], where)))
    return np.array(points, dtype=np.float64).reshape(-1, 2)


def _spread(track: np.ndarray, frames: int, index: int) -> np.ndarray:
    if len(track) == frames:
        return track
    if not len(track):
        raise FormatError(f"track {index} has no points but others have {frames}; remove it.")
    here = np.linspace(0, 1, frames)
    known = np.linspace(0, 1, len(track)) if len(track) > 1 else np.zeros(1)
    return np.stack([np.interp(here, known, track[:, axis]) for axis in (0, 1)], axis=-1)
