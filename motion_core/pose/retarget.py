"""Motion of one person transferred to another body."""

from __future__ import annotations

import numpy as np
import torch

from .pose_sequence import PoseSequence, bone_lengths, bridged, torso_length
from .skeleton import BONES, Bone

# A bone that starts this much shorter than it becomes points at the camera: its angle is noise.
SHORT_SHARE = 0.25
# Foreshortened bones grow by at most this factor.
MOST_GROWTH = 3.0


def retarget(source: PoseSequence, target: PoseSequence) -> PoseSequence:
    """Transfer the motion of `source` to the bodies and the canvas of the first frame of `target`.

    Every bone of the target rotates and is foreshortened as the source's bone since its first
    frame, so the target keeps its first pose and its proportions. The translation of the body is
    multiplied by the ratio of the two bodies' sizes. A joint is present where both have it;
    descendants of a missing joint move by displacement. People are matched in order; extra people
    on either side are left out.

    Args:
        source: The motion.
        target: The bodies; its first frame is used.

    Returns:
        A sequence with the frames of `source` on the canvas of `target`.

    Raises:
        ValueError: One side has no people or no frames, or two people share no joint.
    """
    count = min(source.num_people, target.num_people)
    if not count or not source.num_frames or not target.num_frames:
        raise ValueError(
            f"retargeting needs a person on both sides; the motion has {source.num_people} people "
            f"in {source.num_frames} frames, the target {target.num_people} in "
            f"{target.num_frames}. Check the pose detector."
        )
    moving, has_moving = bridged(source), source.confidence.cpu().numpy()
    still = target.xy[0].double().cpu().numpy()
    has_still = target.confidence[0].cpu().numpy()
    xy = np.zeros((source.num_frames, count, *moving.shape[2:]))
    confidence = np.zeros(xy.shape[:-1], np.float32)
    for person in range(count):
        known = (has_moving[:, person].max(axis=0) > 0) & (has_still[person] > 0)
        if not known.any():
            raise ValueError(
                f"person {person}: the motion and the target have no joint in common. Use poses "
                "of one kind for both."
            )
        xy[:, person] = _moved(moving[:, person], still[person], known)
        lowest = np.minimum(has_moving[:, person], has_still[person])
        confidence[:, person] = np.where(known, lowest, 0.0)
    return PoseSequence(
        torch.from_numpy(xy).float(), torch.from_numpy(confidence), target.size, source.fps
    )


def _moved(moving: np.ndarray, still: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(T, 137, 2) of one person: joints `still` (137, 2) moved as `moving` (T, 137, 2)."""
    zoom = _zoom(moving[0], still, known)
    result = still + zoom * (moving - moving[:1])
    result[:, ~known] = 0.0
    for bone in BONES:
        if known[bone.parent] and known[bone.child]:
            result[:, bone.child] = result[:, bone.parent] + _turned(bone, moving, still, zoom)
    return result


def _turned(bone: Bone, moving: np.ndarray, still: np.ndarray, zoom: float) -> np.ndarray:
    """(T, 2) the target's bone in every frame."""
    way = moving[:, bone.child] - moving[:, bone.parent]
    own = still[bone.child] - still[bone.parent]
    length = np.linalg.norm(way, axis=1)
    if not bone.is_rigid or length[0] <= SHORT_SHARE * length.max():
        return own + zoom * (way - way[0])
    turn = (way @ [1, 1j]) / (way[0] @ [1, 1j])
    size = np.abs(turn)
    turn *= np.minimum(size, MOST_GROWTH) / np.maximum(size, 1e-9)
    bone_now = turn * (own @ [1, 1j])
    return np.stack([bone_now.real, bone_now.imag], axis=1)


def _zoom(first: np.ndarray, still: np.ndarray, known: np.ndarray) -> float:
    """The size of the target's body relative to the source's: the median ratio of their bones."""
    here, there = (bone_lengths(xy, known) for xy in (first, still))
    ratios = there[here > 0] / here[here > 0]
    ratios = ratios[np.isfinite(ratios)]
    if ratios.size:
        return float(np.median(ratios))
    sizes = [torso_length(xy[None], known[None]) for xy in (first, still)]
    return sizes[1] / sizes[0] if sizes[0] > 0 and sizes[1] > 0 else 1.0
