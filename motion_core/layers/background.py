"""Which tracks lie on the background: pins that rest, or what moves with the camera.

Pins of a drag rest exactly. Tracks that were measured in a clip never do, and lie all over the
picture: most of them tell how the background moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..fields.arrays import BoolArray, FloatArray, IndexArray
from .motion_segments import STRAINS, MotionSegments, segment_motion
from .track_motion import Motion

# Pins rest to this, pixels; a tracker that finds a point at rest is not as exact.
PIN_PX = 1e-3
# Points that move by less than this fraction of the long side jitter on the background.
JITTER = 0.003
# A measured point that moves by more than this fraction of the long side goes with the picture:
# things of clips seldom go so far. Drawn paths are smooth; the fourth differences of measured ones
# exceed this fraction of the long side.
FARTHEST, ROUGH = 0.5, 1 / 12800
# Where so large a part of the points jitters, the camera rests, and with it what moves by no more
# than so many times as much.
STILL, LOOSE = 0.25, 2.0
# Measured tracks lie far apart: neighbours on one surface differ by less of their distance.
MEASURED_STRAINS = (0.1,)


def segments_over_background(
    motion: Motion, stands_out: Callable[[FloatArray], bool]
) -> tuple[MotionSegments, bool]:
    """Splits the points of a motion by how they move over the background.

    Where no point rests and no similarity covers half of the picture, points that do not stand out
    from the picture are the background. Where all stand out, they are things and it rests.

    Args:
        motion: of all points.
        stands_out: whether points (K, 2) of the picture lie on something that does.

    Returns:
        The segments; every point belongs to one of them or to the background. And whether the
        points of the background are pins: then nothing is known about the picture between them.
    """
    if not len(motion.source):
        return segment_motion(motion), True
    farthest = np.linalg.norm(motion.shift, axis=-1).max(axis=0)
    rests, slow = farthest <= PIN_PX, farthest <= JITTER * max(motion.canvas)
    pinned = bool(slow.any()) and bool(rests[slow].all())
    strains = STRAINS if pinned else MEASURED_STRAINS
    still = not pinned and float(slow.mean()) >= STILL
    held = farthest <= LOOSE * JITTER * max(motion.canvas) if still else None
    segments = segment_motion(motion, strains=strains, rests=held)
    if not segments.background_moves:
        over = tuple(one for one in segments.over if not slow[one.members].all())
        segments = _over(replace(segments, over=over), motion)
    if not len(segments.background):
        ground = np.ones(len(motion.source), bool)
        for segment in segments.over:
            far = _goes_far(motion, segment.members)
            ground[segment.members] = far or not stands_out(motion.source[segment.members])
        segments = segment_motion(motion, ground, strains)
    # Few of many segments are kept; the others bend the background.
    found = _over(segments, motion) if len(segments.background) else segments
    return found, pinned


def _over(segments: MotionSegments, motion: Motion) -> MotionSegments:
    """The same segments over a background of all other points."""
    on_background: BoolArray = np.ones(len(motion.source), bool)
    for segment in segments.over:
        on_background[segment.members] = False
    return replace(segments, background=np.flatnonzero(on_background))


def _goes_far(motion: Motion, members: IndexArray) -> bool:
    """Whether points were measured, and most of them go further than things do."""
    path, long_side = motion.shift[:, members], max(motion.canvas)
    shown = path[motion.visible[:, members].all(axis=1)]
    if len(shown) < 5:
        return False
    rough = np.linalg.norm(np.diff(shown, n=4, axis=0), axis=-1)
    far = np.linalg.norm(path, axis=-1).max(axis=0)
    return bool(np.median(far) > FARTHEST * long_side and np.median(rough) > ROUGH * long_side)
