"""The motion of a group of points at any frame, as a dense field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..fields.arrays import FloatArray, IndexArray
from .completion import complete
from .field import Field
from .motion import Motion

# A guessed place in the picture counts less than a known one.
LATE_TRUST = 0.25
# What moves by less rests.
STILL_PX = 1e-3


class Group(NamedTuple):
    """Points that move together. members: (N,) indices. share: (N,) float32 above zero, the part
    of the motion that each of them takes."""

    members: IndexArray
    share: FloatArray


def field_at(
    motion: Motion, group: Group, frame: int, base: Field | None, completion: str
) -> Field | None:
    """Where what moves fully with a group comes from at a frame; None at rest.

    Where no point of the group is visible, it is on its way from the last frame that shows one
    to the next, evenly, or keeps the only one of the two there is. base: the field of what the
    group moves over, None when that rests.
    """
    shown = np.flatnonzero(motion.seen[:, group.members].any(axis=1))
    after = min(int(np.searchsorted(shown, frame)), len(shown) - 1)
    before = after if shown[after] <= frame else max(after - 1, 0)
    early, late = int(shown[before]), int(shown[after])
    one = _field_shown(motion, group, early, base, completion)
    if early == late:
        return one
    other = _field_shown(motion, group, late, base, completion)
    part = np.float32((frame - early) / (late - early))
    if other is None:
        return None if one is None else Field((1 - part) * one.values, one.cell)
    begin = np.zeros_like(other.values) if one is None else one.values
    return Field(begin + part * (other.values - begin), other.cell)


def _field_shown(
    motion: Motion, group: Group, frame: int, base: Field | None, completion: str
) -> Field | None:
    seen = motion.seen[frame, group.members]
    members, share = group.members[seen], group.share[seen]
    source, shift = motion.source[members], motion.shift[frame, members]
    # A point that takes a part of the motion tells the whole of it.
    rest = np.float32(0) if base is None else base.at(source + shift)
    full = rest + (shift - rest) / share[:, None]
    if np.abs(full).max() <= STILL_PX:
        return None
    trust = share**2 * np.where(motion.late[members], np.float32(LATE_TRUST), np.float32(1))
    return complete(source + full, full, trust, motion.canvas, mode=completion)
