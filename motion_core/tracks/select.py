"""Which tracks: choosing some of them and putting several sets together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..errors import CanvasError, ShapeError
from ..progress import Progress, silent
from .arguments import whole_number
from .frame_rate import common_rate
from .model import Tracks
from .start import track_starts

log = logging.getLogger(__name__)

# Distances measured by farthest-point sampling: about ten seconds.
MAX_DISTANCES = 10_000_000_000


def select(tracks: Tracks, index_or_mask: Tensor | Sequence[int] | Sequence[bool]) -> Tracks:
    """The tracks at the given indices, in that order, or those where a mask is True.

    Args:
        tracks: N tracks.
        index_or_mask: (K,) whole numbers 0..N-1, each at most once, or (N,) bool.

    Raises:
        TypeError, ShapeError, ValueError: `index_or_mask` is neither.
    """
    index = _as_index(index_or_mask, tracks.num_points).to(tracks.device)
    return replace(
        tracks,
        xy=tracks.xy[:, index],
        visible=tracks.visible[:, index],
        ids=tracks.ids[index],
    )


def select_ids(tracks: Tracks, ids: Tensor | Sequence[int]) -> Tracks:
    """The tracks with the given ids, in that order.

    Args:
        tracks: N tracks.
        ids: (K,) whole numbers, each the id of one track and at most once.

    Raises:
        ValueError: No track has one of the ids; the message names them.
    """
    wanted = _whole_vector("ids", ids).to(tracks.device)
    have, place = torch.sort(tracks.ids)
    spot = torch.searchsorted(have, wanted).clamp(max=max(have.numel() - 1, 0))
    known = have[spot] == wanted if have.numel() else torch.zeros_like(wanted, dtype=torch.bool)
    if not bool(known.all()):
        missing = wanted[~known].tolist()
        raise ValueError(f"no track has id {_shortened(missing)}; ids come from Tracks.ids.")
    return select(tracks, place[spot])


def select_random(tracks: Tracks, count: int, *, seed: int) -> Tracks:
    """At most `count` random tracks, in their original order.

    Args:
        tracks: N tracks; all are returned if N <= `count`.
        count: The largest number of tracks, 1 or more.
        seed: Seed of the selection. With one seed, a smaller count selects a subset of what a
            larger count selects.

    Raises:
        TypeError, ValueError: `count` or `seed` is invalid.
    """
    count = whole_number("count", count, least=1)
    order = torch.randperm(tracks.num_points, generator=_generator(seed))
    return select(tracks, order[:count].sort().values)


def select_farthest(
    tracks: Tracks, count: int, *, seed: int = 0, progress: Progress = silent
) -> Tracks:
    """At most `count` tracks spread as evenly as possible, in their original order.

    Farthest-point sampling of the first visible positions. Tracks that are never visible have no
    position and are taken last.

    Args:
        tracks: N tracks; all are returned if N <= `count`.
        count: The largest number of tracks, 1 or more.
        seed: Seed of the first track.
        progress: Called with (tracks selected, count).

    Raises:
        TypeError, ValueError: `count` or `seed` is invalid, or count times N is too large.
    """
    count = whole_number("count", count, least=1)
    generator = _generator(seed)
    if count >= tracks.num_points:
        return tracks
    if count * tracks.num_points > MAX_DISTANCES:
        raise ValueError(
            f"spreading {count:,} of {tracks.num_points:,} tracks takes too long; keep at most "
            f"{MAX_DISTANCES // tracks.num_points:,}, or choose them at random."
        )
    _, start, has_start = track_starts(tracks)
    x, y = start.T.contiguous()
    pool = torch.nonzero(has_start == has_start.any()).flatten()
    chosen = [int(pool[torch.randint(pool.numel(), (), generator=generator)])]
    reach = torch.where(has_start, torch.inf, -1.0)
    for done in range(1, count):
        newest = chosen[-1]
        reach = torch.minimum(reach, (x - x[newest]).square_().add_((y - y[newest]).square_()))
        reach[newest] = -torch.inf
        chosen.append(int(reach.argmax()))
        progress(done, count)
    return select(tracks, sorted(chosen))


def concat(tracks_list: Sequence[Tracks]) -> Tracks:
    """All tracks of several sets as one, in order.

    An id that an earlier set already uses is replaced by the smallest number that no set uses.
    ``fps`` is what all sets that know theirs agree on, in its most exact form. Where they differ
    it is None, and a warning is logged.
    Raises ValueError for an empty list, CanvasError when canvases differ, ShapeError when frame
    counts do.
    """
    sets = list(tracks_list)
    if not sets:
        raise ValueError("concat needs at least one set of tracks; got an empty list.")
    first = sets[0]
    for place, other in enumerate(sets[1:], start=2):
        _check_same_clip(first, other, place)
    known_fps = [one.fps for one in sets if one.fps is not None]
    fps = common_rate(known_fps)
    if known_fps and fps is None:
        rates = ", ".join(f"{rate:.6g}" for rate in sorted(set(known_fps)))
        log.warning("the sets of tracks are at %s fps; the frame rate is left out.", rates)
    return Tracks(
        torch.cat([one.xy for one in sets], dim=1),
        torch.cat([one.visible for one in sets], dim=1),
        _without_clashes(torch.cat([one.ids for one in sets])),
        first.size,
        fps,
    )


def _as_index(index_or_mask: Any, points: int) -> Tensor:
    value = torch.as_tensor(index_or_mask)
    if value.dtype == torch.bool:
        if value.shape != (points,):
            raise ShapeError(
                f"a mask of tracks must be (N,) = {(points,)}; got {tuple(value.shape)}."
            )
        return torch.nonzero(value).flatten()
    index = _whole_vector("index", value)
    outside = index[(index < 0) | (index >= points)]
    if outside.numel():
        raise ValueError(
            f"index must hold positions 0..{points - 1} of {points} tracks; got "
            f"{_shortened(outside.tolist())}."
        )
    if index.unique().numel() != index.numel():
        raise ValueError("index names a track twice; ids must stay different, so give each once.")
    return index


def _whole_vector(name: str, values: Any) -> Tensor:
    vector = torch.as_tensor(values)
    if vector.numel() == 0:
        vector = vector.to(torch.int64)
    if vector.ndim != 1:
        raise ShapeError(f"{name} must be (K,); got {tuple(vector.shape)}.")
    if vector.dtype == torch.bool or vector.is_floating_point() or vector.is_complex():
        raise TypeError(f"{name} must hold whole numbers; got {vector.dtype}.")
    return vector.to(torch.int64)


def _shortened(numbers: list[int], most: int = 5) -> str:
    shown = ", ".join(str(number) for number in numbers[:most])
    return shown if len(numbers) <= most else f"{shown} and {len(numbers) - most} more"


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(whole_number("seed", seed, least=None))


def _check_same_clip(first: Tracks, other: Tracks, place: int) -> None:
    if other.size != first.size:
        raise CanvasError(
            f"tracks 1 are on {first.size} but tracks {place} on {other.size}. "
            "Bring them to one canvas with fit() (Transform Tracks) first."
        )
    if other.num_frames != first.num_frames:
        raise ShapeError(
            f"tracks 1 have {first.num_frames} frames but tracks {place} have "
            f"{other.num_frames}. Bring them to one length with resample() (Retime Tracks) first."
        )


def _without_clashes(ids: Tensor) -> Tensor:
    """`ids` with every repeated value after its first place replaced by an unused number."""
    order = torch.argsort(ids, stable=True)
    repeats = torch.zeros_like(ids, dtype=torch.bool)
    repeats[order[1:]] = ids[order[1:]] == ids[order[:-1]]
    candidates = torch.arange(ids.numel(), device=ids.device)
    fresh = candidates[~torch.isin(candidates, ids)]
    result = ids.clone()
    result[repeats] = fresh[: int(repeats.sum())]
    return result
