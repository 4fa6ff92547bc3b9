"""A stick figure whose joints are known, as OpenPose would write it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from motion_core.pose.skeleton import BODY, BODY_18, joint

CANVAS = {"canvas_width": 320, "canvas_height": 240}

# Standing, arms out, in pixels about the middle of the hips; y points down.
STANDING = {
    "nose": (0, -75),
    "neck": (0, -50),
    "right_shoulder": (-15, -50),
    "right_elbow": (-40, -50),
    "right_wrist": (-60, -50),
    "left_shoulder": (15, -50),
    "left_elbow": (40, -50),
    "left_wrist": (60, -50),
    "mid_hip": (0, 0),
    "right_hip": (-10, 0),
    "right_knee": (-10, 40),
    "right_ankle": (-10, 80),
    "left_hip": (10, 0),
    "left_knee": (10, 40),
    "left_ankle": (10, 80),
    "right_eye": (-4, -79),
    "left_eye": (4, -79),
    "right_ear": (-8, -77),
    "left_ear": (8, -77),
}


def figure(
    at: tuple[float, float] = (160, 120), zoom: float = 1.0, forearm_deg: float = 0.0
) -> np.ndarray:
    """(25, 3) joints of BODY_25; the left forearm turned about its elbow, clockwise on screen."""
    rows = np.zeros((len(BODY), 3))
    for name, (x, y) in STANDING.items():
        rows[joint(name)] = (at[0] + zoom * x, at[1] + zoom * y, 0.9)
    elbow, wrist = rows[joint("left_elbow"), :2], rows[joint("left_wrist"), :2]
    angle = math.radians(forearm_deg)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    rows[joint("left_wrist"), :2] = elbow + turn @ (wrist - elbow)
    return rows


def as_18(rows: np.ndarray) -> np.ndarray:
    """The same in the 18-joint layout."""
    return rows[[joint(name) for name in BODY_18]]


def frame(*people: np.ndarray, **parts: list[float] | None) -> dict[str, Any]:
    """One frame as OpenPose writes it; parts go to every person."""
    shown = [{"pose_keypoints_2d": rows.flatten().tolist(), **parts} for rows in people]
    return {"people": shown, **CANVAS}


def waving(frames: int = 9) -> list[dict[str, Any]]:
    """A figure whose left forearm rises by 80 degrees."""
    return [frame(as_18(figure(forearm_deg=-80 * t / (frames - 1)))) for t in range(frames)]
