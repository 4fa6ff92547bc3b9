"""What the readers of foreign camera files share: their forms, and poses from printed numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import FormatError
from ...geometry import Size
from ...tracks.arguments import MAX_FRAMES
from ..camera_path import CameraPath

NATIVE_KIND = "camera_path"
# What a line of RealEstate10K holds: time, fx fy cx cy, two unused numbers, and 3 x 4 world to
# camera, row by row.
REALESTATE_COLUMNS = 19
# What MotionCtrl keeps of a frame: 3 x 4 world to camera, row by row.
MOTIONCTRL_NUMBERS = 12
READ_FORMS = (
    f'camera files are read as our JSON {{"kind": "{NATIVE_KIND}", ...}}, as RealEstate10K / '
    f"CameraCtrl lines of {REALESTATE_COLUMNS} numbers, as MotionCtrl's JSON list of "
    f"{MOTIONCTRL_NUMBERS} numbers for each frame, as HY-WorldPlay's pose JSON, or as "
    "ReCamMaster's camera_extrinsics.json"
)


def check_has_frames(frames: int) -> None:
    """Raises FormatError for a camera path without frames, which no reader can use."""
    if frames < 1:
        raise FormatError(
            "the camera path has no frames; a file needs at least one. Give the path a length of "
            "1 frame or more."
        )


def check_frame_count(frames: int) -> None:
    """Raises FormatError for more frames than are read."""
    if frames > MAX_FRAMES:
        raise FormatError(f"{frames:,} frames; at most {MAX_FRAMES:,} are read. Cut the path.")


def path_of_table(table: Tensor, K: Tensor, size: Size, fps: float | None) -> CameraPath:
    """A path from printed world-to-camera rows.

    Args:
        table: (T, 12) float64, 3 x 4 world to camera, row by row.
        K: (T, 3, 3) intrinsics in pixels.
        size: The canvas.
        fps: Frames per second, None where unknown.

    Raises:
        FormatError: The rows are no poses.
    """
    poses = torch.eye(4, dtype=torch.float64).repeat(len(table), 1, 1)
    poses[:, :3] = table.reshape(-1, 3, 4)
    poses[:, :3, :3] = nearest_rotations(poses[:, :3, :3])
    try:
        return CameraPath(poses, K, size, fps)
    except ValueError as error:
        raise FormatError(str(error)) from error


def nearest_rotations(matrices: Tensor) -> Tensor:
    """The rotations nearest to printed ones (T, 3, 3), which have lost digits.

    Matrices that are further than 1e-2 from a rotation are returned as they are.
    """
    off = (matrices @ matrices.transpose(1, 2) - torch.eye(3, dtype=matrices.dtype)).abs()
    if not bool(torch.isfinite(matrices).all()) or float(off.amax()) > 1e-2:
        return matrices
    left, _, right = torch.linalg.svd(matrices)
    return left @ right
