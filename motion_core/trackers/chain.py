"""Tracking from frame to frame: lost points are predicted and found again.

A stepper gives the positions of points in the next picture. This module chains its steps in both
directions of time, compares each point's patch with its template, moves lost points with
neighbours of similar motion, and searches for them at the predicted positions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..progress import Progress, silent
from ..tracks import Tracks
from .appearance import PATCH, TILE, Grey, Points, Search, ncc, patches_at
from .clip import Video, as_clip
from .tracker import ShouldStop, Work, checked_queries, never, tracks_of

# The tile of a lost point comes from this many frames back: later it may be half covered.
LOOK_BACK = 4
COMPANIONS = 8
# Lost points searched for at once; their tiles and the pyramids over them take about 200 MB.
MAX_SEARCHED = 8192
# Distances in one table: 16 MB.
MAX_TABLE = 1_000_000
NEIGHBOURS = 32


class Stepper(Protocol):
    """Moves points from one picture to the next.

    Attributes:
        points_per_step: How many points one call takes where each point is followed by itself; None
            where all points together cost little more than one.
    """

    points_per_step: ClassVar[int | None]

    def step(self, before: Frame, after: Frame, points: Points) -> tuple[Points, NDArray[np.bool_]]:
        """Move points to the next picture.

        Args:
            before: The picture that the points are in.
            after: The next picture.
            points: (N, 2) pixels of `before`.

        Returns:
            (N, 2) pixels of `after`, and (N,) bool which of them are reliable.
        """
        ...


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture in the forms that steppers read.

    Attributes:
        rgb: (H, W, 3) uint8.
        grey: (H, W) uint8.
    """

    rgb: NDArray[np.uint8]
    grey: Grey


@dataclass(frozen=True)
class ChainSettings:
    """When a point counts as lost and when as found again.

    A point is lost when its patch correlates less than `keep` with its template, and differs from
    it by more than `difference` and by more than twice the median difference (noise, a change of
    light).

    Attributes:
        keep: Least correlation with the template, -1..1.
        difference: Mean absolute difference in grey levels.
        regain: A lost point is found when its patch correlates more than this, -1..1.
        contrast: Least standard deviation, in grey levels, of a patch that is found again.
        renew: Weight of each new patch in the running average that forms the template, 0..1.
    """

    keep: float = 0.65
    difference: float = 6.0
    regain: float = 0.85
    contrast: float = 4.0
    renew: float = 0.12


def chain_tracks(
    stepper: Stepper,
    video: Video,
    queries: Tensor,
    settings: ChainSettings | None = None,
    progress: Progress = silent,
    should_stop: ShouldStop = never,
) -> Tracks:
    """Chain a stepper's steps to tracks, forwards and backwards from the queries.

    If the clip is a file, only a few pictures are in memory at a time.

    Args:
        stepper: Moves points from one picture to the next.
        video: As in Tracker.track.
        queries: (N, 3), as in Tracker.track.
        settings: When points are lost and found again; None for the defaults.
        progress: As in Tracker.track.
        should_stop: As in Tracker.track.

    Returns:
        Tracks (T, N).
    """
    clip = as_clip(video)
    queries = checked_queries(queries, clip)
    frames = queries[:, 0].long().numpy()
    starts = queries[:, 1:].numpy()
    xy = np.tile(starts, (clip.num_frames, 1, 1))
    visible = np.zeros(xy.shape[:2], dtype=bool)
    legs = [(int(frames.min()), clip.num_frames - 1), (int(frames.max()), 0)] if len(frames) else []
    legs = legs[:1] if len(frames) and frames.max() == 0 else legs
    total = sum(abs(last - first) + 1 for first, last in legs)
    work = Work(total, progress, should_stop)
    for first, last in legs:
        walk = _PointChain(stepper, settings or ChainSettings(), starts, work)
        step = 1 if last >= first else -1
        for index, rgb in enumerate(clip.walk(first, last)):
            frame = first + step * index
            walk.advance(as_frame(rgb))
            walk.start(frames == frame)
            xy[frame, walk.started] = walk.position[walk.started]
            visible[frame, walk.started] = walk.visible[walk.started]
            work.step()
    found = torch.from_numpy(xy), torch.from_numpy(visible)
    return tracks_of(clip, queries, *found, tick=lambda: work.step(0))


