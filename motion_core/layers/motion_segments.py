"""Motion segmentation: the points of a background, and groups of points that move over it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..fields.similarity import fit_common, fit_similarity
from ..geometry import Size
from .neighbours import Neighbours, components, find_neighbours
from .track_motion import Motion

KEY_FRAMES = 16
MOST_SEGMENTS = 6
# A point whose displacement is smaller rests.
REST_PX = 0.05
# A motion that this fraction of the picture follows is the camera's.
CAMERA_AREA = 0.5
# Unless the points that rest against it cover this fraction: then the picture is pinned. An object
# that keeps still while the camera moves lies within the picture: it covers at most WITHIN_RIM of
# the rim, and what follows the camera covers most of it.
PINNED_AREA, WITHIN_RIM, MOST_RIM = 0.05, 0.02, 0.5
# Neighbours differing by less than this fraction of their distance move as one surface; where no
# background is found that way, it may be bent further, if it does not fold (at 1).
STRAINS = (0.3, 0.8)
# Neighbours move alike when their paths point the same way: the cosine of 45 degrees.
ALIKE = 0.7
# A segment further from a similarity than this fraction of its motion is soft.
SOFT = 0.15
# Among many movers, groups smaller than this are tracking mistakes.
MANY_MOVERS, FEWEST_TOGETHER = 200, 3


@dataclass(frozen=True, eq=False)
class MotionSegment:
    """Points that move together over the background.

    Attributes:
        members: (K,) indices of points of the motion.
        alpha: (K,) 0..1, the part of the segment's motion that each takes: all ones for a rigid
            thing, less towards the rim of a soft drag.
        reach: pixels around the members within which the picture can follow them.
        speed: their greatest displacement relative to the background, pixels.
    """

    members: IndexArray
    alpha: FloatArray
    reach: float
    speed: float

    @property
    def is_soft(self) -> bool:
        """Whether its points take different parts of its motion."""
        return bool((self.alpha < 0.99).any())


@dataclass(frozen=True, eq=False)
class MotionSegments:
    """The segments of a motion.

    Attributes:
        background: (K,) indices of the points that rest on the background.
        background_moves: False when it stays put.
        over: the segments that move over it, slowest first.
    """

    background: IndexArray
    background_moves: bool
    over: tuple[MotionSegment, ...]


def segment_motion(
    motion: Motion,
    ground: BoolArray | None = None,
    strains: tuple[float, ...] = STRAINS,
    rests: BoolArray | None = None,
) -> MotionSegments:
    """Splits the points of a motion by how they move.

    The background rests, unless the points that share one similarity cover half of the picture:
    then that similarity is the camera's motion (`_camera`). Points that move otherwise form
    segments of connected neighbours whose paths point the same way.

    Args:
        motion: of all points.
        ground: (N,) bool, points that lie on no thing, where that is known. Where no point rests
            and no similarity covers half of the picture, the motion that they share is the
            camera's.
        strains: neighbours differing by less than the first fraction of their distance move as one
            surface; the further ones are tried where no background is found that way.
        rests: (N,) bool, points on a background that is known to rest.
    """
    if not len(motion.source):
        return MotionSegments(np.arange(0), False, ())
    key = _key_frames(motion)
    nearby = find_neighbours(key.source, key.canvas, natural_reach(key.source, key.canvas))
    if rests is not None:
        drift, on_background = None, rests.copy()
    else:
        drift, on_background = _camera(key, nearby, strains)
    if drift is None and ground is not None and ground.any() and not on_background.any():
        drift, on_background = _shared_by(key, nearby, ground, strains[0])
    background_moves = drift is not None
    if drift is not None:
        key = replace(key, shift=np.where(key.visible[..., None], key.shift - drift, np.float32(0)))
    segments = [
        _make_segment(key, group)
        for group in _groups(key, ~on_background, nearby.edges, strains[0])
    ]
    segments = sorted(segments, key=lambda segment: segment.speed * len(segment.members))[
        -MOST_SEGMENTS:
    ]
    segments = sorted(segments, key=lambda segment: segment.speed)
    for index, segment in enumerate(segments):
        centre = _still_centre(key, segment, on_background, nearby.edges)
        on_background[centre] = False
        segments[index] = replace(
            segment,
            members=np.concatenate([segment.members, centre]),
            alpha=np.concatenate([segment.alpha, np.ones(len(centre), np.float32)]),
        )
    return MotionSegments(np.flatnonzero(on_background), background_moves, tuple(segments))


def natural_reach(points: FloatArray, canvas: Size) -> float:
    """Radius in pixels around points (N, 2) that belongs to them: 1.5 spacings, or a margin."""
    import cv2

    hull = cv2.contourArea(cv2.convexHull(points.astype(np.float32)))
    return max(1.5 * math.sqrt(hull / len(points)), 0.12 * canvas.short_side)


def _key_frames(motion: Motion) -> Motion:
    """The key frames: evenly spread, and where a point that those miss is farthest."""
    frames = len(motion.visible)
    even = np.linspace(0, frames - 1, min(frames, KEY_FRAMES)).round().astype(np.int64)
    length = (motion.shift**2).sum(-1)
    missed = length[even].max(axis=0) < 0.9 * length.max(axis=0)
    peaks = np.unique(length[:, missed].argmax(axis=0))
    peaks = peaks[:: -(-len(peaks) // KEY_FRAMES) or 1]
    chosen = np.union1d(even, peaks)
    return replace(motion, shift=motion.shift[chosen], visible=motion.visible[chosen])


def _camera(
    key: Motion, nearby: Neighbours, strains: tuple[float, ...]
) -> tuple[FloatArray | None, BoolArray]:
    """(T, N, 2) the motion of the background or None at rest, and (N,) bool, the points on it."""
    rests = _greatest(key.shift) <= REST_PX
    drift = fit_common(key.source, key.shift, key.visible, nearby.area)
    extent = float(np.abs(drift).max())
    over = np.where(key.visible[..., None], key.shift - drift, np.float32(0))
    follows = _greatest(over) <= 1 + 0.02 * extent
    if extent <= REST_PX or _pinned(rests & ~follows, follows, nearby):
        return None, rests
    strain = _strain(replace(key, shift=over), nearby.edges)
    for most in strains:
        label = components(len(follows), nearby.edges[strain <= most])
        size = np.bincount(label, nearby.area, minlength=len(label))
        tied = np.isin(label, label[follows]) | (label == size.argmax())
        if float(nearby.area[tied].sum()) >= CAMERA_AREA:
            return drift, tied
    return None, rests


def _shared_by(
    key: Motion, nearby: Neighbours, ground: BoolArray, most: float
) -> tuple[FloatArray, BoolArray]:
    """(T, N, 2) the motion that most of some points share, and (N,) bool, all that follow it."""
    drift = fit_common(key.source, key.shift, key.visible, nearby.area * ground)
    over = np.where(key.visible[..., None], key.shift - drift, np.float32(0))
    follows = _greatest(over) <= 1 + 0.02 * float(np.abs(drift).max())
    strain = _strain(replace(key, shift=over), nearby.edges)
    label = components(len(follows), nearby.edges[strain <= most])
    largest = np.bincount(label, nearby.area * ground).argmax()
    return drift, np.isin(label, label[follows & ground]) | (label == largest)


def _pinned(holds: BoolArray, follows: BoolArray, nearby: Neighbours) -> bool:
    """Whether resting points pin the picture, rather than lie on one thing that keeps still."""
    if float(nearby.area[holds].sum()) <= PINNED_AREA:
        return False
    within = float(nearby.rim[holds].sum()) <= WITHIN_RIM
    return not (within and float(nearby.rim[follows].sum()) > MOST_RIM)


def _groups(key: Motion, movers: BoolArray, edges: IndexArray, most: float) -> list[IndexArray]:
    """Indices of movers, by connected neighbours that move alike."""
    edges = edges[movers[edges].all(axis=1)]
    first, second = key.shift[:, edges[:, 0]], key.shift[:, edges[:, 1]]
    along = (first * second).sum((0, 2))
    alike = along >= ALIKE * np.sqrt((first**2).sum((0, 2)) * (second**2).sum((0, 2)))
    strain = _strain(key, edges)
    tied = np.isfinite(strain) & (alike | (strain <= most))
    label = components(len(movers), edges[tied])
    moving = np.flatnonzero(movers)
    groups = [moving[label[moving] == group] for group in np.unique(label[moving])]
    fewest = FEWEST_TOGETHER if len(moving) > MANY_MOVERS else 1
    return [group for group in groups if len(group) >= fewest]


def _make_segment(key: Motion, members: IndexArray) -> MotionSegment:
    source, shift, visible = key.source[members], key.shift[:, members], key.visible[:, members]
    speed = float(_greatest(shift).max())
    fit = fit_common(source, shift, visible, np.ones(len(members), np.float32))
    off = _greatest(np.where(visible[..., None], shift - fit, np.float32(0)))
    soft = float(np.median(off)) > SOFT * speed or float((off > 2 * SOFT * speed).mean()) > 0.1
    alpha = _alphas(shift, visible) if soft else np.ones(len(members), np.float32)
    radius = math.sqrt(((source - source.mean(0)) ** 2).sum(-1).max())
    # A long drag of few points means a large thing; the picture must not fold around it.
    room = max(1.5 * speed, 3 * speed - 1.5 * radius)
    reach = min(max(natural_reach(source, key.canvas), room), 0.6 * max(key.canvas))
    return MotionSegment(members, alpha, reach, speed)


def _alphas(shift: FloatArray, visible: BoolArray) -> FloatArray:
    """(N,) how far each point goes along with the fastest ones: least squares on their mean."""
    power = (shift**2).sum((0, 2))
    core = power >= 0.64 * power.max()
    count = np.maximum(visible[:, core].sum(1), 1)
    handle = (shift[:, core].sum(1) / count[:, None])[:, None] * visible[..., None]
    alpha = (shift * handle).sum((0, 2)) / np.maximum((handle**2).sum((0, 2)), 1e-6)
    return np.clip(alpha, 0, 1).astype(np.float32)


def _still_centre(
    key: Motion, segment: MotionSegment, on_background: BoolArray, edges: IndexArray
) -> IndexArray:
    """Points on the background that are the still centre of a turning or growing segment."""
    inside = np.zeros(len(on_background), bool)
    inside[segment.members] = True
    both = np.concatenate([edges, edges[:, ::-1]])
    degree = np.bincount(both[:, 0], minlength=len(on_background))
    touching = np.bincount(both[:, 0], inside[both[:, 1]], minlength=len(on_background))
    enclosed = np.flatnonzero(on_background & (touching > 0.7 * degree) & (degree > 3))
    if segment.is_soft or not len(enclosed):
        return enclosed[:0]
    visible = key.visible[:, segment.members].astype(np.float64)
    fit = fit_similarity(key.source[segment.members], key.shift[:, segment.members], visible)
    still = _greatest(fit.at(key.source[enclosed])) <= 0.1 * segment.speed
    return enclosed[still]


def _greatest(shift: FloatArray) -> FloatArray:
    """(N,) the greatest length over time of (T, N, 2)."""
    return np.sqrt((shift**2).sum(-1)).max(axis=0)


def _strain(key: Motion, edges: IndexArray) -> FloatArray:
    """(E,) greatest relative displacement over distance; infinite if never visible at once."""
    first, second = edges[:, 0], edges[:, 1]
    both = key.visible[:, first] & key.visible[:, second]
    gap = np.sqrt(((key.source[first] - key.source[second]) ** 2).sum(-1))
    apart = np.sqrt(((key.shift[:, first] - key.shift[:, second]) ** 2).sum(-1)) * both
    return np.where(both.any(axis=0), apart.max(axis=0) / np.maximum(gap, 1), np.inf)
