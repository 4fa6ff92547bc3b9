"""The motion of a group of points at any frame, as a dense field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..fields.arrays import FloatArray, IndexArray
from ..layers.track_motion import Motion
from .backward_field import BackwardField
from .completion import complete

# Weight of a point whose position in the picture is estimated, relative to a known one.
LATE_WEIGHT = 0.25
# A smaller displacement counts as rest.
STILL_PX = 1e-3


class PointGroup(NamedTuple):
    """Points that move together.

    Attributes:
        members: (N,) indices of points of a motion.
        alpha: (N,) float32 above zero, the part of the group's motion that each of them takes.
    """

    members: IndexArray
    alpha: FloatArray


def field_at(
    motion: Motion, group: PointGroup, frame: int, background: BackwardField | None
) -> BackwardField | None:
    """The backward field of what moves fully with a group at a frame; None at rest.

    In frames without a visible point of the group, the field is interpolated linearly between the
    nearest frames before and after that have one; where only one of them exists, it is used.

    Args:
        motion: of all points.
        group: at least one point of it.
        frame: 0..T-1.
        background: the field of what the group moves over, None if that rests.
    """
    known = np.flatnonzero(motion.visible[:, group.members].any(axis=1))
    after = min(int(np.searchsorted(known, frame)), len(known) - 1)
    before = after if known[after] <= frame else max(after - 1, 0)
    early, late = int(known[before]), int(known[after])
    first = _field_at_known(motion, group, early, background)
    if early == late:
        return first
    last = _field_at_known(motion, group, late, background)
    part = np.float32((frame - early) / (late - early))
    if last is None:
        return None if first is None else BackwardField((1 - part) * first.values, first.cell)
    begin = np.zeros_like(last.values) if first is None else first.values
    return BackwardField(begin + part * (last.values - begin), last.cell)


def _field_at_known(
    motion: Motion, group: PointGroup, frame: int, background: BackwardField | None
) -> BackwardField | None:
    visible = motion.visible[frame, group.members]
    members, alpha = group.members[visible], group.alpha[visible]
    source, shift = motion.source[members], motion.shift[frame, members]
    # The whole motion follows from the part of it that a point takes.
    rest = np.float32(0) if background is None else background.at(source + shift)
    full = rest + (shift - rest) / alpha[:, None]
    if np.abs(full).max() <= STILL_PX:
        return None
    late = np.where(motion.late[members], np.float32(LATE_WEIGHT), np.float32(1))
    return complete(source + full, full, alpha**2 * late, motion.canvas)
