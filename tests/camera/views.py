"""Cameras for tests, built from first principles and not from the preset moves."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from motion_core.camera.camera_path import CameraPath
from motion_core.camera.pose import inverse
from motion_core.geometry import Size
from motion_core.scene.scene import MIDDLE

SIZE = Size(208, 120)


def lens(size: Size = SIZE, fov_deg: float = 60.0) -> torch.Tensor:
    focal = size.width / 2 / math.tan(math.radians(fov_deg) / 2)
    return torch.tensor(
        [[focal, 0, size.width / 2], [0, focal, size.height / 2], [0, 0, 1]], dtype=torch.float64
    )


def path_of(poses: list[torch.Tensor], size: Size = SIZE, fps: float | None = None) -> CameraPath:
    return CameraPath(torch.stack(poses), lens(size).repeat(len(poses), 1, 1), size, fps)


def moved(x: float, y: float, z: float) -> torch.Tensor:
    """T_cam_world of an unturned camera standing at (x, y, z)."""
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, 3] = torch.tensor([-x, -y, -z], dtype=torch.float64)
    return pose


def camera_centres(T_cam_world: torch.Tensor) -> torch.Tensor:
    """(..., 3) positions of the cameras in the world."""
    return inverse(T_cam_world)[..., :3, 3]


def orbit(angle_deg: float, depth: float = MIDDLE[2]) -> torch.Tensor:
    """T_cam_world of a camera that went round (0, 0, depth), seen to turn the world by angle."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    return torch.tensor(
        [[c, 0, s, -s * depth], [0, 1, 0, 0], [-s, 0, c, depth - c * depth], [0, 0, 0, 1]],
        dtype=torch.float64,
    )


def steps(move: Callable[[float], torch.Tensor], most: float, count: int) -> list[torch.Tensor]:
    return [move(most * i / max(count - 1, 1)) for i in range(count)]


VIEWS: dict[str, list[torch.Tensor]] = {
    "orbit left": steps(orbit, 30.0, 4),
    "orbit right": steps(orbit, -30.0, 4),
    "dolly in": steps(lambda u: moved(0, 0, u), 2.0, 4),
    "dolly out": steps(lambda u: moved(0, 0, u), -2.0, 4),
    "truck": steps(lambda u: moved(u, 0, 0), 1.5, 4),
}
