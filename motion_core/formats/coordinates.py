"""Coordinate JSON: lists of {"x", "y"} in pixels, as KJNodes, ATI and Wan-Move exchange them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import FormatError
from ..geometry import Size
from ..progress import Progress, silent
from ..regular_files import read_text
from ..tracks.model import Tracks
from ..tracks.select import select
from ..tracks.start import fill_gaps
from ..tracks.time import resample
from .assembly import agreed_size, assemble
from .files import write_bytes
from .json_text import (
    MAX_JSON_CHARACTERS,
    READ_LISTS,
    Point,
    as_number,
    check_json_counts,
    check_json_length,
    described,
    load_list,
)

log = logging.getLogger(__name__)

ATI_POINTS = 121
# Tracks between two calls of progress.
TRACKS_AT_ONCE = 100


def parse_coordinates(
    coordinates: str | list[Any],
    size: Size | None,
    *,
    fps: float | None = None,
    progress: Progress = silent,
) -> Tracks:
    """Tracks from coordinate JSON, one point per frame, all visible.

    One track is [{"x", "y"}, ...], several are a list of those. A list of JSON strings holds one
    track or one list of tracks per string. Single quotes count as quotes. Python lists are read as
    they are. "[]" gives zero tracks of zero frames.

    Args:
        coordinates: JSON text or a Python list.
        size: The canvas of the pixels, which the text does not store.
        fps: Frames per second, or None when unknown.
        progress: Called every few tracks.

    Raises:
        FormatError: The text holds anything else, tracks differ in length, or `size` is missing.
            The message names the track and point.
    """
    canvas = agreed_size(None, size, "coordinate JSON")
    items = load_list(coordinates, progress)
    if items and isinstance(items[0], (Point, dict)):
        items = [items]
    tracks = []
    for index, item in enumerate(items):
        tracks.append(_points(item, index))
        if index % TRACKS_AT_ONCE == 0:
            progress(index, len(items))
    return assemble(stacked(tracks), None, canvas, fps=fps)


def to_coordinates(
    tracks: Tracks,
    kind: Literal["frames", "ati"] = "frames",
    *,
    integers: bool = False,
    progress: Progress = silent,
) -> str:
    """Coordinate JSON: a list of tracks, each a list of {"x", "y"} in pixels.

    The layout has no visibility. An invisible point stays at its last visible position, or at its
    first one before that. Tracks that are never visible are left out with a warning in the log.

    Args:
        tracks: The tracks to write.
        kind: "frames" writes one point per frame. "ati" writes exactly 121 points that span the
            whole clip, as ATI reads its text for any length of the video.
        integers: Round to whole pixels, as drawing widgets do. Otherwise every float32 survives.
        progress: Called every few tracks.

    Raises:
        ValueError: `kind` is unknown, or "ati" is given tracks without frames.
        FormatError: There are more tracks, points or characters than are read.
    """
    if kind not in ("frames", "ati"):
        raise ValueError(f'kind must be "frames" or "ati"; got {kind!r}.')
    filled = hold_invisible(tracks, "coordinate JSON")
    if kind == "ati":
        filled = resample(filled, ATI_POINTS)
    check_json_counts(filled.num_points, filled.num_frames)
    xy = filled.xy.detach().cpu().numpy().transpose(1, 0, 2)
    texts: list[str] = []
    for first in range(0, len(xy), TRACKS_AT_ONCE):
        some = xy[first : first + TRACKS_AT_ONCE]
        numbers = np.char.mod("%.0f", some) if integers else some.astype(str)
        texts += map(_track_text, numbers.tolist())
        progress(len(texts), len(xy))
    return check_json_length("[" + ", ".join(texts) + "]")


def hold_invisible(tracks: Tracks, layout: str) -> Tracks:
    """The same tracks with all points visible, for a layout without visibility.

    Args:
        tracks: Invisible points get the nearest visible position of their track; tracks that are
            never visible are left out with a warning.
        layout: Names the layout in the warning.
    """
    ever_visible = tracks.visible.any(dim=0)
    left_out = int((~ever_visible).sum())
    if left_out:
        log.warning(
            "%d of %d tracks are never visible; %s leaves them out.",
            left_out,
            tracks.num_points,
            layout,
        )
        tracks = select(tracks, ever_visible)
    xy = fill_gaps(tracks.xy, tracks.visible, "hold")
    return assemble(xy, None, tracks.size, fps=tracks.fps, ids=tracks.ids)


def stacked(tracks: list[list[tuple[float, float]]]) -> np.ndarray:
    """Tracks of one length, (N lists of T points), as an array (T, N, 2).

    Raises FormatError naming the first track whose length differs.
    """
    if not tracks:
        return np.zeros((0, 0, 2))
    frames = len(tracks[0])
    for index, track in enumerate(tracks):
        if len(track) != frames:
            raise FormatError(
                f"track {index} has {len(track)} points but track 0 has {frames}; every track "
                "needs one point per frame. Sample them all with the same number of points."
            )
    return np.array(tracks, dtype=np.float64).reshape(len(tracks), frames, 2).transpose(1, 0, 2)


def read_coordinates(
    path: Path,
    size: Size | None = None,
    fps: float | None = None,
    progress: Progress = silent,
) -> Tracks:
    """Tracks from a file of coordinate JSON. Raises FormatError as parse_coordinates does."""
    text = read_text(path, MAX_JSON_CHARACTERS)
    return parse_coordinates(text, size, fps=fps, progress=progress)


def write_coordinates(path: Path, tracks: Tracks, progress: Progress = silent) -> None:
    """Write coordinate JSON with one point per frame."""
    write_bytes(path, to_coordinates(tracks, "frames", progress=progress).encode())


def write_ati_coordinates(path: Path, tracks: Tracks, progress: Progress = silent) -> None:
    """Write coordinate JSON with 121 points over the whole clip."""
    write_bytes(path, to_coordinates(tracks, "ati", progress=progress).encode())


def _points(item: Any, index: int) -> list[tuple[float, float]]:
    if not isinstance(item, (list, tuple)) or isinstance(item, Point):
        raise FormatError(
            f"track {index}: expected a list of points {{x, y}}; got {described(item)}."
        )
    return [
        point if type(point) is Point else _point(point, index, place)
        for place, point in enumerate(item)
    ]


def _point(value: Any, track: int, place: int) -> tuple[float, float]:
    where = f"track {track}, point {place}"
    if isinstance(value, Point):
        value = value._asdict()
    if not isinstance(value, dict) or set(value) != {"x", "y"}:
        raise FormatError(
            f'{where}: expected {{"x": number, "y": number}}; got {described(value)}; {READ_LISTS}.'
        )
    return as_number(value["x"], where), as_number(value["y"], where)


def _track_text(points: list[list[str]]) -> str:
    return "[" + ", ".join(f'{{"x": {x}, "y": {y}}}' for x, y in points) + "]"
