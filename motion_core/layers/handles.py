"""Handles: the tracks of a layer as soft constraints on its deformation, and what they share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..tracks.model import Tracks
from ..tracks.select import select
from ..tracks.start import thin_evenly, track_starts

ComplexArray = NDArray[np.complex128]

# Handles of one layer; of more an even choice is kept.
MOST_HANDLES = 1024
# A position further outside than so many sides of the picture is drawn there.
FARTHEST_SIDES = 4.0
# Weight of a handle whose place in the picture is estimated, relative to a known one.
LATE_WEIGHT = 0.25
# From how many handles on outliers can be told from bending.
ENOUGH_FOR_OUTLIERS = 8
ROBUST_ROUNDS = 8
# Standard deviation of a position, pixels: the least that is taken for an outlier's scale.
NOISE_PX = 0.5
# Handles closer together than this fraction of the layer's radius determine little of its rotation.
NARROW = 0.05
# The part of a measured change of size that is followed, by the number of handles that show it.
SIZE_FOLLOWED = {0: 0.0, 1: 0.0, 2: 0.5, 3: 0.75}
LEAST_SCALE, GREATEST_SCALE = 0.05, 20.0


@dataclass(frozen=True, eq=False)
class Handles:
    """K places of a layer and where they go.

    Attributes:
        start: (K, 2) float64 pixels, in the picture.
        xy: (T, K, 2) float64 pixels; where not visible, a finite placeholder.
        visible: (T, K) bool.
        weight: (K,) float64 0..1, how much each counts.
        index: (K,) which tracks they are.
    """

    start: FloatArray
    xy: FloatArray
    visible: BoolArray
    weight: FloatArray
    index: IndexArray


@dataclass(frozen=True, eq=False)
class Similarities:
    """A similarity for every frame: place z of the picture goes to turn * z + shift.

    Attributes:
        turn: (T,) complex, rotation and scale; its modulus is never zero.
        shift: (T,) complex pixels.
    """

    turn: ComplexArray
    shift: ComplexArray

    def at(self, places: FloatArray) -> FloatArray:
        """(T, P, 2) positions of places (P, 2)."""
        moved = self.turn[:, None] * to_complex(places) + self.shift[:, None]
        return from_complex(moved)


def to_complex(xy: FloatArray) -> ComplexArray:
    """(...) complex from (..., 2)."""
    return xy[..., 0] + 1j * xy[..., 1]


def from_complex(values: ComplexArray) -> FloatArray:
    """(..., 2) from (...) complex."""
    return np.stack([values.real, values.imag], axis=-1)


def handles_of(tracks: Tracks, index: IndexArray, radius: float) -> Handles:
    """The handles that tracks give a layer.

    The place of a track that is first visible after frame 0 is estimated: where the similarity of
    the tracks visible in frame 0 puts it, or, without such tracks, where it is first visible.

    Args:
        tracks: of the whole picture.
        index: (K,) those of the layer; tracks never visible are dropped.
        radius: of the layer, pixels; see `similarities`.
    """
    chosen = select(tracks.to("cpu"), torch.as_tensor(np.asarray(index, np.int64)))
    frame, start, has_start = track_starts(chosen)
    kept = has_start.nonzero().squeeze(1)
    kept = kept[thin_evenly(start[kept], max(tracks.size), MOST_HANDLES)]
    limit = FARTHEST_SIDES * max(tracks.size)
    xy = np.clip(chosen.xy[:, kept].double().numpy(), -limit, limit)
    visible = chosen.visible[:, kept].numpy()
    begin = np.clip(start[kept].double().numpy(), -limit, limit)
    first = frame[kept].numpy()
    late = first > 0
    weight = np.where(late, LATE_WEIGHT, 1.0)
    if late.any() and not late.all():
        early = Handles(begin[~late], xy[:, ~late], visible[:, ~late], weight[~late], first[~late])
        common = similarities(early, radius)
        at = first[late]
        came = (to_complex(begin[late]) - common.shift[at]) / common.turn[at]
        begin[late] = np.clip(from_complex(came), -limit, limit)
    return Handles(begin, xy, visible, weight, np.asarray(index)[kept.numpy()])


def similarities(handles: Handles, radius: float) -> Similarities:
    """The similarity that the handles share, in every frame.

    A robust least-squares fit. Rotation and scale are shrunk to none where the handles lie close
    together, scale also where they are few; one handle gives a translation. Frames without a
    visible handle are interpolated.

    Args:
        handles: K of them.
        radius: of the layer, pixels: what a rotation has to be known for.
    """
    count = len(handles.xy)
    if not handles.visible.any():
        return Similarities(np.ones(count, complex), np.zeros(count, complex))
    start, place = to_complex(handles.start), to_complex(handles.xy)
    weight = handles.visible * np.maximum(handles.weight, 1e-9)
    turn, middle, goal = _fit(start, place, weight, radius)
    if len(start) >= ENOUGH_FOR_OUTLIERS:
        for _ in range(ROBUST_ROUNDS):
            off = np.abs(place - goal - turn * (start - middle))
            scale = np.maximum(1.5 * _median(off, handles.visible), NOISE_PX)
            turn, middle, goal = _fit(start, place, weight / (1 + (off / scale) ** 2), radius)
    shown = handles.visible.sum(axis=1)
    # Fewer handles than usual may leave the rotation open: it is interpolated.
    firm = np.flatnonzero(shown >= min(2, shown.max()))
    angle = np.interp(np.arange(count), firm, np.unwrap(np.angle(turn[firm, 0])))
    size = np.interp(np.arange(count), firm, np.log(np.abs(turn[firm, 0])))
    whole = np.exp(size + 1j * angle)
    centre = start.mean()
    known = np.flatnonzero(shown)
    path = _interpolated((goal[:, 0] + whole * (centre - middle[:, 0])), known)
    return Similarities(whole, path - whole * centre)


def without_outliers(handles: Handles, residual: FloatArray) -> Handles:
    """Handles weighted down by how far they lie from what the others make of the layer.

    Args:
        handles: K of them; fewer than ENOUGH_FOR_OUTLIERS are returned as they are.
        residual: (T, K) pixels between each handle and a smooth deformation that follows all.
    """
    if len(handles.start) < ENOUGH_FOR_OUTLIERS:
        return handles
    shown = np.where(handles.visible, residual, 0.0)
    off = np.sqrt((shown**2).sum(0) / np.maximum(handles.visible.sum(0), 1))
    scale = max(3.0 * float(np.median(off)), 3 * NOISE_PX)
    factor = 1 / (1 + (off / scale) ** 4)
    return replace(handles, weight=handles.weight * factor)


def _fit(start, place, weight, radius: float):
    """(T, 1) complex each: turn, and the means of starts (K,) and places (T, K)."""
    total = np.maximum(weight.sum(1, keepdims=True), 1e-300)
    share = weight / total
    middle = (share * start).sum(1, keepdims=True)
    goal = (share * place).sum(1, keepdims=True)
    arm = start - middle
    spread = (share * np.abs(arm) ** 2).sum(1, keepdims=True)
    product = (share * np.conj(arm) * (place - goal)).sum(1, keepdims=True)
    raw = product / np.maximum(spread, 1e-12)
    certain = spread / (spread + (NARROW * radius) ** 2 + 1e-3)
    # As many handles as carry the weight.
    effective = 1 / np.maximum((share**2).sum(1, keepdims=True), 1e-12)
    followed = np.interp(effective, [*SIZE_FOLLOWED, 4], [*SIZE_FOLLOWED.values(), 1.0])
    size = np.clip(np.abs(raw), LEAST_SCALE, GREATEST_SCALE)
    turn = np.exp(certain * (followed * np.log(size) + 1j * np.angle(raw + 1e-300)))
    return np.where(spread > 1e-9, turn, 1.0), middle, goal


def _median(values: FloatArray, mask: BoolArray) -> FloatArray:
    """(T, 1) medians of the values (T, K) in a mask; zero in frames without any."""
    ranked = np.sort(np.where(mask, values, np.inf), axis=1)
    count = mask.sum(1, keepdims=True)
    middle = np.take_along_axis(ranked, np.maximum(count - 1, 0) // 2, 1)
    return np.where(count > 0, middle, 0.0)


def _interpolated(values: ComplexArray, known: IndexArray) -> ComplexArray:
    """(T,) complex values, interpolated between those of known frames and held outside."""
    frames = np.arange(len(values))
    real = np.interp(frames, known, values.real[known])
    return real + 1j * np.interp(frames, known, values.imag[known])
