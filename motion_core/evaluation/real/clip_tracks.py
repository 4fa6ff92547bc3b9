"""Tracks of a real clip: found in its own video, checked forwards and backwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...fields.arrays import BoolArray
from ...fields.similarity import fit_common
from ...images import image_size, resize_images
from ...trackers import Tracker, random_queries
from ...trackers.dense_flow import DenseFlow, DisFlow
from ...tracks import select
from ...tracks.canvas import scale_to
from ...tracks.model import Tracks
from .clips import RealClip
from .natural_drag import GROUP_FRAC, PINS, inside_distance, outside_distance
from .photographs import reduced

# The long side on which errors are measured, pixels.
LONG_SIDE = 256
# Points tracked per clip. A track is kept if it is visible in so many frames and, followed back
# from the last of them, comes to within this distance of its start, pixels of LONG_SIDE.
POOL, LEAST_FRAMES, RETURN_PX = 2048, 8, 1.0
# So many tracks must be left unseen; at most so many are measured.
LEAST_HELD_OUT, MOST_HELD_OUT = 64, 1024
# A track that departs from the clip's dominant motion by more than this does not follow it.
APART_PX = 3.0
DRAG = "drag"
COUNTS = ("1", "4", "16", "64", "512", DRAG)


@dataclass(frozen=True, eq=False)
class TrackedClip:
    """A clip reduced to LONG_SIDE, with its tracks.

    Attributes:
        clip: that it was made of.
        video: (T, H, W, 3) float32 0..1.
        pool: checked tracks, visible in frame 0 and in LEAST_FRAMES or more.
        apart: (N,) bool, the tracks of the pool that do not follow the dominant motion.
    """

    clip: RealClip
    video: Tensor
    pool: Tracks
    apart: Tensor

    @property
    def marks(self) -> Tracks | None:
        """The points that people have marked, on the reduced canvas."""
        marks = self.clip.marks
        return None if marks is None else scale_to(marks, self.pool.size)

    @property
    def thing(self) -> BoolArray | None:
        """The outlined thing on the reduced canvas."""
        if self.clip.thing is None:
            return None
        mask = torch.from_numpy(self.clip.thing).float()[..., None].expand(-1, -1, 3)
        return (resize_images(mask.contiguous(), self.pool.size)[..., 0] > 0.5).numpy()


def tracked_clip(clip: RealClip, tracker: Tracker | None = None) -> TrackedClip:
    """Tracks of random points of a clip's first frame.

    Every point is followed through the clip, and from its last visible frame back to the first.

    Args:
        clip: at the size at which it is stored, where it is tracked.
        tracker: chained DIS flow unless another is given (the best of docs/trackers.md without
            weights).
    """
    tracker = tracker or DenseFlow(DisFlow())
    size = image_size(clip.video)
    small = reduced(size, LONG_SIDE)
    generator = torch.Generator().manual_seed(0)
    queries = random_queries(size, POOL, generator)
    tracks = tracker.track(clip.video, queries)
    tracks = select(tracks, (tracks.visible.sum(dim=0) >= LEAST_FRAMES).nonzero().squeeze(1))
    if tracks.num_points:
        tracks = returning_tracks(tracker, clip.video, tracks)
    pool = scale_to(tracks, small)
    video = resize_images(clip.video, small).clamp(0, 1)
    return TrackedClip(clip, video, pool, _apart(pool))


def returning_tracks(tracker: Tracker, video: Tensor, tracks: Tracks) -> Tracks:
    """The tracks that come back to their start from the last frame in which they are visible.

    Args:
        tracker: that found them.
        video: (T, H, W, 3) float32 0..1.
        tracks: visible in frame 0.
    """
    times = torch.arange(tracks.num_frames)[:, None]
    last = torch.where(tracks.visible, times, 0).amax(dim=0)
    ends = tracks.xy[last, torch.arange(tracks.num_points)]
    back = tracker.track(video, torch.cat([last[:, None].float(), ends], dim=1))
    away = (back.xy[0] - tracks.xy[0]).norm(dim=-1)
    kept = back.visible[0] & (away <= RETURN_PX * max(tracks.size) / LONG_SIDE)
    return select(tracks, kept.nonzero().squeeze(1))


def given_tracks(clip: TrackedClip, count: str, seed: int) -> Tracks | None:
    """The tracks that methods get.

    Args:
        clip: with its pool.
        count: of COUNTS: so many tracks at random, or the drag of the outlined thing: the tracks
            that start nearest to 3 x 3 points in its middle, and pins on the background.
        seed: of the choice.

    Returns:
        Tracks, or None where the clip has too few, or no outlined thing.
    """
    pool = clip.pool
    if count == DRAG:
        return _drag(clip)
    if pool.num_points < int(count) + LEAST_HELD_OUT:
        return None
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(pool.num_points, generator=generator)[: int(count)].sort().values
    return select(pool, chosen)


def held_out_tracks(clip: TrackedClip, given: Tracks) -> tuple[Tracks, Tracks]:
    """The tracks of the pool that are not given, and those of them that do not follow the
    dominant motion; at most MOST_HELD_OUT each."""
    held_out = ~torch.isin(clip.pool.ids, given.ids)
    parts = (held_out, held_out & clip.apart)
    first, second = (part.nonzero().squeeze(1)[:MOST_HELD_OUT] for part in parts)
    return select(clip.pool, first), select(clip.pool, second)


def _apart(pool: Tracks) -> Tensor:
    """(N,) bool: tracks that the similarity of most tracks does not explain."""
    if pool.num_points < 3:
        return torch.zeros(pool.num_points, dtype=torch.bool)
    moved = (pool.xy - pool.xy[0]).numpy()
    visible = pool.visible.numpy()
    weight = np.ones(pool.num_points, np.float32)
    common = fit_common(pool.xy[0].numpy(), moved, visible, weight)
    far = np.where(visible, np.linalg.norm(moved - common, axis=-1), 0).max(axis=0)
    return torch.from_numpy(far > APART_PX)


def _drag(clip: TrackedClip) -> Tracks | None:
    thing, pool = clip.thing, clip.pool
    if thing is None or not thing.any() or not pool.num_points:
        return None
    start = pool.xy[0].numpy()
    column, row = np.floor(start).astype(int).T
    depth = inside_distance(thing)
    row_in, column_in = np.unravel_index(int(depth.argmax()), depth.shape)
    reach = min(depth.max() / 2, GROUP_FRAC * LONG_SIDE)
    offsets = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2) * reach
    on = np.flatnonzero(thing[row, column])
    beside = np.flatnonzero(outside_distance(thing)[row, column] > reach)
    if len(on) + LEAST_HELD_OUT > pool.num_points or not len(on) or not len(beside):
        return None
    wanted = np.array([column_in + 0.5, row_in + 0.5]) + offsets
    group = {int(on[np.linalg.norm(start[on] - place, axis=-1).argmin()]) for place in wanted}
    pins = _spread(start[beside], np.array([column_in, row_in]))
    return select(pool, torch.tensor([*sorted(group), *beside[pins].tolist()]))


def _spread(places: np.ndarray, centre: np.ndarray) -> list[int]:
    """Indices of at most PINS places, each as far as possible from those before it."""
    nearest = np.linalg.norm(places - centre, axis=-1)
    chosen: list[int] = []
    for _ in range(min(PINS, len(places))):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(places - places[chosen[-1]], axis=-1))
    return chosen
