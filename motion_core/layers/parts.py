"""Groups of points that move differently, and yet lie on one thing: its parts."""

from __future__ import annotations

import numpy as np

from ..fields.arrays import BoolArray, FloatArray
from .cut import PictureCutter
from .prompts import ThingPrompt
from .track_motion import Motion

# Two groups part when their displacements differ by more than this multiple of the distance
# between them: what lies between would be stretched as much.
MOST_STRETCH = 1.5
# Yet a few points that contradict others within this fraction of the short side outline nothing:
# both stay on one layer, whose deformation weighs them.
FEW, ONE_SPOT = 4, 0.02
# The fraction of a group's points that must lie in the other group's outline.
SHARED = 0.5


def joined_prompts(
    motion: Motion, prompts: list[ThingPrompt], cutter: PictureCutter
) -> list[ThingPrompt]:
    """Prompts of things: those of parts of one thing are joined.

    Two groups lie on one thing when the outline of each, found without regard to the other,
    contains the other, and they do not part.

    Args:
        motion: of all points.
        prompts: one per group, slowest first.
        cutter: of the picture.

    Returns:
        One prompt per thing, slowest first.
    """
    if len(prompts) < 2:
        return prompts
    outlines = [cutter.cut(prompt, alone=True) for prompt in prompts]
    label = list(range(len(prompts)))
    for second in range(len(prompts)):
        for first in range(second):
            pair = prompts[first], prompts[second]
            shared = _contains(outlines[first], pair[1], motion) and _contains(
                outlines[second], pair[0], motion
            )
            if shared and not _part(motion, *pair):
                old, new = label[second], label[first]
                label = [new if one == old else one for one in label]
    groups = [
        [prompt for prompt, one in zip(prompts, label, strict=True) if one == thing]
        for thing in dict.fromkeys(label)
    ]
    return sorted((_joined(group) for group in groups), key=lambda prompt: prompt.speed)


def _contains(outline: BoolArray, prompt: ThingPrompt, motion: Motion) -> bool:
    size = np.array(outline.shape[::-1])
    cells = np.floor(prompt.inside * (size / np.array(motion.canvas))).astype(np.int64)
    column, row = np.clip(cells, 0, size - 1).T
    return len(column) > 0 and float(outline[row, column].mean()) >= SHARED


def _part(motion: Motion, first: ThingPrompt, second: ThingPrompt) -> bool:
    """Whether the picture between two groups would be stretched too much."""
    from scipy.spatial import KDTree

    found = KDTree(motion.source[first.members]).query(motion.source[second.members])
    gap, nearest = (np.asarray(one) for one in found)
    closest = int(np.argmin(gap))
    few = min(len(first.members), len(second.members)) < FEW
    if few and gap[closest] < ONE_SPOT * motion.canvas.short_side:
        return False
    ends = first.members[nearest[closest]], second.members[closest]
    both = motion.visible[:, ends[0]] & motion.visible[:, ends[1]]
    apart = np.linalg.norm(motion.shift[:, ends[0]] - motion.shift[:, ends[1]], axis=-1) * both
    return float(apart.max()) > MOST_STRETCH * max(float(gap[closest]), 1.0)


def _joined(group: list[ThingPrompt]) -> ThingPrompt:
    if len(group) == 1:
        return group[0]
    own = np.concatenate([prompt.inside for prompt in group])
    rivals = _without(group[0].rivals, own)
    return ThingPrompt(
        inside=own,
        outside=group[0].outside,
        rivals=rivals,
        members=np.concatenate([prompt.members for prompt in group]),
        speed=max(prompt.speed for prompt in group),
    )


def _without(points: FloatArray, others: FloatArray) -> FloatArray:
    """The points (N, 2) that are none of the others (M, 2)."""
    same = (points[:, None] == others[None]).all(-1).any(-1)
    return points[~same]
