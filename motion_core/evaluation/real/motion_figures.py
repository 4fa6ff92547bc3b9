"""Figures of the motion of a dragged thing, measured on the map of every pixel."""

from __future__ import annotations

import numpy as np

from ...errors import ShapeError
from ...fields.arrays import BoolArray, FloatArray
from .natural_drag import inside_distance, outside_distance

# Neighbouring pixels whose displacements differ by more than this have torn apart, pixels.
TORN_PX = 3.0
# Background that moves by more than this counts as moved, pixels.
STILL_PX = 1.5
# A pixel goes with the drag if its displacement differs by less than this fraction of it.
GOES_FRAC = 0.5
# Outlines are rough: a rim inside the thing, at most this fraction of its depth, and a rim outside
# do not count, pixels.
RIM_PX, RIM_FRAC, MARGIN_PX = 6.0, 0.3, 8.0


def interior(thing: BoolArray) -> BoolArray:
    """(H, W) bool: the pixels of a thing that its rough outline certainly holds.

    Towards the picture's edge, where the thing goes on, nothing is left out.
    """
    pad = 2 * int(RIM_PX)
    depth = inside_distance(np.pad(thing, pad, mode="edge"))[pad:-pad, pad:-pad]
    return depth > min(RIM_PX, RIM_FRAC * float(depth.max()))


def surroundings(thing: BoolArray, others: BoolArray) -> BoolArray:
    """(H, W) bool: the pixels that are certainly background."""
    return (outside_distance(thing) > MARGIN_PX) & ~others


def torn_px(displacement: FloatArray, inside: BoolArray) -> int:
    """The length of the tears in a map, in pixels.

    Counted are pairs of neighbours, side by side or one above the other, that are both inside and
    whose displacements differ by more than TORN_PX. For a forward field the map gives where every
    pixel of the picture goes, and inside is the thing in the picture; for an inverse map it gives,
    negated or not, where every pixel of a frame comes from, and inside is what shows the thing.

    Args:
        displacement: (H, W, 2) pixels.
        inside: (H, W) bool.

    Raises:
        ShapeError: the shapes differ.
    """
    _check(displacement, inside)
    across = np.linalg.norm(np.diff(displacement, axis=1), axis=-1) > TORN_PX
    down = np.linalg.norm(np.diff(displacement, axis=0), axis=-1) > TORN_PX
    return int((across & inside[:, 1:] & inside[:, :-1]).sum()) + int(
        (down & inside[1:] & inside[:-1]).sum()
    )


def folds(displacement: FloatArray, inside: BoolArray) -> float:
    """The fraction of the thing that is turned over: Jacobian of zero or less.

    Measured between neighbouring pixels of the forward map, where a pixel and its neighbours to
    the right and below are inside.
    """
    _check(displacement, inside)
    right = np.diff(displacement, axis=1)[:-1] + [1, 0]
    below = np.diff(displacement, axis=0)[:, :-1] + [0, 1]
    counts = inside[:-1, :-1] & inside[:-1, 1:] & inside[1:, :-1]
    if not counts.any():
        return 0.0
    area = right[..., 0] * below[..., 1] - right[..., 1] * below[..., 0]
    return float((area <= 0)[counts].mean())


def going(displacement: FloatArray, inside: BoolArray, drag: FloatArray) -> BoolArray:
    """(H, W) bool: the pixels of the thing that go with the drag (2,), see GOES_FRAC."""
    _check(displacement, inside)
    apart = np.linalg.norm(displacement - drag, axis=-1)
    return inside & (apart < GOES_FRAC * np.linalg.norm(drag))


def bending(displacement: FloatArray, part: BoolArray, drag: FloatArray) -> float:
    """Deviation of a part's motion from its best similarity, as a fraction of the drag.

    The root mean square over the part of what the similarity with the least squares leaves; 1,
    a deviation as large as the drag, for an empty part: then nothing goes with the drag.

    Args:
        displacement: (H, W, 2) pixels.
        part: (H, W) bool.
        drag: (2,) pixels, not zero.
    """
    _check(displacement, part)
    if not part.any():
        return 1.0
    row, column = np.nonzero(part)
    place = column + 1j * row
    shift = displacement[part].astype(np.float64) @ [1, 1j]
    place, shift = place - place.mean(), shift - shift.mean()
    spread = float((np.abs(place) ** 2).sum())
    turn = (place.conj() @ shift) / spread if spread > 0 else 0.0
    residual = np.sqrt((np.abs(shift - turn * place) ** 2).mean())
    return float(residual / np.linalg.norm(drag))


def motion_figures(
    displacement: FloatArray, thing: BoolArray, others: BoolArray, drag: FloatArray
) -> dict[str, float]:
    """All figures of a forward map.

    Args:
        displacement: (H, W, 2) pixels, of every pixel of the picture at the last frame.
        thing: (H, W) bool.
        others: (H, W) bool, neither the thing nor background.
        drag: (2,) pixels, the displacement that the points ask for.

    Returns:
        torn: length in pixels, see torn_px; torn of a thousand: the same for every thousand
        pixels of the interior; goes: fraction of the interior; bending: of what goes; background:
        fraction that moves by more than STILL_PX, NaN without background; folds: fraction.
    """
    inside = interior(thing)
    part = going(displacement, inside, drag)
    still = surroundings(thing, others)
    moved = np.linalg.norm(displacement, axis=-1) > STILL_PX
    torn = torn_px(displacement, inside)
    return {
        "torn": float(torn),
        "torn per 1000": 1000 * torn / float(inside.sum()),
        "goes": float(part.sum() / inside.sum()),
        "bending": bending(displacement, part, drag),
        "background": float(moved[still].mean()) if still.any() else float("nan"),
        "folds": folds(displacement, inside),
    }


def _check(displacement: FloatArray, inside: BoolArray) -> None:
    if displacement.shape != (*inside.shape, 2):
        raise ShapeError(
            f"the map must be (H, W, 2) for a mask {inside.shape}; got {displacement.shape}."
        )
