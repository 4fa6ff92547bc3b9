"""Which points move together: a base that the picture rests on, and sheets that move over it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..fields.similarity import fit_common, fit_similarity
from ..geometry import Size
from .motion import Motion
from .neighbours import Neighbours, components, find_neighbours

KEY_FRAMES = 16
MOST_SHEETS = 6
# Below this a point rests.
REST_PX = 0.05
# A motion that this share of the picture follows is the camera's.
CAMERA_AREA = 0.5
# Unless points that rest against it speak for this share: then the picture is pinned. A thing
# that keeps still while the camera moves is within the picture: it holds nothing of its rim, at
# most this share, and what follows the camera holds most of it.
PINNED_AREA, WITHIN_RIM, MOST_RIM = 0.05, 0.02, 0.5
# Neighbours differing by less than this fraction of their distance move as one surface; where no
# background is found that way, it may be bent further, if it does not fold (at 1).
GENTLE_STRAIN, UNBROKEN_STRAIN = 0.3, 0.8
# Neighbours move alike when their paths point the same way: the cosine of 45 degrees.
ALIKE = 0.7
# A sheet further from turn-zoom-shift than this fraction of its motion is soft.
SOFT = 0.15
# Among many movers, groups smaller than this are tracking mistakes.
MANY_MOVERS, FEWEST_TOGETHER = 200, 3


@dataclass(frozen=True, eq=False)
class Sheet:
    """Points that move together over the base.

    members: indices of points of the motion. share: (len(members),) how much of the sheet's
    motion each takes, 0..1: all ones for a rigid thing, less towards the rim of a soft drag.
    reach: pixels around the members within which the picture can follow them.
    speed: their greatest displacement relative to the base, pixels.
    """

    members: IndexArray
    share: FloatArray
    reach: float
    speed: float

    @property
    def is_soft(self) -> bool:
        """Whether its points take different parts of its motion."""
        return bool((self.share < 0.99).any())


@dataclass(frozen=True, eq=False)
class Sheets:
    """base: indices of the points that rest on the base. moving_base: False when it stays put.
    over: the sheets above it, lowest first."""

    base: IndexArray
    moving_base: bool
    over: tuple[Sheet, ...]


def find_sheets(motion: Motion) -> Sheets:
    """Splits the points of a motion by how they move.

    The base rests, unless the points tied to one common turn-zoom-shift speak for half of the
    picture: then that is the camera's motion (`_camera`). Points that move otherwise form sheets:
    connected neighbours whose paths point the same way.
    """
    if not len(motion.source):
        return Sheets(np.arange(0), False, ())
    key = _key_frames(motion)
    nearby = find_neighbours(key.source, key.canvas, natural_reach(key.source, key.canvas))
    drift, based = _camera(key, nearby)
    moving = drift is not None
    if drift is not None:
        key = replace(key, shift=np.where(key.seen[..., None], key.shift - drift, np.float32(0)))
    sheets = [_sheet(key, group) for group in _groups(key, ~based, nearby.edges)]
    sheets = sorted(sheets, key=lambda sheet: sheet.speed * len(sheet.members))[-MOST_SHEETS:]
    sheets = sorted(sheets, key=lambda sheet: sheet.speed)
    for index, sheet in enumerate(sheets):
        centre = _still_centre(key, sheet, based, nearby.edges)
        based[centre] = False
        sheets[index] = replace(
            sheet,
            members=np.concatenate([sheet.members, centre]),
            share=np.concatenate([sheet.share, np.ones(len(centre), np.float32)]),
        )
    return Sheets(np.flatnonzero(based), moving, tuple(sheets))


def natural_reach(points: FloatArray, canvas: Size) -> float:
    """How far around points (N, 2) the picture is theirs, in pixels: 1.5 spacings, or a margin."""
    import cv2

    hull = cv2.contourArea(cv2.convexHull(points.astype(np.float32)))
    return max(1.5 * math.sqrt(hull / len(points)), 0.12 * canvas.short_side)


def _key_frames(motion: Motion) -> Motion:
    """Frames enough to judge by: evenly spread, and where a point that those miss is farthest."""
    frames = len(motion.seen)
    even = np.linspace(0, frames - 1, min(frames, KEY_FRAMES)).round().astype(np.int64)
    length = (motion.shift**2).sum(-1)
    missed = length[even].max(axis=0) < 0.9 * length.max(axis=0)
    peaks = np.unique(length[:, missed].argmax(axis=0))
    peaks = peaks[:: -(-len(peaks) // KEY_FRAMES) or 1]
    chosen = np.union1d(even, peaks)
    return replace(motion, shift=motion.shift[chosen], seen=motion.seen[chosen])


def _camera(key: Motion, nearby: Neighbours) -> tuple[FloatArray | None, BoolArray]:
    """The motion of the base, (T, N, 2) or None when it rests, and (N,) who is on it."""
    rests = _greatest(key.shift) <= REST_PX
    drift = fit_common(key.source, key.shift, key.seen, nearby.area)
    extent = float(np.abs(drift).max())
    over = np.where(key.seen[..., None], key.shift - drift, np.float32(0))
    follows = _greatest(over) <= 1 + 0.02 * extent
    if extent <= REST_PX or _pinned(rests & ~follows, follows, nearby):
        return None, rests
    strain = _strain(replace(key, shift=over), nearby.edges)
    for most in (GENTLE_STRAIN, UNBROKEN_STRAIN):
        label = components(len(follows), nearby.edges[strain <= most])
        size = np.bincount(label, nearby.area, minlength=len(label))
        tied = np.isin(label, label[follows]) | (label == size.argmax())
        if float(nearby.area[tied].sum()) >= CAMERA_AREA:
            return drift, tied
    return None, rests


def _pinned(holds: BoolArray, follows: BoolArray, nearby: Neighbours) -> bool:
    """Whether points that rest mean the picture to rest, and are no thing that keeps still."""
    if float(nearby.area[holds].sum()) <= PINNED_AREA:
        return False
    within = float(nearby.rim[holds].sum()) <= WITHIN_RIM
    return not (within and float(nearby.rim[follows].sum()) > MOST_RIM)


def _groups(key: Motion, movers: BoolArray, edges: IndexArray) -> list[IndexArray]:
    """Indices of movers, by connected neighbours that move alike."""
    edges = edges[movers[edges].all(axis=1)]
    one, other = key.shift[:, edges[:, 0]], key.shift[:, edges[:, 1]]
    along = (one * other).sum((0, 2))
    alike = along >= ALIKE * np.sqrt((one**2).sum((0, 2)) * (other**2).sum((0, 2)))
    strain = _strain(key, edges)
    tied = np.isfinite(strain) & (alike | (strain <= GENTLE_STRAIN))
    label = components(len(movers), edges[tied])
    moving = np.flatnonzero(movers)
    groups = [moving[label[moving] == first] for first in np.unique(label[moving])]
    fewest = FEWEST_TOGETHER if len(moving) > MANY_MOVERS else 1
    return [group for group in groups if len(group) >= fewest]


def _sheet(key: Motion, members: IndexArray) -> Sheet:
    source, shift, seen = key.source[members], key.shift[:, members], key.seen[:, members]
    speed = float(_greatest(shift).max())
    fit = fit_common(source, shift, seen, np.ones(len(members), np.float32))
    off = _greatest(np.where(seen[..., None], shift - fit, np.float32(0)))
    soft = float(np.median(off)) > SOFT * speed or float((off > 2 * SOFT * speed).mean()) > 0.1
    share = _shares(shift, seen) if soft else np.ones(len(members), np.float32)
    radius = math.sqrt(((source - source.mean(0)) ** 2).sum(-1).max())
    # A long drag of few points means a large thing; the picture must not fold around it.
    room = max(1.5 * speed, 3 * speed - 1.5 * radius)
    reach = min(max(natural_reach(source, key.canvas), room), 0.6 * max(key.canvas))
    return Sheet(members, share, reach, speed)


def _shares(shift: FloatArray, seen: BoolArray) -> FloatArray:
    """(N,) how far each point goes along with the fastest ones: least squares on their mean."""
    power = (shift**2).sum((0, 2))
    core = power >= 0.64 * power.max()
    count = np.maximum(seen[:, core].sum(1), 1)
    lead = (shift[:, core].sum(1) / count[:, None])[:, None] * seen[..., None]
    share = (shift * lead).sum((0, 2)) / np.maximum((lead**2).sum((0, 2)), 1e-6)
    return np.clip(share, 0, 1).astype(np.float32)


def _still_centre(key: Motion, sheet: Sheet, based: BoolArray, edges: IndexArray) -> IndexArray:
    """Points on the base that are the still centre of a turning or growing sheet."""
    inside = np.zeros(len(based), bool)
    inside[sheet.members] = True
    both = np.concatenate([edges, edges[:, ::-1]])
    degree = np.bincount(both[:, 0], minlength=len(based))
    touching = np.bincount(both[:, 0], inside[both[:, 1]], minlength=len(based))
    enclosed = np.flatnonzero(based & (touching > 0.7 * degree) & (degree > 3))
    if sheet.is_soft or not len(enclosed):
        return enclosed[:0]
    seen = key.seen[:, sheet.members].astype(np.float64)
    fit = fit_similarity(key.source[sheet.members], key.shift[:, sheet.members], seen)
    still = _greatest(fit.at(key.source[enclosed])) <= 0.1 * sheet.speed
    return enclosed[still]


def _greatest(shift: FloatArray) -> FloatArray:
    """(N,) the greatest length over time of (T, N, 2)."""
    return np.sqrt((shift**2).sum(-1)).max(axis=0)


def _strain(key: Motion, edges: IndexArray) -> FloatArray:
    """(E,) greatest relative displacement over distance; infinite if never seen at once."""
    one, other = edges[:, 0], edges[:, 1]
    both = key.seen[:, one] & key.seen[:, other]
    gap = np.sqrt(((key.source[one] - key.source[other]) ** 2).sum(-1))
    apart = np.sqrt(((key.shift[:, one] - key.shift[:, other]) ** 2).sum(-1)) * both
    return np.where(both.any(axis=0), apart.max(axis=0) / np.maximum(gap, 1), np.inf)
