"""Drawn lines as curves measured by their own length, in pixels of the canvas they were drawn on.

A line becomes a chain of cubic pieces: straight ones for "recorded" and "linear", centripetal
Catmull-Rom ones for "catmull_rom", Bezier ones for "bezier". A table of chord lengths over a fixed
number of steps per piece turns a distance along the line into a parameter; the point itself is
evaluated on the piece, so it lies on the curve exactly and only its place along it is approximate.

Tolerance: with `STEPS` steps a smooth piece's length is short by about (angle it turns / STEPS)²/24
of itself: 0.04 % for a half circle, 0.01 % for a quarter. Over random lines of 3 to 8 points no
point came out further than 0.03 % of the line's length from where constant speed would put it.
Bezier handles may be long enough to make kinks and loops: over 450 random lines 0.15 % at most.

JavaScript repeats this arithmetic: float64 and fixed counts only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import ShapeError

Curve = Literal["recorded", "linear", "catmull_rom", "bezier"]
FloatArray = npt.NDArray[np.float64]

STEPS = 32
SAME_POINT_PX = 1e-6
NO_SPEED = 1e-9  # of the chord: an end slope below it is rounding, its handle has length zero


@dataclass(frozen=True, eq=False)
class Line:
    """A drawn line of K points, measured by arc length. Made by `make_line`.

    Attributes:
        point_lengths: (K,) distance along the line, in pixels, of each drawn point.
        pieces: (P, 4, 2) power-basis coefficients of each cubic piece over 0..1.
        table: (P * steps + 1,) distance along the line after each step, in pixels.
    """

    point_lengths: FloatArray
    pieces: FloatArray
    table: FloatArray

    @property
    def length(self) -> float:
        """The whole length in pixels."""
        return float(self.table[-1])

    def at(self, lengths: FloatArray) -> FloatArray:
        """Positions (M, 2) at distances (M,) along the line, in pixels.

        Distances below 0 or beyond `length` continue straight on from the line's ends.
        """
        inside = np.clip(lengths, 0.0, self.length)
        steps = max(1, (len(self.table) - 1) // len(self.pieces))
        place = np.interp(inside, self.table, np.arange(len(self.table)) / steps)
        piece = np.minimum(place.astype(np.int64), len(self.pieces) - 1)
        beyond = (lengths - inside)[:, None]
        ahead = np.where(beyond < 0.0, self._direction(0, 0.0), self._direction(-1, 1.0))
        return _evaluate(self.pieces[piece], (place - piece)[:, None]) + beyond * ahead

    def _direction(self, piece: int, v: float) -> FloatArray:
        _, first, second, third = self.pieces[piece]
        chord = first + second + third
        # Without a slope of its own the curve leaves towards its next control point.
        bend = second if v == 0.0 else -(second + 3.0 * third)
        least = NO_SPEED * np.sqrt(chord[0] * chord[0] + chord[1] * chord[1])
        for slope in (first + 2.0 * v * second + 3.0 * v * v * third, bend, chord):
            speed = np.sqrt(slope[0] * slope[0] + slope[1] * slope[1])
            if speed > least:
                return slope / speed
        return np.zeros(2)


def make_line(points: FloatArray, curve: Curve, handles: FloatArray | None = None) -> Line:
    """The line through drawn points.

    Args:
        points: (K, 2) pixels, K >= 1. Neighbours closer than 1e-6 px count as one point; a line of
            one point has length zero.
        curve: How the line runs between the points.
        handles: (K, 4) pixels, for "bezier" only: the control points before and after each point,
            from it, as (in_x, in_y, out_x, out_y). NaN, like None for all, is the handle that
            "catmull_rom" implies. Of points that count as one, the first gives the control point
            before and the last the one after.

    Raises:
        ShapeError: `points` is not (K, 2) with K >= 1, or `handles` is not (K, 4).
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ShapeError(f"a line needs points (K, 2) with K >= 1; got {points.shape}.")
    if handles is not None and handles.shape != (len(points), 4):
        raise ShapeError(f"{len(points)} points need handles (K, 4); got {handles.shape}.")
    owner = _distinct(points)
    first = np.unique(owner, return_index=True)[1]
    kept = points[first]
    if len(kept) == 1:
        pieces = np.zeros((1, 4, 2))
        pieces[0, 0] = kept[0]
        return Line(np.zeros(len(points)), pieces, np.zeros(2))
    is_straight = curve in ("recorded", "linear")
    slopes = None if is_straight else _centripetal_slopes(kept)
    if slopes is not None and curve == "bezier" and handles is not None:
        last = np.append(first[1:], len(points)) - 1
        slopes = _handle_slopes(slopes, handles[last[:-1], 2:], handles[first[1:], :2])
    steps = 1 if is_straight else STEPS
    pieces = _cubic_pieces(kept, slopes)
    table = _length_table(pieces, kept, steps)
    return Line(table[owner * steps], pieces, table)


def _distinct(points: FloatArray) -> npt.NDArray[np.int64]:
    """(K,) for each point, the number of the distinct point it stands for."""
    owner = 0
    owners = []
    last_x, last_y = points[0].tolist()
    for x, y in points.tolist():
        if max(abs(x - last_x), abs(y - last_y)) > SAME_POINT_PX:
            owner += 1
            last_x, last_y = x, y
        owners.append(owner)
    return np.array(owners, dtype=np.int64)


def _centripetal_slopes(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Slopes (P, 2) at both ends of every piece, over 0..1: the cubic Hermite form of the
    Barry-Goldman pyramid with knots at the square roots of the chord lengths.

    The neighbour missing at either end is its piece mirrored through the end point, which makes
    the curve leave and arrive along its first and last chord.
    """
    chords = np.diff(points, axis=0)
    chords = np.concatenate([chords[:1], chords, chords[-1:]])
    gaps = np.sqrt(np.sqrt((chords * chords).sum(axis=1, keepdims=True)))
    speeds = chords / gaps
    around = (chords[:-1] + chords[1:]) / (gaps[:-1] + gaps[1:])
    at_points = speeds[:-1] - around + speeds[1:]
    return at_points[:-1] * gaps[1:-1], at_points[1:] * gaps[1:-1]


def _handle_slopes(
    automatic: tuple[FloatArray, FloatArray], out: FloatArray, into: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Slopes (P, 2) at both ends of every Bezier piece: three times its handles."""
    slope_out, slope_into = automatic
    return (
        np.where(np.isnan(out), slope_out, 3.0 * out),
        np.where(np.isnan(into), slope_into, -3.0 * into),
    )


def _cubic_pieces(points: FloatArray, slopes: tuple[FloatArray, FloatArray] | None) -> FloatArray:
    chords = np.diff(points, axis=0)
    if slopes is None:
        none = np.zeros_like(chords)
        return np.stack([points[:-1], chords, none, none], axis=1)
    out, into = slopes
    second = 3.0 * chords - 2.0 * out - into
    third = out + into - 2.0 * chords
    return np.stack([points[:-1], out, second, third], axis=1)


def _length_table(pieces: FloatArray, points: FloatArray, steps: int) -> FloatArray:
    v = (np.arange(steps) / steps)[None, :, None]
    along = _evaluate(pieces[:, None], v).reshape(-1, 2)
    chords = np.diff(np.concatenate([along, points[-1:]]), axis=0)
    lengths = np.sqrt((chords * chords).sum(axis=1))
    return np.concatenate([[0.0], np.cumsum(lengths)])


def _evaluate(pieces: FloatArray, v: FloatArray) -> FloatArray:
    constant, first, second, third = (pieces[..., power, :] for power in range(4))
    return constant + v * (first + v * (second + v * third))
