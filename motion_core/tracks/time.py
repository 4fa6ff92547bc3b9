"""Tracks at other times: other lengths, other orders, other speeds.

Frame i of T is at t = i / (T - 1) of the clip, so the first and the last frame are its two ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from .arguments import MAX_FRAMES, whole_number
from .model import Tracks


def resample(
    tracks: Tracks, frames: int, interpolation: Literal["linear", "pchip"] = "linear"
) -> Tracks:
    """The same motion over the same stretch of time in another number of frames.

    Visibility follows one rule, whatever the interpolation: a point is visible where its nearest
    source frame is; half way between two frames, where either is. The position of a visible point
    never depends on an invisible frame. ``fps`` scales with the number of intervals; it stays when
    there was or will be a single frame.

    Args:
        tracks: At least one frame.
        frames: Number of frames of the result, 1..100000. The number that the tracks have gives
            the tracks unchanged.
        interpolation: "linear" between neighbouring frames, or "pchip", monotone cubic through all
            visible frames of a track (Fritsch and Carlson), which keeps speed continuous and never
            overshoots. "pchip" needs scipy.

    Raises:
        TypeError, ValueError: `frames` is out of range, or there is no frame at all.
    """
    frames = whole_number("frames", frames, least=1, most=MAX_FRAMES)
    _check_has_frames(tracks, "resample")
    if frames == tracks.num_frames:
        return tracks
    intervals, source_intervals = frames - 1, tracks.num_frames - 1
    # Whole numbers keep frames that coincide exact.
    places = torch.arange(frames, device=tracks.device) * source_intervals
    lower = places // max(intervals, 1)
    weight = (places % max(intervals, 1)).to(torch.float64) / max(intervals, 1)
    result = _at(tracks, lower, weight)
    if interpolation == "pchip":
        result = replace(result, xy=_pchip(tracks, result))
    if tracks.fps is None or not intervals or not source_intervals:
        return result
    return replace(result, fps=tracks.fps * intervals / source_intervals)


def cut(tracks: Tracks, start: int, stop: int) -> Tracks:
    """The frames start <= frame < stop.

    Args:
        tracks: T frames.
        start: First frame kept.
        stop: First frame removed after it.

    Raises:
        TypeError, ValueError: Not 0 <= start < stop <= T.
    """
    stop = whole_number("stop", stop, least=1, most=tracks.num_frames)
    start = whole_number("start", start, most=stop - 1)
    return replace(tracks, xy=tracks.xy[start:stop], visible=tracks.visible[start:stop])


def reverse(tracks: Tracks) -> Tracks:
    """The last frame first."""
    return replace(tracks, xy=tracks.xy.flip(0), visible=tracks.visible.flip(0))


def hold(tracks: Tracks, before: int = 0, after: int = 0) -> Tracks:
    """The clip extended by copies of its first and its last frame.

    Args:
        tracks: At least one frame.
        before: Copies of the first frame, added at the start.
        after: Copies of the last frame, added at the end.

    Raises:
        TypeError, ValueError: A count is negative, there would be more than 100000 frames, or there
            is no frame at all.
    """
    before, after = whole_number("before", before), whole_number("after", after)
    _check_has_frames(tracks, "hold")
    total = _checked_total(before + tracks.num_frames + after)
    index = torch.arange(total, device=tracks.device) - before
    return _frames(tracks, index.clamp(0, tracks.num_frames - 1))


def loop(tracks: Tracks, count: int, ping_pong: bool = False) -> Tracks:
    """The clip played `count` times in a row.

    Args:
        tracks: T frames.
        count: Number of times, 1 or more.
        ping_pong: Play every second time backwards and show each turning frame once. The result
            then has T + (count - 1) (T - 1) frames instead of count T.

    Raises:
        TypeError, ValueError: `count` is below 1, or there would be more than 100000 frames.
    """
    count = whole_number("count", count, least=1)
    length = tracks.num_frames
    if length == 0:
        return tracks
    if not ping_pong:
        index = torch.arange(_checked_total(count * length), device=tracks.device) % length
        return _frames(tracks, index)
    total = _checked_total(length + (count - 1) * (length - 1))
    last = max(length - 1, 1)
    place = torch.arange(total, device=tracks.device) % (2 * last)
    return _frames(tracks, torch.minimum(place, 2 * last - place))


def ease(tracks: Tracks, easing: Callable[[float], float]) -> Tracks:
    """The same path at another speed: at time t the tracks are where they were at easing(t).

    Positions and visibility between frames are those of resample.

    Args:
        tracks: At least one frame.
        easing: Maps 0..1 of the clip to 0..1; results beyond that range are clamped.

    Raises:
        ValueError: `easing` returns a value that is not finite, or there is no frame at all.
    """
    _check_has_frames(tracks, "ease")
    last = tracks.num_frames - 1
    eased = [float(easing(frame / max(last, 1))) for frame in range(last + 1)]
    if not all(math.isfinite(value) for value in eased):
        raise ValueError("easing must give finite numbers for every time in 0..1.")
    # Rounding lets an easing that returns its argument hit the frames themselves.
    places = [round(min(max(value, 0.0), 1.0) * last, 9) for value in eased]
    place = torch.tensor(places, dtype=torch.float64, device=tracks.device)
    lower = place.floor()
    return _at(tracks, lower.to(torch.int64), place - lower)


def shift(tracks: Tracks, frames: int, outside: Literal["hold", "absent"] = "hold") -> Tracks:
    """The motion delayed by `frames` in a clip of the same length.

    Args:
        tracks: Tracks of any length.
        frames: Delay in frames; negative is earlier.
        outside: What points do where no source frame exists: "hold" keeps the first or last frame,
            "absent" makes them invisible.

    Raises:
        TypeError, ValueError: A value is invalid.
    """
    frames = whole_number("frames", frames, least=None)
    if outside not in ("hold", "absent"):
        raise ValueError(f"outside must be 'hold' or 'absent'; got {outside!r}.")
    if tracks.num_frames == 0:
        return tracks
    length = tracks.num_frames
    index = torch.arange(length, device=tracks.device) - min(max(frames, -length), length)
    shifted = _frames(tracks, index.clamp(0, length - 1))
    if outside == "hold":
        return shifted
    has_source = (index >= 0) & (index < length)
    return replace(shifted, visible=shifted.visible & has_source[:, None])


def _pchip(tracks: Tracks, linear: Tracks) -> Tensor:
    """(F, N, 2) positions of `linear`, replaced where a track is visible in two frames or more."""
    from scipy.interpolate import PchipInterpolator

    times = np.linspace(0.0, 1.0, tracks.num_frames)
    wanted = np.linspace(0.0, 1.0, linear.num_frames)
    xy = tracks.xy.double().cpu().numpy()
    result = linear.xy.double().cpu().numpy()
    # Tracks that are visible in the same frames share their knots.
    patterns, kind = torch.unique(tracks.visible.cpu(), dim=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T.numpy()):
        if pattern.sum() > 1:
            members, knots = (kind == number).numpy(), times[pattern]
            curve = PchipInterpolator(knots, xy[pattern][:, members], axis=0)
            result[:, members] = curve(np.clip(wanted, knots[0], knots[-1]))
    return torch.from_numpy(result).to(linear.xy)


def _check_has_frames(tracks: Tracks, what: str) -> None:
    if tracks.num_frames == 0:
        raise ValueError(f"{what} needs tracks of at least one frame; these have none.")


def _checked_total(frames: int) -> int:
    if frames > MAX_FRAMES:
        raise ValueError(f"the clip would have {frames} frames; at most {MAX_FRAMES} are allowed.")
    return frames


def _frames(tracks: Tracks, index: Tensor) -> Tracks:
    return replace(tracks, xy=tracks.xy[index], visible=tracks.visible[index])


def _at(tracks: Tracks, lower: Tensor, weight: Tensor) -> Tracks:
    """Tracks between frames: at `lower` (F,) plus `weight` (F,) in 0..1 of the way to the next."""
    upper = (lower + 1).clamp(max=tracks.num_frames - 1)
    mix = weight.to(torch.float32)[:, None]
    visible_lower, visible_upper = tracks.visible[lower], tracks.visible[upper]
    # An invisible neighbour lends no position, unless both are placeholders.
    mix = torch.where(visible_lower & ~visible_upper, 0.0, mix)
    mix = torch.where(visible_upper & ~visible_lower, 1.0, mix)
    mix = torch.where((weight == 0)[:, None], 0.0, mix)
    xy = torch.lerp(tracks.xy[lower], tracks.xy[upper], mix[..., None])
    by_lower, by_upper = (weight <= 0.5)[:, None], (weight >= 0.5)[:, None]
    visible = (visible_lower & by_lower) | (visible_upper & by_upper)
    return replace(tracks, xy=xy, visible=visible)
