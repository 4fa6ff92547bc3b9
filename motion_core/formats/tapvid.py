"""Point-tracking .npz files: TAP-Vid's layout and CoTracker's."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from ..errors import FormatError
from ..geometry import Size, checked_size
from ..npy_files import NpzArrays, npz_bytes
from ..tracks.model import Tracks
from .assembly import (
    CONVERTED_AT_ONCE,
    agreed_size,
    as_visibility,
    assemble,
    check_counts,
    in_pixels,
)
from .files import write_bytes

log = logging.getLogger(__name__)

COTRACKER_NAMES = (("tracks", "visibility"), ("pred_tracks", "pred_visibility"))
# The most that may be of another unit than the rest before a file counts as mixed.
MIXED_SHARE = 0.25
CENTRE_ORIGIN = 0.5  # CoTracker's (0, 0) is the centre of the top-left pixel, ours its corner


def read_tapvid(path: Path, size: Size | None = None, fps: float | None = None) -> Tracks:
    """Tracks from TAP-Vid's `points` (N, T, 2) and `occluded` (N, T).

    Points are fractions of width and height from the corner of the top-left pixel, as in the data
    set. If a visible point lies outside -1..2, they are read as pixels, with a line in the log.

    Args:
        path: The file.
        size: The canvas; not needed if the file holds its `video` (T, H, W, 3).
        fps: Frames per second, or None when unknown.

    Raises:
        FormatError: Shapes or types are others, or no canvas is known.
        CanvasError: The video's size differs from `size`.
    """
    with NpzArrays(path) as arrays:
        _check_shape(arrays, "points", frames_axis=1)
        points, occluded = arrays.load("points"), arrays.load("occluded")
        stored = _video_size(arrays, points.shape)
    if points.ndim != 3 or points.shape[-1] != 2 or points.dtype.kind not in "fiu":
        raise FormatError(f"points: expected (N, T, 2) numbers; got {points.dtype} {points.shape}.")
    if occluded.shape != points.shape[:2]:
        raise FormatError(f"occluded: expected shape {points.shape[:2]}; got {occluded.shape}.")
    canvas = agreed_size(stored, size, "a TAP-Vid file")
    visible = ~as_visibility(occluded, "occluded")
    is_fraction = _are_fractions(points, visible, path.name)
    xy = in_pixels(points, canvas if is_fraction else (1.0, 1.0))
    return assemble(xy.transpose(1, 0, 2), visible.T, canvas, fps=fps)


def write_tapvid(path: Path, tracks: Tracks) -> None:
    """Write TAP-Vid's `points` as fractions (N, T, 2) float32 and `occluded` (N, T) bool.

    Canvas, ids and fps are not kept.
    Raises FormatError where most visible points lie beyond -1..2: they would be read as pixels.
    """
    xy = tracks.xy.detach().cpu().numpy() / np.array(tracks.size, dtype=np.float32)
    occluded = ~tracks.visible.cpu().numpy()
    if not _are_mostly_near(*_near(xy, ~occluded)):
        raise FormatError(
            "most of the visible points lie farther than a canvas outside of it, so TAP-Vid's "
            "fractions would be taken for pixels; write .npz of this pack instead."
        )
    arrays = {"points": np.ascontiguousarray(xy.transpose(1, 0, 2)), "occluded": occluded.T.copy()}
    write_bytes(path, npz_bytes(arrays))


def read_cotracker(path: Path, size: Size | None = None, fps: float | None = None) -> Tracks:
    """Tracks from CoTracker's `tracks` (1, T, N, 2) and `visibility` (1, T, N), or `pred_*`.

    CoTracker's pixels count from the centre of the top-left pixel, so 0.5 is added. The batch axis
    may be missing, and visibility may end in an axis of one.

    Args:
        path: The file.
        size: The canvas, which the file does not store.
        fps: Frames per second, or None when unknown.

    Raises:
        FormatError: Shapes or types are others, or `size` is missing.
    """
    with NpzArrays(path) as arrays:
        names = next(
            (pair for pair in COTRACKER_NAMES if pair[0] in arrays.names), COTRACKER_NAMES[0]
        )
        _check_shape(arrays, names[0], frames_axis=-3)
        positions, visible = arrays.load(names[0]), arrays.load(names[1])
    if positions.ndim == 4 and positions.shape[0] == 1:
        positions = positions[0]
    if positions.ndim != 3 or positions.shape[-1] != 2 or positions.dtype.kind not in "fiu":
        raise FormatError(
            f"{names[0]}: expected numbers (1, T, N, 2); got {positions.dtype} {positions.shape}."
        )
    wanted = positions.shape[:2]
    if visible.shape not in (wanted, (1, *wanted), (*wanted, 1), (1, *wanted, 1)):
        raise FormatError(f"{names[1]}: expected shape {(1, *wanted)}; got {visible.shape}.")
    shown = as_visibility(visible.reshape(wanted), names[1])
    canvas = agreed_size(None, size, "a CoTracker file")
    return assemble(in_pixels(positions, offset=CENTRE_ORIGIN), shown, canvas, fps=fps)


def write_cotracker(path: Path, tracks: Tracks) -> None:
    """Write CoTracker's `tracks` float32 (1, T, N, 2), less 0.5, and `visibility` bool (1, T, N).

    Canvas, ids and fps are not kept.
    """
    positions = tracks.xy.detach().cpu().numpy()[None] - np.float32(CENTRE_ORIGIN)
    visible = tracks.visible.cpu().numpy()[None]
    write_bytes(path, npz_bytes({"tracks": positions, "visibility": visible}))


def _video_size(arrays: NpzArrays, points: tuple[int, ...]) -> Size | None:
    if "video" not in arrays.names:
        return None
    shape = arrays.shape("video")
    if len(shape) != 4 or shape[-1] != 3 or shape[0] != points[1]:
        raise FormatError(f"video: expected shape (T, H, W, 3) with T = {points[1]}; got {shape}.")
    return checked_size(shape[2], shape[1])


def _are_fractions(xy: np.ndarray, visible: np.ndarray, name: str) -> bool:
    """Whether most visible points lie within -1..2; the others are counted in a log line.

    Raises FormatError where more than MIXED_SHARE of them lie on either side.
    """
    near, count = _near(xy, visible)
    if min(near, count - near) > MIXED_SHARE * count:
        raise FormatError(
            f"points: {near} of {count} visible points lie within -1..2, as fractions of the "
            "canvas do, the others beyond, as pixels do; expected one unit. Write all in pixels."
        )
    if not _are_mostly_near(near, count):
        log.info("%s: points beyond -1..2 are taken for pixels.", name)
        return False
    if near < count:
        log.warning(
            "%s: %d of %d visible points lie beyond -1..2; all are taken for fractions of the "
            "canvas, as most are.",
            name,
            count - near,
            count,
        )
    return True


def _near(xy: np.ndarray, visible: np.ndarray) -> tuple[int, int]:
    """How many visible points lie within -1..2, and how many there are."""
    near = count = 0
    rows = max(1, CONVERTED_AT_ONCE // max(1, xy.shape[1]))
    for start in range(0, len(xy), rows):
        shown = xy[start : start + rows][visible[start : start + rows]]
        with np.errstate(over="ignore"):
            near += int((np.abs(shown - 0.5).max(axis=-1, initial=0) <= 1.5).sum())
        count += len(shown)
    return near, count


def _are_mostly_near(near: int, count: int) -> bool:
    return 2 * near >= count


def _check_shape(arrays: NpzArrays, name: str, frames_axis: int) -> None:
    """Check the counts of positions before they are loaded."""
    shape = arrays.shape(name)
    if len(shape) >= 3:
        points_axis = 0 if frames_axis == 1 else -2
        check_counts(shape[frames_axis], shape[points_axis])
