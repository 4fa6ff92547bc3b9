"""Poses of people: estimated, matched between frames, moved, retargeted, made into tracks."""

from __future__ import annotations

from .edit import move_pose
from .estimate import PoseEstimator, load_pose_estimator
from .limbs import pose_tracks
from .people import follow_people
from .pose_sequence import LEAST_CONFIDENCE, PoseSequence
from .retarget import retarget

__all__ = [
    "LEAST_CONFIDENCE",
    "PoseEstimator",
    "PoseSequence",
    "follow_people",
    "load_pose_estimator",
    "move_pose",
    "pose_tracks",
    "retarget",
]
