"""From the arrays of a foreign layout to Tracks: checks of canvas, frame rate and values."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..errors import CanvasError, CanvasUnknownError, FormatError
from ..geometry import Size, checked_size
from ..tracks.arguments import MAX_FRAMES
from ..tracks.frame_rate import checked_rate, common_rate
from ..tracks.model import Tracks, make_tracks

MAX_POINTS = 10_000_000
# Frames times tracks: what one array of 512 MB holds, 100,000 tracks through 600 frames.
MAX_PLACES = 1 << 26
# Pixels. What lies farther is no place near a canvas, and overflows in later sums.
MAX_COORDINATE = 1e9
# Positions converted at once.
CONVERTED_AT_ONCE = 1 << 20


def agreed_size(stored: Size | None, given: Size | None, what: str = "the file") -> Size:
    """The stored canvas, or the given one if none is stored.

    Args:
        stored: The canvas in the file, or None.
        given: The caller's canvas, or None.
        what: What errors call the file.

    Raises:
        CanvasUnknownError: Neither is known.
        CanvasError: Both are known and differ.
    """
    if given is not None:
        given = checked_size(*given)
    if stored is None and given is None:
        raise CanvasUnknownError(
            f"{what} does not say which canvas its pixels are measured on; give its size "
            "(connect an image, or set width and height)."
        )
    if stored is not None and given is not None and stored != given:
        raise CanvasError(
            f"tracks were measured on {stored} but the image or size given is {given}. Fit them "
            'to the new canvas ("Transform Tracks"), or leave the size out.'
        )
    return stored or given  # type: ignore[return-value]  # one of them is known here


def agreed_fps(stored: float | None, given: float | None) -> float | None:
    """The stored frame rate, or the given one where none is stored.

    23.976 and 24000/1001 are one rate, of which the exact form is kept.
    Raises FormatError when both are known and differ.
    """
    if stored is None or given is None:
        return given if stored is None else stored
    rate = common_rate([stored, given])
    if rate is None:
        raise FormatError(
            f"the tracks are stored at {stored:.6g} fps but {given:.6g} was given; leave fps out."
        )
    return rate


def assemble(
    xy: np.ndarray | Tensor,
    visible: np.ndarray | Tensor | None,
    size: Size,
    *,
    fps: float | None = None,
    ids: Tensor | None = None,
) -> Tracks:
    """Tracks from arrays, with checks of their values.

    A position that is not finite, or is farther than 1e9 pixels, is allowed only where its point
    is invisible. One that is not finite in float32 becomes the placeholder (0, 0), which must not
    be read.

    Args:
        xy: (T, N, 2) pixels of `size`.
        visible: (T, N) bool, or None for all visible.
        size: The canvas.
        fps: Frames per second, or None when unknown.
        ids: (N,) int64, or None for 0..N-1.

    Raises:
        FormatError: A visible position is not finite or too far away (the message names its frame
            and track), or there are too many frames or tracks.
        ShapeError: The shapes are others.
    """
    check_counts(xy.shape[0], xy.shape[1])
    points = _as_tensor(xy).to(torch.float32)
    is_visible = None if visible is None else _as_tensor(visible).to(torch.bool)
    check_places(points, is_visible)
    if not bool(torch.isfinite(points).all()):
        finite = torch.isfinite(points).all(dim=-1, keepdim=True)
        points = torch.where(finite, points, torch.zeros_like(points))
    try:
        checked_rate(fps)
    except TypeError as error:
        raise FormatError(str(error)) from error
    return make_tracks(points, size, visible=is_visible, ids=ids, fps=fps)


def check_places(xy: Tensor, visible: Tensor | None) -> None:
    """Check that visible positions are places near a canvas.

    Args:
        xy: (T, N, 2) pixels.
        visible: (T, N) bool, or None for all visible.

    Raises:
        FormatError: One is not finite, or farther than 1e9 pixels.
    """
    good = (xy.abs() <= MAX_COORDINATE).all(dim=-1)
    bad = ~good if visible is None else ~good & visible
    if bool(bad.any()):
        frame, track = torch.nonzero(bad)[0].tolist()
        raise FormatError(
            f"frame {frame}, track {track}: expected finite pixels of at most "
            f"{MAX_COORDINATE:.0e}, got {xy[frame, track].tolist()}; mark lost points invisible."
        )


def in_pixels(
    values: np.ndarray, factor: tuple[float, float] = (1.0, 1.0), offset: float = 0.0
) -> np.ndarray:
    """Positions times a factor, plus an offset, in pieces, so that no large copy is made.

    Args:
        values: (A, B, 2) numbers.
        factor: For x and y.
        offset: Pixels.

    Returns:
        (A, B, 2) float32.
    """
    result = np.empty(values.shape, np.float32)
    rows = max(1, CONVERTED_AT_ONCE // max(1, values.shape[1]))
    with np.errstate(over="ignore"):
        for start in range(0, len(values), rows):
            piece = values[start : start + rows].astype(np.float64)
            result[start : start + rows] = piece * np.array(factor) + offset
    return result


def check_counts(frames: int, points: int) -> None:
    """Raise FormatError for too many frames, tracks or both: even empty ones cost time."""
    if frames > MAX_FRAMES:
        raise FormatError(f"{frames:,} frames; at most {MAX_FRAMES:,} are read. Cut the clip.")
    if points > MAX_POINTS:
        raise FormatError(f"{points:,} tracks; at most {MAX_POINTS:,} are read. Keep fewer.")
    if frames * points > MAX_PLACES:
        raise FormatError(
            f"{points:,} tracks in {frames:,} frames are {frames * points:,} positions; at most "
            f"{MAX_PLACES:,} are read. Keep fewer tracks or frames."
        )


def as_visibility(values: np.ndarray, name: str) -> np.ndarray:
    """Booleans from booleans or from numbers that are all 0 or 1.

    Raises FormatError for others, whose threshold depends on the tool that made them.
    """
    if values.dtype != np.bool_ and not bool(np.isin(values, (0, 1)).all()):
        raise FormatError(
            f"{name}: expected booleans or 0 and 1; got {values.dtype} with other values. "
            "Threshold the confidences first."
        )
    return values.astype(np.bool_)


def _as_tensor(value: np.ndarray | Tensor) -> Tensor:
    return value if isinstance(value, Tensor) else torch.from_numpy(np.ascontiguousarray(value))