def as_frame(rgb: NDArray[np.uint8]) -> Frame:
    """A picture (H, W, 3) in the forms that steppers read."""
    import cv2

    return Frame(rgb, np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8))


class _PointChain:
    """State of all points in one direction of time."""

    def __init__(
        self, stepper: Stepper, settings: ChainSettings, starts: Points, work: Work
    ) -> None:
        count = len(starts)
        self.stepper, self.settings, self.work = stepper, settings, work
        self.starts = starts
        self.position = starts.copy()
        self.velocity = np.zeros_like(starts)
        self.started = np.zeros(count, dtype=bool)
        self.visible = np.zeros(count, dtype=bool)
        self.templates: NDArray[np.float32] | None = None
        self.tiles = np.zeros((count, TILE, TILE), np.uint8) if count else None
        self.companions = np.full((count, COMPANIONS), -1)
        self.past: deque[tuple[Frame, Points, NDArray[np.bool_]]] = deque(maxlen=LOOK_BACK)

    def advance(self, picture: Frame) -> None:
        """Move every started point into the next picture."""
        if self.past and self.started.any():
            followed = np.flatnonzero(self.visible)
            lost = np.flatnonzero(self.started & ~self.visible)
            kept = self._follow(picture, followed)
            self._carry(lost)
            self._lose(followed[~kept])
            self._look_for(picture, lost)
        self.picture = picture
        self._remember()

    def start(self, now: NDArray[np.bool_]) -> None:
        """Start the points whose query is in the picture last advanced to."""
        if not now.any():
            return
        if self.templates is None:
            self.templates = np.zeros((len(self.starts), PATCH * PATCH), np.float32)
        which = np.flatnonzero(now)
        for first in range(0, len(which), MAX_SEARCHED):
            some = which[first : first + MAX_SEARCHED]
            self.templates[some] = patches_at(self.picture.grey, self.starts[some])
            if first:
                self.work.step(0)
        self.started |= now
        self.visible |= now
        self.past.pop()
        self._remember()

    def _remember(self) -> None:
        self.past.append((self.picture, self.position.copy(), self.visible.copy()))

    def _follow(self, picture: Frame, which: NDArray) -> NDArray[np.bool_]:
        """Step the visible points; return which of them stay visible."""
        if not len(which):
            return np.zeros(0, dtype=bool)
        assert self.templates is not None
        before = self.position[which]
        after, good = self._stepped(picture, before)
        good = good & _inside(after, picture.grey)
        patches = np.empty((len(which), PATCH * PATCH), np.float32)
        correlation, difference = np.empty((2, len(which)), np.float32)
        for part in self._portions(len(which)):
            patches[part] = patches_at(picture.grey, after[part])
            similarity = ncc(patches[part], self.templates[which[part]])
            correlation[part], difference[part] = similarity.correlation, similarity.difference
        median = float(np.median(difference[good])) if good.any() else 0.0
        differs = difference > max(self.settings.difference, 2.0 * median)
        good &= (correlation >= self.settings.keep) | ~differs
        self.position[which[good]] = after[good]
        self.velocity[which[good]] = after[good] - before[good]
        renew = self.settings.renew
        self.templates[which[good]] = (1 - renew) * self.templates[which[good]] + renew * patches[
            good
        ]
        self.visible[which[~good]] = False
        return good

    def _stepped(self, picture: Frame, before: Points) -> tuple[Points, NDArray[np.bool_]]:
        """The stepper's answer for all points, in portions that the work can be stopped between."""
        last, portion = self.past[-1][0], self.stepper.points_per_step
        if portion is None or len(before) <= portion:
            return self.stepper.step(last, picture, before)
        parts = []
        for first in range(0, len(before), portion):
            parts.append(self.stepper.step(last, picture, before[first : first + portion]))
            self.work.step(0)
        after, good = zip(*parts, strict=True)
        return np.concatenate(after), np.concatenate(good)

    def _lose(self, which: NDArray) -> None:
        """Store the appearance of points just lost, choose their companions, and move them on."""
        if not len(which):
            return
        assert self.tiles is not None
        past, known = list(self.past), np.stack([visible[which] for _, _, visible in self.past])
        # The oldest picture in which each was visible; all were visible in the newest one.
        oldest = known.argmax(axis=0)
        for index in np.unique(oldest):
            points = which[oldest == index]
            picture, positions, _ = past[index]
            for part in self._portions(len(points)):
                flat = patches_at(picture.grey, positions[points[part]], TILE)
                self.tiles[points[part]] = flat.reshape(-1, TILE, TILE)
        alive = np.flatnonzero(self.visible)
        for part in self._portions(len(which) if len(alive) else 0):
            self.companions[which[part]] = self._similar_motion(which[part], alive)
        self._carry(which)

    def _portions(self, count: int) -> Iterator[slice]:
        """Slices of so many points, with a chance to stop the work between them."""
        for first in range(0, count, MAX_SEARCHED):
            if first:
                self.work.step(0)
            yield slice(first, first + MAX_SEARCHED)

    def _similar_motion(self, which: NDArray, alive: NDArray) -> NDArray:
        """(M, COMPANIONS) the visible neighbours with the most similar velocity."""
        before = self.past[-1][1]
        near = nearest(before[which], before[alive], NEIGHBOURS)
        difference = np.linalg.norm(
            self.velocity[alive][near] - self.velocity[which][:, None], axis=-1
        )
        best = np.argsort(difference, axis=1)[:, :COMPANIONS]
        chosen = alive[np.take_along_axis(near, best, axis=1)]
        padding = np.full((len(which), COMPANIONS - chosen.shape[1]), -1)
        return np.concatenate([chosen, padding], axis=1)

    def _carry(self, which: NDArray) -> None:
        """Move lost points by the median velocity of their companions, or by their own last one."""
        if not len(which):
            return
        companions = self.companions[which]
        there = (companions >= 0) & self.visible[companions]
        some = there.any(axis=1)
        self.velocity[which[some]] = _medians(self.velocity[companions[some]], there[some])
        self.position[which] += self.velocity[which]

    def _look_for(self, picture: Frame, which: NDArray) -> None:
        """Search for lost points at their predicted positions."""
        assert self.templates is not None and self.tiles is not None
        which = which[_inside(self.position[which], picture.grey)]
        for first in range(0, len(which), MAX_SEARCHED):
            if first:
                self.work.step(0)
            self._search(picture, which[first : first + MAX_SEARCHED])

    def _search(self, picture: Frame, which: NDArray) -> None:
        assert self.templates is not None and self.tiles is not None
        search = Search(picture.grey, self.tiles[which], self.position[which])
        candidates = np.flatnonzero(search.good & _inside(search.found, picture.grey))
        patches = patches_at(picture.grey, search.found[candidates])
        similarity = ncc(patches, _middles(self.tiles[which[candidates]]))
        good = similarity.correlation >= self.settings.regain
        good &= similarity.contrast >= self.settings.contrast
        # The backward check comes last, since it is expensive and few points reach it.
        good[good] = search.returns(candidates[good])
        back = which[candidates[good]]
        self.position[back] = search.found[candidates[good]]
        self.visible[back] = True
        self.templates[back] = patches[good]


