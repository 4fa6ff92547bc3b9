"""One natural drag of a thing: a small group of points in its middle, and pins beside it.

The drag is the same on every machine: it depends on the outline and on the picture's name alone.

- The group is 3 x 3 points around the pixel of the thing that is farthest from its outline, half of
  that distance apart, at most GROUP_FRAC of the long side.
- All nine move by the same displacement, on an arc whose middle is SAGITTA of the chord to one
  side. The chord is LENGTH_FRAC of the long side. Length, side and the first direction come from
  the CRC-32 of the name.
- Of eight directions, 45 degrees apart from the first, the one is taken that keeps most of the
  thing in the picture and pulls least of it in from beyond the picture's edge.
- PINS points rest. They lie at least PIN_FRAC of the long side outside the thing, before and after
  the drag, each as far as possible from the thing's group and from those before it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import torch

from ...errors import ShapeError
from ...fields.arrays import BoolArray, FloatArray
from ...geometry import Size
from ...tracks.model import Tracks, make_tracks

FRAMES = 16
GROUP_FRAC = 0.06
LENGTH_FRAC = (0.12, 0.20)
SAGITTA = 0.15
DIRECTIONS = 8
PINS, PIN_FRAC = 9, 0.04
# The weight of a part of the outline that lies on the picture's edge and is pulled in.
EDGE_WEIGHT = 0.5
# Pins lie on a lattice of so many pixels.
PIN_LATTICE = 8


@dataclass(frozen=True, eq=False)
class NaturalDrag:
    """A drag with its pins.

    Attributes:
        tracks: FRAMES frames; the nine points of the drag, then the pins, which may be none.
        displacement: (2,) pixels, of the nine points at the last frame.
    """

    tracks: Tracks
    displacement: FloatArray


def natural_drag(thing: BoolArray, name: str) -> NaturalDrag:
    """The drag of a thing; see the module.

    Args:
        thing: (H, W) bool, at least one pixel.
        name: of the picture.

    Raises:
        ShapeError: the mask is no picture's or is empty.
    """
    if thing.ndim != 2 or not thing.any():
        raise ShapeError(f"the thing must be (H, W) with a pixel that is on; got {thing.shape}.")
    height, width = thing.shape
    random = zlib.crc32(name.encode())
    depth = inside_distance(thing)
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    centre = np.array([column + 0.5, row + 0.5])
    reach = min(depth.max() / 2, GROUP_FRAC * max(thing.shape))
    least, most = LENGTH_FRAC
    length = (least + (most - least) * (random & 0xFF) / 0xFF) * max(thing.shape)
    displacement = length * _direction(thing, centre, length, (random >> 8) & 0xFF)
    offsets = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2) * reach
    path = _arc(displacement, 1 if (random >> 16) & 1 else -1)
    group = centre + offsets + path[:, None]
    pins = _pins(thing, displacement, centre)
    xy = np.concatenate([group, np.broadcast_to(pins, (FRAMES, *pins.shape))], axis=1)
    tracks = make_tracks(torch.from_numpy(xy.astype(np.float32)), Size(width, height))
    return NaturalDrag(tracks, displacement.astype(np.float32))


def inside_distance(mask: BoolArray) -> FloatArray:
    """(H, W) float32: the distance of every pixel of a mask from what is outside it, in pixels.

    What lies beyond the picture's edge is outside.
    """
    import cv2

    padded = np.pad(mask, 1).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))[1:-1, 1:-1]


def outside_distance(mask: BoolArray) -> FloatArray:
    """(H, W) float32: the distance of every pixel from the nearest pixel of a mask."""
    import cv2

    off = (~mask).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(off, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))


def moved_mask(mask: BoolArray, displacement: FloatArray) -> BoolArray:
    """A mask (H, W) moved by whole pixels; what leaves the picture is lost."""
    height, width = mask.shape
    x, y = np.round(displacement).astype(int)
    moved = np.zeros_like(mask)
    if abs(x) < width and abs(y) < height:
        part = mask[max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
        moved[max(0, y) : height + min(0, y), max(0, x) : width + min(0, x)] = part
    return moved


def _direction(thing: BoolArray, centre: FloatArray, length: float, first: int) -> FloatArray:
    """(2,) the unit vector of the drag."""
    turns = (np.arange(DIRECTIONS) + first / 0x100) / DIRECTIONS
    units = np.stack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], axis=-1)
    best = max(range(DIRECTIONS), key=lambda index: _fitness(thing, centre, length, units[index]))
    return units[best]


def _fitness(thing: BoolArray, centre: FloatArray, length: float, unit: FloatArray) -> float:
    """How well a direction suits: most of the thing stays, little of it is pulled in."""
    size = np.array(thing.shape[::-1])
    end = centre + length * unit
    left = 0.0 if ((end >= 0) & (end < size)).all() else 1.0
    kept = moved_mask(thing, length * unit).sum() / thing.sum()
    edges = (thing[:, 0], thing[:, -1], thing[0], thing[-1])
    inward = np.array([unit[0], -unit[0], unit[1], -unit[1]]).clip(0)
    pulled = float(np.dot([edge.mean() for edge in edges], inward))
    return float(kept) - EDGE_WEIGHT * pulled - left


def _arc(displacement: FloatArray, side: int) -> FloatArray:
    """(FRAMES, 2) displacements along a parabola over the chord, evenly in time."""
    time = np.linspace(0, 1, FRAMES)[:, None]
    normal = np.array([-displacement[1], displacement[0]])
    return time * displacement + 4 * time * (1 - time) * SAGITTA * side * normal


def _pins(thing: BoolArray, displacement: FloatArray, centre: FloatArray) -> FloatArray:
    """(K, 2) places that rest, K of PINS or fewer where the thing leaves no room."""
    margin = PIN_FRAC * max(thing.shape)
    covered = thing | moved_mask(thing, displacement)
    free = outside_distance(covered) >= margin
    start = PIN_LATTICE // 2
    rows, columns = np.nonzero(free[start::PIN_LATTICE, start::PIN_LATTICE])
    places = np.stack([columns, rows], axis=-1) * PIN_LATTICE + start + 0.5
    nearest = np.linalg.norm(places - centre, axis=-1)
    chosen = []
    for _ in range(min(PINS, len(places))):
        pick = int(nearest.argmax())
        chosen.append(places[pick])
        nearest = np.minimum(nearest, np.linalg.norm(places - places[pick], axis=-1))
    return np.array(chosen).reshape(-1, 2)
