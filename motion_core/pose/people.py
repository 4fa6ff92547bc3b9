"""People matched between frames, because detectors number them anew in each frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..progress import Progress, silent
from .skeleton import HAND_JOINTS, LEFT_HAND, RIGHT_HAND, joint

# Two detections are one person if their joints are closer than this fraction of its extent.
NEAR_SHARE = 0.5
# Poses held at once, one per person and frame: about 1 GB.
MAX_POSES = 300_000
# People of one frame times those known before it: a tenth of a second.
MAX_PAIRS = 250_000
MAX_PEOPLE = 250


def follow_people(frames: Sequence[np.ndarray], *, progress: Progress = silent) -> np.ndarray:
    """Match the people that were detected frame by frame.

    A detection belongs to the person whose last known joints are nearest (mean distance of the
    joints that both have), and to a new person if all are farther than half its extent. The first
    frame decides the order.

    Args:
        frames: For each frame (P_t, J, 3): x, y and confidence.
        progress: Called with (frames matched, T).

    Returns:
        (T, P, J, 3), zeros in frames without the person.

    Raises:
        ValueError: People times frames are more than 300,000, or one frame's people times those
            known before are more than 250,000.
    """
    last: list[np.ndarray] = []
    slots: list[list[int]] = []
    for place, people in enumerate(frames, start=1):
        if len(people) * max(len(last), MAX_PEOPLE) > MAX_PAIRS:
            raise ValueError(
                f"frame {place - 1} has {len(people):,} people and {len(last):,} were there "
                "before; these are too many to be matched. Keep the people that matter."
            )
        places = _places(people, last)
        if max([len(last), *(place + 1 for place in places)]) * len(frames) > MAX_POSES:
            raise ValueError(
                f"more than {MAX_POSES:,} poses: people move too far between frames to be matched. "
                "Use fewer frames, or a detector that misses less."
            )
        slots.append(places)
        progress(place, len(frames))
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
    places, taken = [-1] * len(people), set()
    gaps = _gaps(people, np.stack(last)) if len(last) and len(people) else np.zeros((0, 0))
    near = np.flatnonzero(gaps <= NEAR_SHARE)
    for flat in near[np.argsort(gaps.flat[near], kind="stable")]:
        person, known = divmod(int(flat), len(last))
        if places[person] < 0 and known not in taken:
            places[person] = known
            taken.add(known)
    fresh = len(last)
    for person, place in enumerate(places):
        if place < 0:
            places[person], fresh = fresh, fresh + 1
    return places


def _gaps(people: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(P, L): mean distance of shared joints, as a fraction of the known person's extent; infinite
    where they share none."""
    has_joint: np.ndarray = known[..., 2] > 0
    low = np.where(has_joint[..., None], known[..., :2], np.inf).min(axis=1)
    high = np.where(has_joint[..., None], known[..., :2], -np.inf).max(axis=1)
    extent = np.linalg.norm(np.where(has_joint.any(axis=1, keepdims=True), high - low, 0.0), axis=1)
    gaps = np.empty((len(people), len(known)))
    for row, person in zip(gaps, people, strict=True):
        shared = has_joint & (person[:, 2] > 0)
        distance = np.linalg.norm(person[:, :2] - known[..., :2], axis=-1)
        count = shared.sum(axis=1)
        mean = (distance * shared).sum(axis=1) / np.maximum(count, 1)
        row[:] = np.where(count > 0, mean / np.maximum(extent, 1e-6), np.inf)
    return gaps
