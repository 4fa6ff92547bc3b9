"""OpenPose JSON and the host's POSE_KEYPOINT: joints of people, frame by frame."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..errors import CanvasError, FormatError, listed
from ..geometry import Size, checked_size
from ..pose.people import follow_people, hands_at_their_wrists
from ..pose.pose_sequence import LEAST_CONFIDENCE, PoseSequence, with_middles
from ..pose.skeleton import (
    BODY,
    BODY_18,
    FACE,
    FACE_JOINTS,
    FOOT_JOINTS,
    HAND_JOINTS,
    JOINTS,
    LEFT_HAND,
    RIGHT_HAND,
    joint,
)
from ..progress import Progress, silent
from ..safe_json import parse_json

log = logging.getLogger(__name__)

MAX_CHARACTERS = 64 << 20
MAX_FRAMES = 10_000
MAX_PEOPLE = 64
# Pixels; what lies beyond is no place in or near a picture.
MAX_COORDINATE = 1e7
# Coordinates that all lie within this are shares of the canvas: no person is two pixels large.
NORMALISED_LIMIT = 2.0
SUFFIX = "_2d"
BODY_KEY = "pose_keypoints_2d"
BODIES = {len(BODY): BODY, len(BODY_18): BODY_18}
PARTS = {
    "foot_keypoints_2d": (joint("left_big_toe"), (FOOT_JOINTS,)),
    "hand_left_keypoints_2d": (LEFT_HAND, (HAND_JOINTS,)),
    "hand_right_keypoints_2d": (RIGHT_HAND, (HAND_JOINTS,)),
    "face_keypoints_2d": (FACE, (FACE_JOINTS, 68)),
}
KEYS = frozenset([BODY_KEY, *PARTS])


def read_poses(
    source: str | Mapping[str, Any] | Sequence[Any],
    size: Size | None = None,
    *,
    fps: float | None = None,
    progress: Progress = silent,
) -> PoseSequence:
    """Poses from OpenPose JSON.

    Supports bodies of 18 or 25 joints, feet of 6 beside the body (ComfyUI's SDPose), hands of 21,
    and faces of 68 or 70. Parts that are missing, null or empty are absent, and so are joints of
    confidence 0. Coordinates are pixels, or fractions of the canvas if most are within 2. People
    keep their order from frame to frame, and hands belong to the nearer wrist.

    Args:
        source: JSON text, one frame as a dict, or a list of frames (POSE_KEYPOINT).
        size: The canvas, if the frames do not store one (canvas_width, canvas_height).
        fps: Frames per second, or None when unknown.
        progress: Called with (frames done, T).

    Raises:
        FormatError: The source holds anything else (the message names frame, person and part), or
            people times frames exceed 300,000.
        CanvasError: The canvas of the frames differs from `size`, or frames differ from each other.
    """
    frames = _frames(_parsed(source) if isinstance(source, str) else source)
    canvas = _canvas(frames, size)
    found = []
    for place, frame in enumerate(frames):
        found.append(_people(frame, place))
        progress(place + 1, len(frames))
    try:
        joints = follow_people(found, progress=progress)
    except ValueError as error:
        raise FormatError(str(error)) from error
    if not len(frames):
        joints = np.zeros((0, 0, JOINTS, 3))
    joints = hands_at_their_wrists(joints)
    xy, confidence = joints[..., :2], joints[..., 2]
    present = confidence > 0
    if not present.any():
        log.warning("none of the %d frames of these poses holds a person.", len(frames))
    if _are_fractions(xy[present], confidence[present]):
        xy = xy * np.array(canvas, dtype=np.float64)
    xy, confidence = with_middles(xy, confidence)
    return PoseSequence(
        torch.from_numpy(xy).float(), torch.from_numpy(confidence).float(), canvas, fps
    )


def _parsed(text: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise FormatError(f"pose JSON of {len(text):,} characters; at most {MAX_CHARACTERS:,}.")
    try:
        return parse_json(text)
    except FormatError as error:
        raise FormatError(
            f"{error} Paste OpenPose JSON: one frame, or a list of frames."
        ) from error


def _frames(value: Any) -> list[Mapping[str, Any]]:
    frames = [value] if isinstance(value, Mapping) else value
    if not isinstance(frames, (list, tuple)):
        raise FormatError(
            f"expected a frame with people or a list of frames; got {type(value).__name__}."
        )
    if len(frames) > MAX_FRAMES:
        raise FormatError(f"{len(frames):,} frames of poses; at most {MAX_FRAMES:,} are read.")
    for place, frame in enumerate(frames):
        if not isinstance(frame, Mapping) or "people" not in frame:
            kind = f"{type(frame).__name__} cannot be read"
            if isinstance(frame, Mapping):
                keys = f"an object with {listed([str(key) for key in frame])} cannot be read"
                kind = "an animal pose cannot be read" if "animals" in frame else keys
            raise FormatError(
                f'frame {place}: expected {{"people": [...]}} as OpenPose writes it; {kind}.'
            )
    return list(frames)


def _canvas(frames: Sequence[Mapping[str, Any]], size: Size | None) -> Size:
    stated = set()
    for place, frame in enumerate(frames):
        if frame.get("canvas_width") and frame.get("canvas_height"):
            stated.add(_side_pair(frame, place))
    if len(stated) > 1:
        raise CanvasError(
            f"the frames of these poses are of {len(stated)} sizes, among them "
            f"{' and '.join(str(one) for one in sorted(stated)[:2])}; detect them on one video."
        )
    canvas = stated.pop() if stated else size
    if canvas is None:
        raise FormatError(
            "these poses do not say their canvas (canvas_width, canvas_height); connect the image "
            "they were found in."
        )
    if size is not None and canvas != size:
        raise CanvasError(
            f"the poses were found on {canvas} but the image is {size}. Detect them on this image, "
            "or leave the image out and fit the tracks (Transform Tracks)."
        )
    return canvas


def _side_pair(frame: Mapping[str, Any], place: int) -> Size:
    sides = frame["canvas_width"], frame["canvas_height"]
    try:
        return checked_size(*(int(side) if float(side) == int(side) else side for side in sides))
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"frame {place}: canvas {sides!r}: {error}") from error


def _people(frame: Mapping[str, Any], place: int) -> np.ndarray:
    """(P, 137, 3) of one frame."""
    people = frame["people"]
    if not isinstance(people, (list, tuple)) or len(people) > MAX_PEOPLE:
        raise FormatError(f"frame {place}: people must be a list of at most {MAX_PEOPLE}.")
    found = [_person(person, _Where(place, number)) for number, person in enumerate(people)]
    present = [person for person in found if (person[:, 2] > 0).any()]
    return np.stack(present) if present else np.zeros((0, JOINTS, 3))


@dataclass(frozen=True)
class _Where:
    """How a message names a person."""

    frame: int
    person: int

    def __str__(self) -> str:
        return f"frame {self.frame}, person {self.person}"


def _person(person: Any, where: _Where) -> np.ndarray:
    if not isinstance(person, Mapping):
        raise FormatError(f"{where}: expected an object with {BODY_KEY}.")
    parts = _parts(person)
    unread = [
        str(key) for key in person if _part_name(str(key)) not in KEYS and _is_part(key, person)
    ]
    is_known = any(_part_name(str(key)) in KEYS for key in person)
    if not is_known or (unread and not parts):
        raise FormatError(
            f"{where}: expected at least one of {listed([BODY_KEY, *PARTS])}; got an object with "
            f"{listed([str(key) for key in person] if not is_known else unread)}."
        )
    result = np.zeros((JOINTS, 3))
    body = _triples(parts, BODY_KEY, tuple(BODIES), where)
    for row, name in enumerate(BODIES.get(len(body), ())):
        result[joint(name)] = body[row]
    for part, (first, counts) in PARTS.items():
        rows = _triples(parts, part, counts, where)
        place = slice(first, first + len(rows))
        result[place] = np.where(rows[:, 2:] > 0, rows, result[place])
    return result


def _are_fractions(xy: np.ndarray, confidence: np.ndarray) -> bool:
    """Whether most of the confident joints (K, 2) lie within 2, the corner itself left out.

    Where no joint is confident, all count. Joints beyond 2 are then counted in a log line.
    """
    counts = (confidence >= LEAST_CONFIDENCE) & (xy != 0).any(axis=-1)
    places = xy[counts] if counts.any() else xy
    beyond = (np.abs(places) > NORMALISED_LIMIT).any(axis=-1)
    if not len(places) or 2 * int(beyond.sum()) >= len(places):
        return False
    if beyond.any():
        log.warning(
            "%d of %d joints lie beyond 2; all are taken for fractions of the canvas, as most are.",
            int(beyond.sum()),
            len(places),
        )
    return True


def _parts(person: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that are not empty by their key of today; a key of today goes before an old one."""
    parts: dict[str, Any] = {}
    for key in sorted(map(str, person), key=lambda key: key in KEYS):
        value = person[key]
        if _part_name(key) in KEYS and not (value is None or _is_empty(value)):
            parts[_part_name(key)] = value
    return parts


def _is_empty(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and not value


def _is_part(key: Any, person: Mapping[str, Any]) -> bool:
    """Whether a key looks like one of joints and holds something."""
    return "keypoint" in str(key).lower() and person[key] is not None and not _is_empty(person[key])


def _part_name(key: str) -> str:
    """The key of today for a key of OpenPose before 1.3, which has no "_2d"."""
    return key + SUFFIX if key + SUFFIX in KEYS else key


def _triples(
    parts: Mapping[str, Any], part: str, counts: tuple[int, ...], where: _Where
) -> np.ndarray:
    """(K, 3) x, y, confidence of one part; (0, 3) where it is not there."""
    numbers = parts.get(part)
    if numbers is None:
        return np.zeros((0, 3))
    try:
        stored = np.asarray(numbers)
        if stored.dtype.kind not in "iuf":
            raise TypeError(f"{stored.dtype} is no kind of number")
        rows = stored.astype(np.float64).reshape(-1, 3)
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{where}: {part} must be x, y, confidence for every joint.") from error
    if len(rows) not in counts:
        wanted = " or ".join(str(count) for count in sorted(counts))
        raise FormatError(f"{where}: {part} must have {wanted} joints; got {len(rows)}.")
    usable = np.abs(rows) <= MAX_COORDINATE
    if not usable.all():
        bad = int(np.argwhere(~usable)[0, 0])
        raise FormatError(
            f"{where}: joint {bad} of {part} is no finite place near an image; write 0, 0, 0 for "
            "a joint that is missing."
        )
    rows[:, 2] = rows[:, 2].clip(0.0, 1.0)
    rows[rows[:, 2] <= 0] = 0.0
    return rows
