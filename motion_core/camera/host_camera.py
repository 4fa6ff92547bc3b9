"""The host's LOAD3D_CAMERA, to and from camera paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..depth.lens import fov_of, intrinsics_from_fov
from ..document.easing import Easing
from ..errors import FormatError
from ..geometry import Size
from .camera_path import CameraPath
from .keyframes import CameraKey, path_from_keys
from .pose import inverse, look_at, make_pose
from .setup import CameraSetup

# The host draws with this vertical angle when a camera states none.
HOST_FOV_DEG = 35.0
# The host's world has y up and its cameras look down -z; ours has y down and they look down +z.
FLIP = torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64)


def camera_to_host(camera: CameraPath, frame: int = 0, *, distance: float = 1.0) -> dict[str, Any]:
    """One frame as the host's LOAD3D_CAMERA: y up, looking down -z, vertical angle in degrees.

    Args:
        camera: The path.
        frame: Index of the frame.
        distance: How far ahead of the camera its target is put, in units of the scene.
    """
    back = inverse(camera.T_cam_world[frame])
    position = back[:3, 3]
    target = position + distance * back[:3, 2]
    x, y, z, w = _quaternion(FLIP[:, None] * back[:3, :3] * FLIP)
    return {
        "position": _xyz(position * FLIP),
        "target": _xyz(target * FLIP),
        "quaternion": {"x": x, "y": y, "z": z, "w": w},
        "fov": fov_of(camera.K[frame], camera.size)[1],
        "aspect": camera.size.width / camera.size.height,
        "zoom": 1.0,
        "cameraType": "perspective",
    }


def camera_from_host(
    camera: Mapping[str, Any], size: Size, *, fps: float | None = None
) -> CameraPath:
    """The host's LOAD3D_CAMERA as a path of one frame.

    The lens is its vertical angle (35 degrees when it states none, as the host draws it) times its
    zoom; the turn is its quaternion, or looking at the target with y up.

    Args:
        camera: The dict.
        size: The canvas of the path in pixels.
        fps: The frame rate of the path, None for unknown.

    Raises:
        FormatError: The camera is orthographic, or numbers are missing or unusable.
    """
    if str(camera.get("cameraType", "perspective")).lower().startswith("ortho"):
        raise FormatError("LOAD3D_CAMERA is orthographic; switch the 3D view to perspective.")
    eye = _vector(camera, "position") * FLIP
    quaternion = camera.get("quaternion")
    try:
        if quaternion:
            rotation = _rotation(_numbers_of(quaternion, "quaternion", "xyzw"))
            rotation = (FLIP[:, None] * rotation * FLIP).T
            pose = make_pose(rotation, -rotation @ eye)
        else:
            pose = _upright(eye, _vector(camera, "target") * FLIP)
        lens = intrinsics_from_fov(size, float(camera.get("fov") or HOST_FOV_DEG), axis="vertical")
        lens[:2, :2] *= float(camera.get("zoom") or 1.0)
        return CameraPath(pose[None], lens[None], size, fps)
    except (TypeError, ValueError) as error:
        raise FormatError(f"LOAD3D_CAMERA cannot be used: {error}") from error


def path_between_host_cameras(
    start: Mapping[str, Any],
    end: Mapping[str, Any],
    setup: CameraSetup,
    *,
    easing: Easing = "ease_in_out",
) -> CameraPath:
    """The way from one LOAD3D_CAMERA to another, taken by the camera of an image.

    The first camera becomes the image's own and its target the pivot: distances count relative
    to the one between them, and the lens changes by the ratio of the two.

    Args:
        start: The first camera.
        end: The last camera.
        setup: The camera of the image, and the clip.
        easing: How the pace changes in between.

    Raises:
        FormatError: The first camera is at its target, or what camera_from_host raises.
    """
    first, last = (camera_from_host(camera, setup.size) for camera in (start, end))
    reach = float((_vector(start, "target") - _vector(start, "position")).norm())
    if reach <= 0.0:
        raise FormatError("the first LOAD3D_CAMERA stands at its own target; move it away.")
    pose = last.T_cam_world[0] @ inverse(first.T_cam_world[0])
    pose[:3, 3] *= setup.distance / reach
    zoom = float(last.K[0, 0, 0] / first.K[0, 0, 0])
    here = CameraKey(0.0, make_pose(), easing=easing)
    return path_from_keys([here, CameraKey(1.0, pose, zoom)], setup)


def _upright(eye: Tensor, target: Tensor) -> Tensor:
    """Looking at the target; straight up or down the picture's top is the host's +z."""
    along = torch.nn.functional.normalize(target - eye, dim=0)
    down = (0.0, 0.0, 1.0) if abs(float(along[1])) > 0.999 else (0.0, 1.0, 0.0)
    return look_at(eye, target, down=down)


def _vector(camera: Mapping[str, Any], name: str) -> Tensor:
    if not isinstance(camera.get(name), Mapping):
        raise FormatError(f"LOAD3D_CAMERA has no {name}.")
    return torch.tensor(_numbers_of(camera[name], name, "xyz"), dtype=torch.float64)


def _numbers_of(value: Mapping[str, Any], name: str, letters: str) -> list[float]:
    try:
        return [float(value[letter]) for letter in letters]
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"LOAD3D_CAMERA.{name} needs numbers {', '.join(letters)}.") from error


def _xyz(vector: Tensor) -> dict[str, float]:
    return dict(zip("xyz", vector.tolist(), strict=True))


def _rotation(quaternion: list[float]) -> Tensor:
    """(3, 3) of a quaternion (x, y, z, w) of any length."""
    x, y, z, w = torch.nn.functional.normalize(
        torch.tensor(quaternion, dtype=torch.float64), dim=0
    ).tolist()
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return torch.tensor(rows, dtype=torch.float64)


def _quaternion(rotation: Tensor) -> tuple[float, float, float, float]:
    """(x, y, z, w) of a rotation: the eigenvector of Bar-Itzhack's symmetric matrix."""
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    rows = [
        [a - e - i, 0.0, 0.0, 0.0],
        [d + b, e - a - i, 0.0, 0.0],
        [g + c, h + f, i - a - e, 0.0],
        [h - f, c - g, d - b, a + e + i],
    ]
    _, vectors = torch.linalg.eigh(torch.tensor(rows, dtype=torch.float64), UPLO="L")
    best = vectors[:, -1] * (1.0 if float(vectors[3, -1]) >= 0 else -1.0)
    x, y, z, w = best.tolist()
    return x, y, z, w
