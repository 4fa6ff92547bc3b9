"""Which tracks lie on the background: pins that rest, or what moves with the camera.

Pins of a drag rest exactly. Tracks that were measured in a clip never do, and lie all over the
picture: most of them tell how the background moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..fields.arrays import BoolArray, FloatArray
from .motion_segments import REST_PX, STRAINS, MotionSegments, segment_motion
from .track_motion import Motion

# Points that move by less than this fraction of the long side jitter on the background.
JITTER = 0.003
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
    rests, slow = farthest <= REST_PX, farthest <= JITTER * max(motion.canvas)
    pinned = bool(slow.any()) and bool(rests[slow].all())
    strains = STRAINS if pinned else MEASURED_STRAINS
    segments = segment_motion(motion, strains=strains)
    if not segments.background_moves:
        over = tuple(one for one in segments.over if not slow[one.members].all())
        segments = _over(replace(segments, over=over), motion)
    if not len(segments.background):
        ground = np.ones(len(motion.source), bool)
        for segment in segments.over:
            ground[segment.members] = not stands_out(motion.source[segment.members])
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