def nearest(points: Points, others: Points, count: int) -> NDArray[np.int64]:
    """(M, K) the nearest of others (A, 2) to each of points (M, 2), K = min(count, A), by distance.

    A table of all distances serves a few points; a k-d tree serves many.
    """
    count = min(count, len(others))
    if len(points) * len(others) <= MAX_TABLE:
        distance = np.linalg.norm(points[:, None] - others[None], axis=-1)
        return np.argsort(distance, axis=1)[:, :count]
    from scipy.spatial import KDTree

    _, found = KDTree(others).query(points, k=count)
    return np.asarray(found, np.int64).reshape(len(points), count)


def _medians(steps: NDArray[np.float32], there: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(N, 2) medians of the steps (N, K, 2) where `there`, at least one each."""
    ordered = np.sort(np.where(there[..., None], steps, np.inf), axis=1)
    count, rows = there.sum(axis=1), np.arange(len(steps))
    middle = (ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]) / 2
    return middle.astype(np.float32)


def _middles(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    low = (TILE - PATCH) // 2
    return tiles[:, low : low + PATCH, low : low + PATCH].reshape(len(tiles), PATCH * PATCH)


def _inside(points: Points, grey: Grey) -> NDArray[np.bool_]:
    height, width = grey.shape
    return np.asarray(((points >= 0) & (points < (width, height))).all(axis=1))
