"""Points after a cut: those that a tracker takes for visible although they are other things."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .appearance import TILE, ncc, patches_at
from .clip import Clip

logger = logging.getLogger(__name__)

# A cut: more than this share of the points is lost at once, of at least so many.
CUT_SHARE, CUT_POINTS = 0.6, 10
# Least correlation of the surroundings of a point (TILE pixels wide) before and after a cut.
SAME_PLACE = 0.7
# Points that are compared at once; their tiles take about 60 MB.
PORTION = 4096

Flags = NDArray[np.bool_]


def visible_across_cuts(
    clip: Clip,
    queries: Tensor,
    xy: Tensor,
    visible: Tensor,
    tick: Callable[[], None] = lambda: None,
) -> Tensor:
    """The visibility of tracks without points that look like other things after a cut.

    Where most points are lost between two frames, the others, and those that are found again, are
    compared with what surrounded them before. A flash, a fast pan and something that passes in
    front of the camera lose most points too: what is found after them looks as before, and stays.

    Args:
        clip: The video.
        queries: (N, 3) frame, x, y.
        xy: (T, N, 2) pixels.
        visible: (T, N) bool.
        tick: Called per frame that is compared; may raise to stop.

    Returns:
        (T, N) bool. Points are hidden after a cut, seen from their query, and logged.
    """
    found, places = visible.numpy().copy(), xy.numpy()
    frames, last = queries[:, 0].long().numpy(), len(found) - 1
    # Once in each direction of time in which points are followed from their queries.
    for first, step in ((0, 1), (last, -1)):
        starts = (frames - first) * step
        for cut in _suspected(found[::step], starts):
            rest = clip.walk(first + step * cut, last - first)
            flags = found[::step][cut:]
            hidden = _hide_others(rest, flags, places[::step][cut:], starts <= cut, tick)
            _log(first + step * cut, step, visible.numpy(), hidden)
    return torch.from_numpy(found)


def _suspected(visible: Flags, starts: NDArray[np.int64]) -> list[int]:
    """The frames after which most of the points that are followed are lost."""
    started = starts[None] <= np.arange(len(visible) - 1)[:, None]
    before = (visible[:-1] & started).sum(axis=1)
    lost = (visible[:-1] & ~visible[1:] & started).sum(axis=1)
    is_cut = (before >= CUT_POINTS) & (lost > CUT_SHARE * before)
    return [int(frame) for frame in np.flatnonzero(is_cut)]


def _hide_others(
    rest: Iterator[NDArray[np.uint8]],
    visible: Flags,
    xy: NDArray[np.float32],
    started: Flags,
    tick: Callable[[], None],
) -> int:
    """Hide points that look otherwise than in the first picture, until they look alike.

    Args:
        rest: T' pictures, from the last one before the cut on.
        visible: (T', N); changed in place.
        xy: (T', N, 2).
        started: (N,) points that are followed across the cut.
        tick: Called per picture.

    Returns:
        How many points were hidden.
    """
    shown = visible.copy()
    open_points = np.flatnonzero(shown[0] & started & shown[1:].any(axis=0))
    tiles = _tiles(next(rest), xy[0, open_points])
    is_other = np.zeros(len(open_points), bool)
    ever = is_other.copy()
    for frame, picture in enumerate(rest, start=1):
        if not len(open_points) or not shown[frame:, open_points].any():
            break
        tick()
        now = shown[frame, open_points]
        appears = now & (~shown[frame - 1, open_points] if frame > 1 else True)
        alike = np.zeros(len(now), bool)
        alike[appears] = _alike(picture, xy[frame, open_points[appears]], tiles[appears], tick)
        is_other = (is_other & now & ~appears) | (appears & ~alike)
        visible[frame, open_points[is_other]] = False
        ever |= is_other
        keep = ~alike
        open_points, tiles, is_other = open_points[keep], tiles[keep], is_other[keep]
        ever = ever[keep]
    return int(ever.sum())


def _alike(
    picture: NDArray[np.uint8],
    points: NDArray[np.float32],
    tiles: NDArray[np.uint8],
    tick: Callable[[], None],
) -> Flags:
    """(N,) bool, whether the surroundings of points in a picture look like the tiles."""
    found = [np.zeros(0, bool)]
    for first in range(0, len(points), PORTION):
        part = slice(first, first + PORTION)
        patches = _tiles(picture, points[part])
        found.append(ncc(patches, tiles[part]).correlation >= SAME_PLACE)
        tick()
    return np.concatenate(found)


def _tiles(picture: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.uint8]:
    import cv2

    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    return patches_at(grey, np.ascontiguousarray(points, np.float32), TILE)


def _log(frame: int, step: int, visible: Flags, hidden: int) -> None:
    before, after = visible[frame], visible[frame + step]
    logger.warning(
        "%d of %d visible points are lost between frames %d and %d, as at a cut. %d others look "
        "like other things there and are hidden. Track each shot on its own.",
        int((before & ~after).sum()),
        int(before.sum()),
        *sorted((frame, frame + step)),
        hidden,
    )
