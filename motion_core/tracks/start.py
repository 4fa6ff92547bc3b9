"""Where and when tracks begin, what happens in their gaps, and an even choice among them.

A track that is never visible has no start. Every function here says what it returns for one.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from .model import Tracks

# Cells along the longer side of the canvas among which `thin_evenly` distributes its choice.
THINNING_CELLS = 64


class TrackStarts(NamedTuple):
    """The first visible frame and position of N tracks.

    Attributes:
        frame: (N,) int64, always a valid index into T >= 1 frames; 0 where never visible.
        xy: (N, 2), in the dtype of the tracks; the placeholder of frame 0 where never visible.
        has_start: (N,) bool, whether the track is ever visible.
    """

    frame: Tensor
    xy: Tensor
    has_start: Tensor


def first_visible(visible: Tensor) -> tuple[Tensor, Tensor]:
    """The first visible frame of every track, and which tracks have one.

    Args:
        visible: (T, N) bool, T >= 0.

    Returns:
        (N,) int64 frames, 0 for tracks that are never visible, and (N,) bool, whether a track is
        ever visible.
    """
    frames, points = visible.shape
    if frames == 0:
        return visible.new_zeros(points, dtype=torch.int64), visible.new_zeros(points)
    return visible.to(torch.uint8).argmax(dim=0), visible.any(dim=0)


def track_starts(tracks: Tracks) -> TrackStarts:
    """Frame and position in which every track is first visible."""
    frame, has_start = first_visible(tracks.visible)
    if tracks.num_frames == 0:
        return TrackStarts(frame, tracks.xy.new_zeros(tracks.num_points, 2), has_start)
    point = torch.arange(tracks.num_points, device=tracks.device)
    return TrackStarts(frame, tracks.xy[frame, point], has_start)


def start_and_displacement(tracks: Tracks) -> tuple[Tensor, Tensor]:
    """First visible positions (N, 2) and displacements from them (T, N, 2), both float64.

    The displacement is 0 while a track is invisible. A track that is never visible starts at the
    placeholder of frame 0.
    """
    start = track_starts(tracks).xy.double()
    moved = tracks.xy.double() - start
    return start, torch.where(tracks.visible[..., None], moved, 0.0)


def fill_gaps(xy: Tensor, visible: Tensor, between: Literal["linear", "hold"] = "linear") -> Tensor:
    """Positions in which invisible stretches are filled from visible positions of their track.

    Before it is first visible a track rests at its first visible position, after it is last
    visible at its last one. A track that is never visible keeps its placeholders.

    Args:
        xy: (T, N, 2) floating point positions; only those of visible points are read.
        visible: (T, N) bool.
        between: What a track does in a gap: "linear" moves evenly from the last position before
            the gap to the first one after it, "hold" rests at the last position.

    Returns:
        (T, N, 2) in the dtype of `xy`.
    """
    frames = len(xy)
    if not xy.numel():
        return xy
    frame = torch.arange(frames, device=xy.device)[:, None].expand_as(visible)
    before = torch.where(visible, frame, -1).cummax(dim=0).values
    after = torch.where(visible, frame, frames).flip(0).cummin(dim=0).values.flip(0)
    is_first, is_last = before < 0, after == frames
    before = torch.where(is_first, after, before)
    after = torch.where(is_last, before, after)
    # Neither exists for a track that is never visible.
    never = is_first & is_last
    before, after = (torch.where(never, frame, one) for one in (before, after))
    low = xy.gather(0, before[..., None].expand_as(xy))
    if between == "hold":
        return low
    high = xy.gather(0, after[..., None].expand_as(xy))
    weight = (frame - before) / (after - before).clamp(min=1)
    return torch.lerp(low, high, weight.clamp(0, 1)[..., None].to(xy.dtype))


def thin_evenly(start: Tensor, longer_side: float, limit: int) -> Tensor:
    """(K,) indices of at most `limit` points, in rising order, spread evenly over the canvas.

    One point of every cell of a grid is taken, then a second of every cell, and so on; within a
    cell, earlier points come first. When the last round cannot serve all cells, it takes every nth
    along a Z-order curve (Morton 1966), on which neighbours are close in both directions. All cells
    outside the canvas on one side count as one row or column.

    Args:
        start: (N, 2) pixels, for tracks their first visible positions.
        longer_side: The longer side of the canvas in pixels, which is divided into 64 cells.
        limit: The largest number of points to keep.
    """
    if len(start) <= limit:
        return torch.arange(len(start), device=start.device)
    cell = (start * (THINNING_CELLS / longer_side)).floor().clamp(-1, THINNING_CELLS).long()
    key, order = torch.sort(_z_order(cell[:, 0], cell[:, 1]), stable=True)
    place = torch.arange(len(key), device=key.device)
    opens_cell = torch.ones_like(key, dtype=torch.bool)
    opens_cell[1:] = key[1:] != key[:-1]
    rank = place - torch.where(opens_cell, place, 0).cummax(dim=0).values
    by_rank = order[torch.argsort(rank, stable=True)]
    ends = torch.bincount(rank).cumsum(0)
    full = int((ends <= limit).sum())
    start_of_last, end_of_last = (int(ends[full - 1]) if full else 0), int(ends[full])
    last = by_rank[start_of_last:end_of_last]
    last = last[every_nth(len(last), limit - start_of_last).to(last.device)]
    return torch.cat([by_rank[:start_of_last], last]).sort().values


def _z_order(column: Tensor, row: Tensor) -> Tensor:
    """Places of cells -1..THINNING_CELLS on a Z-order curve: their bits, interleaved.

    Only the lowest bits count, so that -1 follows all others and the canvas starts the curve.
    """
    place = torch.zeros_like(column)
    for bit in range(THINNING_CELLS.bit_length()):
        place |= (column >> bit & 1) << 2 * bit | (row >> bit & 1) << 2 * bit + 1
    return place


def every_nth(count: int, limit: int) -> Tensor:
    """(K,) indices of at most `limit` of `count` things, evenly in their order."""
    kept = min(count, limit)
    return torch.arange(kept) * count // max(kept, 1)
