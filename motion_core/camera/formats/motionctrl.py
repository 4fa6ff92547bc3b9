"""MotionCtrl's JSON: for each frame 12 numbers, 3 x 4 world to camera."""

from __future__ import annotations

import json
import logging

import torch

from ...depth.lens import intrinsics_from_fov
from ...depth.sources import ASSUMED_FOV_DEG
from ...errors import FormatError
from ...geometry import Size, checked_size
from ...safe_json import parse_json
from ..camera_path import CameraPath
from ..pose import inverse
from .pose_rows import (
    MOTIONCTRL_NUMBERS,
    READ_FORMS,
    check_frame_count,
    check_has_frames,
    path_of_table,
)

log = logging.getLogger(__name__)


def camera_to_motionctrl(camera: CameraPath) -> str:
    """MotionCtrl's JSON of a path, relative to its first camera; the lens is not part of it.

    Distances keep the path's unit; MotionCtrl's scripts scale them by axis and by `speed`.

    Raises:
        FormatError: The path has no frames.
    """
    check_has_frames(camera.num_frames)
    relative = camera.T_cam_world @ inverse(camera.T_cam_world[0])
    return json.dumps(relative[:, :3].flatten(1).tolist())


def camera_from_motionctrl(text: str, size: Size) -> CameraPath:
    """Read MotionCtrl's JSON on a canvas.

    The file has no lens and no rate: 60 degrees across the width are assumed, and the rate is
    unknown.

    Args:
        text: The JSON.
        size: The canvas in pixels.

    Raises:
        FormatError: A frame is malformed; the message names it.
    """
    size = checked_size(*size)
    rows = parse_json(text)
    if not isinstance(rows, list) or not rows:
        raise FormatError(f"the JSON list holds no frames; {READ_FORMS}.")
    check_frame_count(len(rows))
    for frame, row in enumerate(rows):
        is_pose = isinstance(row, list) and len(row) == MOTIONCTRL_NUMBERS
        if not is_pose or not all(type(number) in (int, float) for number in row):
            raise FormatError(
                f"frame {frame} is no list of {MOTIONCTRL_NUMBERS} numbers; {READ_FORMS}."
            )
    table = torch.tensor([[float(number) for number in row] for row in rows], dtype=torch.float64)
    lens = intrinsics_from_fov(size, ASSUMED_FOV_DEG)
    log.info("the file has no lens; %g degrees across the width are assumed.", ASSUMED_FOV_DEG)
    return path_of_table(table, lens.expand(len(rows), -1, -1).clone(), size, None)
