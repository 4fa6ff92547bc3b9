"""The joints of a person, their parents, and the widths of the limbs.

The body is OpenPose's BODY_25; hands and face follow it in one list of 137 joints. Layouts with
other joints (18-joint OpenPose, COCO's 17) are converted by name.
"""

from __future__ import annotations

from typing import NamedTuple

BODY = (
    ("nose", "neck", "right_shoulder", "right_elbow", "right_wrist")
    + ("left_shoulder", "left_elbow", "left_wrist", "mid_hip")
    + ("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle")
    + ("right_eye", "left_eye", "right_ear", "left_ear")
    + ("left_big_toe", "left_small_toe", "left_heel")
    + ("right_big_toe", "right_small_toe", "right_heel")
)
FOOT_JOINTS, HAND_JOINTS, FACE_JOINTS = 6, 21, 70
LEFT_HAND = len(BODY)
RIGHT_HAND = LEFT_HAND + HAND_JOINTS
FACE = RIGHT_HAND + HAND_JOINTS
JOINTS = FACE + FACE_JOINTS

BODY_18 = BODY[:8] + BODY[9:19]
COCO_17 = (
    ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder")
    + ("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip")
    + ("left_knee", "right_knee", "left_ankle", "right_ankle")
)
# Joints some layouts lack, and the two whose middle they are.
MIDDLES = {
    "neck": ("left_shoulder", "right_shoulder"),
    "mid_hip": ("left_hip", "right_hip"),
}


class Bone(NamedTuple):
    """A joint and its parent.

    Attributes:
        parent: Index of the parent joint.
        child: Index of the joint.
        width_share: Width of the limb between them as a fraction of the torso's length; 0 for none.
        is_rigid: Whether the bone rotates rigidly; others (the face) move by displacement.
    """

    parent: int
    child: int
    width_share: float = 0.0
    is_rigid: bool = True


def joint(name: str) -> int:
    """The index of a body joint in the list."""
    return BODY.index(name)


def _body_bones() -> list[Bone]:
    widths = (
        ("mid_hip", "neck", 0.6),
        ("neck", "nose", 0.25),
        ("nose", "right_eye", 0.12),
        ("nose", "left_eye", 0.12),
        ("right_eye", "right_ear", 0.12),
        ("left_eye", "left_ear", 0.12),
    )
    bones = [Bone(joint(a), joint(b), width) for a, b, width in widths]
    for side in ("right", "left"):
        limbs = (
            ("neck", f"{side}_shoulder", 0.2),
            (f"{side}_shoulder", f"{side}_elbow", 0.2),
            (f"{side}_elbow", f"{side}_wrist", 0.16),
            ("mid_hip", f"{side}_hip", 0.25),
            (f"{side}_hip", f"{side}_knee", 0.3),
            (f"{side}_knee", f"{side}_ankle", 0.22),
            (f"{side}_ankle", f"{side}_heel", 0.1),
            (f"{side}_ankle", f"{side}_big_toe", 0.12),
            (f"{side}_big_toe", f"{side}_small_toe", 0.06),
        )
        bones += [Bone(joint(a), joint(b), width) for a, b, width in limbs]
    return bones


def _hand_bones(first: int, wrist: str) -> list[Bone]:
    bones = [Bone(joint(wrist), first, 0.0, is_rigid=False)]
    for finger in range(5):
        knuckles = [0, *range(1 + 4 * finger, 5 + 4 * finger)]
        pairs = zip(knuckles, knuckles[1:], strict=False)
        bones += [Bone(first + a, first + b, 0.04) for a, b in pairs]
    return bones


# Parents come before their children.
BONES = (
    *_body_bones(),
    *_hand_bones(LEFT_HAND, "left_wrist"),
    *_hand_bones(RIGHT_HAND, "right_wrist"),
    *(Bone(joint("nose"), FACE + place, 0.0, is_rigid=False) for place in range(FACE_JOINTS)),
)
