"""Our own plain table: one line per frame and track, for spreadsheets and scripts."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch

from ..errors import FormatError, first_line, listed
from ..geometry import Size
from ..regular_files import read_text
from ..tracks.model import Tracks
from .assembly import agreed_size, assemble
from .files import MAX_TABLE_BYTES, write_bytes

COLUMNS = ("frame", "track", "x", "y", "visible")
NUMBERS = "expected are numbers, visible as 0 or 1"
_LARGEST_EXACT = 2.0**53
_SHORTEST_LINE = len("0,0,0.0,0.0,1\n")


def read_csv(path: Path, size: Size | None = None, fps: float | None = None) -> Tracks:
    """Tracks from lines `frame,track,x,y,visible` in any order, below exactly that header.

    frame counts from 0; track is the id of the track; x, y are pixels; visible is 0 or 1. Every
    track needs one line in every frame.

    Args:
        path: The file.
        size: The canvas, which the file does not store.
        fps: Frames per second, or None when unknown.

    Raises:
        FormatError: The file holds anything else, or `size` is missing. The message names the line,
            or the frame and track.
    """
    table = _table(read_text(path, MAX_TABLE_BYTES))
    canvas = agreed_size(None, size, "a CSV file")
    frame, track = _whole(table, 0), _whole(table, 1)
    ids, column = _in_order_of_appearance(track)
    frames = int(frame.max()) + 1 if len(frame) else 0
    _check_complete(frame, column, frames, ids)
    visible = np.zeros((frames, len(ids)), dtype=np.bool_)
    xy = np.zeros((frames, len(ids), 2))
    visible[frame, column] = _zero_or_one(table)
    xy[frame, column] = table[:, 2:4]
    return assemble(xy, visible, canvas, fps=fps, ids=torch.from_numpy(ids))


def write_csv(path: Path, tracks: Tracks) -> None:
    """Write one line per frame and track: frame,track,x,y,visible, every float32 kept.

    Canvas and fps are not kept; without tracks, neither is the number of frames.
    Raises FormatError for ids of 2**53 and more, which spreadsheets round, and for a table larger
    than read_csv reads.
    """
    if bool((tracks.ids.abs() >= _LARGEST_EXACT).any()):
        raise FormatError("track ids of 2**53 and more do not survive in CSV; renumber them.")
    count = tracks.num_frames * tracks.num_points
    if count > MAX_TABLE_BYTES // _SHORTEST_LINE:
        raise FormatError(f"{count:,} lines are too many for a table; write .npz.")
    xy = tracks.xy.detach().cpu().numpy().astype(str).tolist()
    visible = tracks.visible.cpu().to(torch.uint8).tolist()
    ids = tracks.ids.tolist()
    lines = [",".join(COLUMNS)]
    for frame in range(tracks.num_frames):
        lines += [
            f"{frame},{track},{x},{y},{shown}"
            for track, (x, y), shown in zip(ids, xy[frame], visible[frame], strict=True)
        ]
    data = ("\n".join(lines) + "\n").encode()
    if len(data) > MAX_TABLE_BYTES:
        raise FormatError(
            f"the table would have {len(data):,} bytes, of which at most {MAX_TABLE_BYTES:,} are "
            "read; keep fewer tracks or frames, or write .npz."
        )
    write_bytes(path, data)


def has_header(text: str) -> bool:
    """Whether a text's first line names some of our columns."""
    first = text.split("\n", 1)[0].lower()
    return "," in first and {"frame", "track"} <= set(column_names(first))


def column_names(line: str) -> tuple[str, ...]:
    """The names of a header, in lower case and without quotes."""
    return tuple(name.strip().strip('"').lower() for name in line.split(","))


def _table(text: str) -> np.ndarray:
    header, _, body = text.partition("\n")
    names = column_names(header)
    if names != COLUMNS:
        raise FormatError(
            f"line 1: expected {','.join(COLUMNS)!r}; got {listed(names)}. Leave other columns "
            "out, which pandas does with frame[columns].to_csv(path, index=False)."
        )
    if not body.strip():
        return np.zeros((0, len(COLUMNS)))
    try:
        table = np.loadtxt(io.StringIO(body), delimiter=",", comments=None, quotechar='"', ndmin=2)
    except ValueError as error:
        reason = first_line(error).split(";")[0]
        raise FormatError(
            f"below its header: {reason} (rows count from 0 there); {NUMBERS}."
        ) from error
    if table.shape[1] != len(COLUMNS):
        raise FormatError(f"expected {len(COLUMNS)} numbers in each line; got {table.shape[1]}.")
    return table


def _whole(table: np.ndarray, place: int) -> np.ndarray:
    values = table[:, place]
    good = (values == np.rint(values)) & (np.abs(values) < _LARGEST_EXACT)
    if place == 0:
        good &= values >= 0
    _check_rows(good, values, f"a whole {COLUMNS[place]} number")
    return values.astype(np.int64)


def _zero_or_one(table: np.ndarray) -> np.ndarray:
    values = table[:, 4]
    _check_rows((values == 0) | (values == 1), values, "visible to be 0 or 1")
    return values == 1


def _in_order_of_appearance(track: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ids, first, place = np.unique(track, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return ids[order], np.argsort(order)[place]


def _check_rows(good: np.ndarray, values: np.ndarray, wanted: str) -> None:
    if not bool(good.all()):
        row = int((~good).argmax())
        raise FormatError(f"line {row + 2}: expected {wanted}; got {values[row]:g}.")


def _check_complete(frame: np.ndarray, column: np.ndarray, frames: int, ids: np.ndarray) -> None:
    order = np.lexsort((frame, column))
    repeated = (np.diff(frame[order]) == 0) & (np.diff(column[order]) == 0)
    if bool(repeated.any()):
        row = int(order[1:][repeated].min())
        raise FormatError(
            f"line {row + 2}: frame {frame[row]} of track {ids[column[row]]} is there twice."
        )
    if frames * len(ids) != len(frame):
        track = int(np.argmin(np.bincount(column)))
        have = np.sort(frame[column == track])
        gap = np.flatnonzero(have != np.arange(len(have)))
        missing = int(gap[0]) if gap.size else len(have)
        raise FormatError(
            f"track {ids[track]} has no line for frame {missing} (frames 0 to {frames - 1}); every "
            "track needs one line in every frame, with visible 0 where it is lost."
        )
