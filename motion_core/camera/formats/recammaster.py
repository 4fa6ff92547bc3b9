"""ReCamMaster's camera_extrinsics.json, as the MultiCamVideo data set of Unreal Engine stores it.

{"frame0": {"cam01": "[r r r 0] [r r r 0] [r r r 0] [x y z 1] "}, ...}: camera to world, transposed,
in Unreal's axes (x forward, y right, z up, left-handed) and centimetres. ReCamMaster's reader
(train_recammaster.py, TensorDataset) takes frames 0, 4, ..., 80 and poses relative to the first.
"""

from __future__ import annotations

import json
import logging
import math
from typing import Any

import torch
from torch import Tensor

from ...depth.lens import intrinsics_from_fov
from ...depth.sources import ASSUMED_FOV_DEG
from ...errors import FormatError
from ...geometry import Size
from ..camera_path import CameraPath
from ..pose import inverse
from .pose_rows import READ_FORMS, check_has_frames, nearest_rotations

log = logging.getLogger(__name__)

LEAST_FRAMES = 81
CENTIMETRES = 100.0
CAMERA = "cam01"
# Our world (x right, y down, z forward) in Unreal's (x forward, y right, z up).
TO_UNREAL = torch.tensor(
    [[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]],
    dtype=torch.float64,
)


def camera_to_recammaster(camera: CameraPath) -> str:
    """ReCamMaster's JSON of a path as camera cam01, relative to the path's first camera.

    One unit of the path is written as one metre. The lens is not part of the format.

    Args:
        camera: At least 81 frames; ReCamMaster reads the first 81.

    Raises:
        FormatError: The path has no frames.
        ValueError: It has fewer than 81 frames.
    """
    check_has_frames(camera.num_frames)
    if camera.num_frames < LEAST_FRAMES:
        raise ValueError(
            f"ReCamMaster reads {LEAST_FRAMES} frames; the camera path has {camera.num_frames}. "
            f"Set frames of Camera Path to {LEAST_FRAMES}."
        )
    first = camera.T_cam_world[0]
    entries = {}
    for frame in range(camera.num_frames):
        stored = TO_UNREAL @ first @ inverse(camera.T_cam_world[frame]) @ TO_UNREAL.T
        stored[:3, 3] *= CENTIMETRES
        rows = stored.T.tolist()
        text = "".join(f"[{' '.join(f'{value:.12g}' for value in row)}] " for row in rows)
        entries[f"frame{frame}"] = {CAMERA: text}
    return json.dumps(entries)


def is_recammaster(data: Any) -> bool:
    """Whether parsed JSON has the keys of ReCamMaster's camera file."""
    return isinstance(data, dict) and isinstance(data.get("frame0"), dict)


def camera_from_recammaster(data: dict[str, Any], size: Size) -> CameraPath:
    """The first camera of ReCamMaster's JSON as a path on a canvas.

    The file has no lens and no rate: 60 degrees across the width are assumed, and the rate is
    unknown. One metre becomes one unit.

    Args:
        data: The parsed JSON.
        size: The canvas in pixels.

    Raises:
        FormatError: A frame is missing or malformed; the message names it.
    """
    name = next(iter(data["frame0"]), None)
    poses = []
    for frame in range(len(data)):
        entry = data.get(f"frame{frame}")
        text = entry.get(name) if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(text, str):
            raise FormatError(
                f"frame{frame} of a ReCamMaster file has no {name or 'camera'}; {READ_FORMS}."
            )
        stored = _matrix(text, frame)
        stored[:3, 3] /= CENTIMETRES
        pose = TO_UNREAL.T @ stored @ TO_UNREAL
        pose[:3, :3] = nearest_rotations(pose[None, :3, :3])[0]
        poses.append(pose)
    lens = intrinsics_from_fov(size, ASSUMED_FOV_DEG).expand(len(poses), -1, -1).clone()
    log.info("the file has no lens; %g degrees across the width are assumed.", ASSUMED_FOV_DEG)
    try:
        return CameraPath(torch.stack([inverse(pose) for pose in poses]), lens, Size(*size), None)
    except ValueError as error:
        raise FormatError(str(error)) from error


def _matrix(text: str, frame: int) -> Tensor:
    """(4, 4) camera to world of one entry, which is stored transposed."""
    try:
        numbers = [float(word) for word in text.replace("[", " ").replace("]", " ").split()]
    except ValueError as error:
        raise FormatError(f"frame{frame} of a ReCamMaster file: {error}.") from error
    if len(numbers) != 16 or not all(map(math.isfinite, numbers)):
        raise FormatError(
            f"frame{frame} of a ReCamMaster file needs 16 finite numbers; got {len(numbers)}."
        )
    return torch.tensor(numbers, dtype=torch.float64).reshape(4, 4).T.contiguous()
