"""People matched between frames, because detectors number them anew in each frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .skeleton import HAND_JOINTS, LEFT_HAND, RIGHT_HAND, joint

# Two detections are one person if their joints are closer than this fraction of its extent.
NEAR_SHARE = 0.5
# Poses held at once, one per person and frame: about 1 GB.
MAX_POSES = 300_000


def follow_people(frames: Sequence[np.ndarray]) -> np.ndarray:
    """Match the people that were detected frame by frame.

    A detection belongs to the person whose last known joints are nearest (mean distance of the
    joints that both have), and to a new person if all are farther than half its extent. The first
    frame decides the order.

    Args:
        frames: For each frame (P_t, J, 3): x, y and confidence.

    Returns:
        (T, P, J, 3), zeros in frames without the person.

    Raises:
        ValueError: People times frames are more than 300,000.
    """
    last: list[np.ndarray] = []
    slots: list[list[int]] = []
    for people in frames:
        places = _places(people, last)
        if max([len(last), *(place + 1 for place in places)]) * len(frames) > MAX_POSES:
            raise ValueError(
                f"more than {MAX_POSES:,} poses: people move too far between frames to be matched. "
                "Use fewer frames, or a detector that misses less."
            )
        slots.append(places)
        for place, person in zip(places, people, strict=True):
            if place == len(last):
                last.append(person)
            else:
                has_joint = person[:, 2:] > 0
                last[place] = np.where(has_joint, person, last[place])
    joints = frames[0].shape[1] if len(frames) else 0
    result = np.zeros((len(frames), len(last), joints, 3))
    for frame, (people, places) in enumerate(zip(frames, slots, strict=True)):
        result[frame, places] = people
    return result


def hands_at_their_wrists(people: np.ndarray) -> np.ndarray:
    """Exchange the two hands of people (T, P, 137, 3) that are named the wrong way round.

    They are exchanged if their roots lie nearer to the opposite wrists over the whole clip; some
    detectors (ComfyUI's SDPose) name them so.
    """
    result = people.copy()
    wrists = people[:, :, [joint("left_wrist"), joint("right_wrist")]]
    roots = people[:, :, [LEFT_HAND, RIGHT_HAND]]
    has_joint = (wrists[..., 2] > 0).all(axis=-1, keepdims=True) & (roots[..., 2] > 0)
    own, other = (
        np.linalg.norm(roots[..., :2] - those[..., :2], axis=-1)
        for those in (wrists, wrists[:, :, ::-1])
    )
    crossed = ((own - other) * has_joint).sum(axis=(0, 2)) > 0
    left, right = (slice(first, first + HAND_JOINTS) for first in (LEFT_HAND, RIGHT_HAND))
    result[:, crossed, left], result[:, crossed, right] = (
        people[:, crossed, right],
        people[:, crossed, left],
    )
    return result


def _places(people: np.ndarray, last: Sequence[np.ndarray]) -> list[int]:
    """For each person of a frame, the index in the list; new people follow the known ones."""
    gaps = np.array([[_gap(person, known) for known in last] for person in people])
    places = [-1] * len(people)
    order = np.argsort(gaps, axis=None) if gaps.size else ()
    for flat in order:
        person, known = divmod(int(flat), len(last))
        if places[person] < 0 and known not in places and gaps[person, known] <= NEAR_SHARE:
            places[person] = known
    fresh = len(last)
    for person, place in enumerate(places):
        if place < 0:
            places[person], fresh = fresh, fresh + 1
    return places


def _gap(person: np.ndarray, known: np.ndarray) -> float:
    """Mean distance of shared joints, as a fraction of the person's extent; infinite for none."""
    shared = (person[:, 2] > 0) & (known[:, 2] > 0)
    if not shared.any():
        return np.inf
    extent = float(np.linalg.norm(np.ptp(known[known[:, 2] > 0, :2], axis=0)))
    distance = np.linalg.norm(person[shared, :2] - known[shared, :2], axis=1).mean()
    return float(distance) / max(extent, 1e-6)
