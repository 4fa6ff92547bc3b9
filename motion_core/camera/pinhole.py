"""The pinhole: rays through pixels, and back.

OpenCV axes, corner pixels: a camera point (X, Y, Z) lands on (fx X / Z + cx, fy Y / Z + cy).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size, checked_size

# Points nearer than this fraction of the scene's nearest depth count as behind the camera.
NEAR_SHARE = 1e-4


def pixel_centres(size: Size, device: torch.device | str = "cpu") -> Tensor:
    """(H, W, 2) float32, the centre (x, y) of every pixel."""
    size = checked_size(*size)
    x = torch.arange(size.width, dtype=torch.float32, device=device) + 0.5
    y = torch.arange(size.height, dtype=torch.float32, device=device) + 0.5
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def unproject(xy: Tensor, z: Tensor, K: Tensor) -> Tensor:
    """Lift pixels to points in the camera's frame, in the dtype of `xy`.

    Args:
        xy: (..., 2) pixels.
        z: (...) depth along the optical axis.
        K: (3, 3) intrinsics.

    Returns:
        (..., 3) camera points.

    Raises:
        ShapeError: The shapes of `xy` and `z` do not match.
    """
    if xy.shape[-1:] != (2,) or xy.shape[:-1] != z.shape:
        raise ShapeError(
            f"unproject needs xy (..., 2) and z (...) of the same points; "
            f"got {tuple(xy.shape)} and {tuple(z.shape)}."
        )
    inverse = torch.linalg.inv(K).to(xy)
    rays = xy @ inverse[:2, :2].T + inverse[:2, 2]
    return torch.cat([rays * z[..., None], z[..., None]], dim=-1)


def project(points: Tensor, K: Tensor) -> tuple[Tensor, Tensor]:
    """Project camera points to pixels.

    Args:
        points: (..., 3) camera points.
        K: (..., 3, 3), broadcast over the leading axes of `points` before the last two.

    Returns:
        Pixels (..., 2) and depth (...). Where depth is not positive the pixel has no meaning, so
        check the depth first.
    """
    z = points[..., 2]
    K = K.to(points)
    safe = torch.where(z > 0, z, torch.ones_like(z))
    rays = points[..., :2] / safe[..., None]
    return rays @ K[..., :2, :2].transpose(-1, -2) + K[..., None, :2, 2], z


def to_camera(points: Tensor, T_cam_world: Tensor) -> Tensor:
    """World points (..., N, 3) as camera points, under poses (..., 4, 4)."""
    pose = T_cam_world.to(points)
    return points @ pose[..., :3, :3].transpose(-1, -2) + pose[..., None, :3, 3]
