"""A drawn layer at every frame of a clip, for any number of frames and any canvas.

Time runs in three steps. Frame i of T is clip time t = i / (T - 1). The layer's own time is
u = (t - start) / (end - start), held at 0 before its window and at 1 after it. Easing bends u.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..geometry import Size, checked_size
from .curves import Line, make_line
from .easing import ease_value
from .path import Path, TimedPoint, Timing

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Frame times are quotients; without slack a frame could miss a key at its own time.
TIME_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class ControlPath:
    """Where a pointer is at every frame.

    Attributes:
        xy: (T, 2) float64 pixels; the nearest end of the path where the layer is absent.
        present: (T,) bool; where False the layer shows nothing.
    """

    xy: FloatArray
    present: BoolArray


def clip_times(frames: int) -> FloatArray:
    """(T,) the time of every frame as a fraction of the clip: i / (T - 1), and 0 when T is 1.

    Raises:
        TypeError: `frames` is not a whole number.
        ValueError: `frames` is negative.
    """
    if isinstance(frames, bool) or not hasattr(frames, "__index__"):
        raise TypeError(f"frames must be a whole number; got {frames!r}.")
    count = operator.index(frames)
    if count < 0:
        raise ValueError(f"frames must be 0 or more; got {count}.")
    return np.arange(count, dtype=np.float64) / max(count - 1, 1)


def sample_path(path: Path, *, frames: int, size: Size, drawn_on: Size) -> ControlPath:
    """The pointer of a drawn path at every frame.

    The line is measured in pixels of `drawn_on`, so another canvas never changes its timing, and
    then stretched to `size`. Between two points with known times the pointer moves along the line
    at constant speed, over points without a time; a first point without time is at 0, a last one
    at 1. Where easing overshoots, the pointer continues straight past the line's end, by the
    overshoot as a fraction of the line's length.

    Args:
        path: The drawn path, in fractions of the canvas.
        frames: The number of frames T, 0 or more.
        size: The canvas of the result in pixels.
        drawn_on: The canvas that the path was drawn on, in pixels.

    Raises:
        ValueError: The path has no points, its window is empty, or `frames` is negative.
    """
    if not path.points:
        raise ValueError("a path needs at least one point to be sampled; got none.")
    size, drawn_on = checked_size(*size), checked_size(*drawn_on)
    local, present = local_times(path.timing, frames)
    points = np.array([(point.x, point.y) for point in path.points], dtype=np.float64)
    pixels = np.array(drawn_on, dtype=np.float64)
    line = make_line(points * pixels, path.curve, _handles(path, pixels))
    eased = ease_value(path.timing.easing, local)
    stretch = np.array([size.width / drawn_on.width, size.height / drawn_on.height])
    return ControlPath(line.at(_distances(path.points, line, eased)) * stretch, present)


def local_times(timing: Timing, frames: int) -> tuple[FloatArray, BoolArray]:
    """The layer's own time (T,) in 0..1, and (T,) whether it shows at all."""
    times = clip_times(frames)
    if not timing.start < timing.end:
        raise ValueError(f"a layer must end after it starts; got {timing.start} to {timing.end}.")
    local = np.clip((times - timing.start) / (timing.end - timing.start), 0.0, 1.0)
    present = np.ones(len(times), dtype=np.bool_)
    if timing.before == "absent":
        present &= times >= timing.start - TIME_SLACK
    if timing.after == "absent":
        present &= times <= timing.end + TIME_SLACK
    return local, present


def between(
    times: FloatArray, at: FloatArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], FloatArray]:
    """The keys before and after every time `at`, and the fraction 0..1 between them."""
    reached = np.searchsorted(times, at + TIME_SLACK, side="right") - 1
    before = np.clip(reached, 0, len(times) - 1)
    after = np.clip(reached + 1, 0, len(times) - 1)
    gap = times[after] - times[before]
    fraction = (at - times[before]) / np.where(gap > 0.0, gap, 1.0)
    return before, after, np.where(gap > 0.0, np.clip(fraction, 0.0, 1.0), 0.0)


def _handles(path: Path, pixels: FloatArray) -> FloatArray | None:
    """(K, 4) handles in pixels, NaN where a point has none of its own."""
    if path.handles is None:
        return None
    rows = [(np.nan,) * 4 if one is None else one for one in path.handles]
    return np.array(rows, dtype=np.float64) * np.concatenate([pixels, pixels])


def _distances(points: tuple[TimedPoint, ...], line: Line, eased: FloatArray) -> FloatArray:
    """How far along the line the pointer is at every eased moment, in pixels."""
    times = [point.t for point in points]
    times[0] = 0.0 if times[0] is None else times[0]
    times[-1] = 1.0 if times[-1] is None else times[-1]
    known = [index for index, t in enumerate(times) if t is not None]
    lengths = line.point_lengths[known]
    inside = np.clip(eased, 0.0, 1.0)
    before, after, fraction = between(np.array([t for t in times if t is not None]), inside)
    along = lengths[before] + fraction * (lengths[after] - lengths[before])
    return along + (eased - inside) * line.length
