"""HY-WorldPlay's pose file: camera to world and intrinsics of every latent frame.

{"0": {"extrinsic": 4 x 4, "K": 3 x 3}, "1": ...}, x right, y down, z forward. WorldPlay counts one
entry for 4 video frames after the first (its generate.py, pose_to_input), takes the fields of view
from K and its doubled principal point, and puts the principal point into the middle.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from ...errors import FormatError
from ...geometry import Size
from ..camera_path import CameraPath
from ..pose import inverse
from .pose_rows import READ_FORMS, check_has_frames, nearest_rotations

FRAME_STRIDE = 4


def camera_to_worldplay(camera: CameraPath) -> str:
    """HY-WorldPlay's pose JSON of a path, relative to its first camera.

    Distances keep the path's unit. Every 4th frame is written, as WorldPlay's latent frames are.

    Args:
        camera: 4 n + 1 frames, of which n + 1 are written.

    Raises:
        FormatError: The path has no frames.
        ValueError: It has another number of frames.
    """
    check_has_frames(camera.num_frames)
    if (camera.num_frames - 1) % FRAME_STRIDE:
        raise ValueError(
            f"HY-WorldPlay takes 4 n + 1 frames, such as 61 or 125; the camera path has "
            f"{camera.num_frames}. Set frames of Camera Path to "
            f"{round((camera.num_frames - 1) / FRAME_STRIDE) * FRAME_STRIDE + 1}."
        )
    first = camera.T_cam_world[0]
    entries = {}
    for place, frame in enumerate(range(0, camera.num_frames, FRAME_STRIDE)):
        K = camera.K[frame].clone()
        K[0, 2], K[1, 2] = camera.size.width / 2, camera.size.height / 2
        pose = first @ inverse(camera.T_cam_world[frame])
        entries[str(place)] = {"extrinsic": pose.tolist(), "K": K.tolist()}
    return json.dumps(entries)


def is_worldplay(data: Any) -> bool:
    """Whether parsed JSON has the keys of HY-WorldPlay's pose file."""
    return isinstance(data, dict) and isinstance(data.get("0"), dict) and "extrinsic" in data["0"]


def camera_from_worldplay(data: dict[str, Any], size: Size) -> CameraPath:
    """A path with one frame per entry of HY-WorldPlay's pose JSON.

    The stored lens is scaled from the image that its principal point implies to the canvas.

    Args:
        data: The parsed JSON.
        size: The canvas in pixels.

    Raises:
        FormatError: An entry is missing or malformed; the message names it.
    """
    poses, lenses = [], []
    for number in range(len(data)):
        try:
            entry = data[str(number)]
            pose = _numbers(entry["extrinsic"]).reshape(4, 4)
            K = _numbers(entry["K"]).reshape(3, 3)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise FormatError(
                f"entry {number} of a HY-WorldPlay file needs extrinsic (4 x 4) and K (3 x 3): "
                f"{error}; {READ_FORMS}."
            ) from error
        pose[:3, :3] = nearest_rotations(pose[None, :3, :3])[0]
        poses.append(pose)
        lenses.append(K)
    K = torch.stack(lenses)
    if not bool((K[:, :2, 2] > 0).all()):
        raise FormatError("a HY-WorldPlay file needs principal points above 0 in every K.")
    factor = torch.tensor(size, dtype=torch.float64) / (2 * K[:, :2, 2])
    K[:, :2] *= factor[..., None]
    try:
        world_cam = torch.stack(poses)
        return CameraPath(torch.stack([inverse(pose) for pose in world_cam]), K, Size(*size), None)
    except ValueError as error:
        raise FormatError(str(error)) from error


def _numbers(rows: Any) -> Tensor:
    """Nested lists of numbers as float64. Raises TypeError for booleans, which torch takes."""
    values = torch.tensor(rows)
    if values.dtype == torch.bool:
        raise TypeError("booleans are no numbers")
    return torch.tensor(rows, dtype=torch.float64)
