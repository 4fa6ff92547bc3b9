"""The pinhole: rays through pixels, and back.

OpenCV axes, corner pixels: a camera point (X, Y, Z) lands on (fx X / Z + cx, fy Y / Z + cy).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size, checked_size

FovAxis = Literal["horizontal", "vertical", "short"]

# Points nearer than this share of the scene's own depth count as behind the camera.
NEAR_SHARE = 1e-4


def intrinsics_from_fov(size: Size, fov_deg: float, *, axis: FovAxis = "horizontal") -> Tensor:
    """(3, 3) float64 intrinsics of a centred camera with square pixels.

    fov_deg: the whole angle between the picture's edges along `axis`, degrees in 0..180, both
    ends excluded. "short" measures along the smaller side.
    Raises ValueError for an angle or axis outside of that.
    """
    size = checked_size(*size)
    sides = {"horizontal": size.width, "vertical": size.height, "short": size.short_side}
    if axis not in sides:
        raise ValueError(f"fov axis must be one of {', '.join(sides)}; got {axis!r}.")
    if not (math.isfinite(fov_deg) and 0.0 < fov_deg < 180.0):
        raise ValueError(
            f"the field of view must be above 0 and below 180 degrees; got {fov_deg}. "
            "50 to 70 suits most pictures."
        )
    return make_intrinsics(size, 0.5 * sides[axis] / math.tan(math.radians(fov_deg) / 2.0))


def make_intrinsics(size: Size, focal_px: float) -> Tensor:
    """(3, 3) float64 intrinsics with one focal length in pixels and a centred optical axis.

    Raises ValueError unless the focal length is positive and finite.
    """
    size = checked_size(*size)
    if not (math.isfinite(focal_px) and focal_px > 0.0):
        raise ValueError(f"the focal length must be a positive number of pixels; got {focal_px}.")
    rows = [[focal_px, 0.0, size.width / 2], [0.0, focal_px, size.height / 2], [0.0, 0.0, 1.0]]
    return torch.tensor(rows, dtype=torch.float64)


def fov_of(K: Tensor, size: Size) -> tuple[float, float]:
    """The horizontal and vertical field of view of (3, 3) intrinsics, in degrees.

    Measured from edge to edge, so an off-centre optical axis is accounted for.
    """

    def angle(side: int, focal: float, centre: float) -> float:
        return math.degrees(math.atan(centre / focal) + math.atan((side - centre) / focal))

    size = checked_size(*size)
    fx, fy, cx, cy = (float(K[row, column]) for row, column in ((0, 0), (1, 1), (0, 2), (1, 2)))
    return angle(size.width, fx, cx), angle(size.height, fy, cy)


def scaled_intrinsics(K: Tensor, old: Size, new: Size) -> Tensor:
    """Intrinsics (..., 3, 3) of the same view on another canvas."""
    factor = K.new_tensor([new[0] / old[0], new[1] / old[1], 1.0])
    return factor[:, None] * K


def pixel_centres(size: Size, device: torch.device | str = "cpu") -> Tensor:
    """(H, W, 2) float32, the centre (x, y) of every pixel."""
    size = checked_size(*size)
    x = torch.arange(size.width, dtype=torch.float32, device=device) + 0.5
    y = torch.arange(size.height, dtype=torch.float32, device=device) + 0.5
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def unproject(xy: Tensor, z: Tensor, K: Tensor) -> Tensor:
    """Camera points (..., 3) seen at pixels `xy` (..., 2) at depth `z` (...) along the axis.

    K: (3, 3). Computed in the dtype of `xy`.
    Raises ShapeError when xy and z do not belong together.
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
    """Pixels (..., 2) and depth (...) of camera points (..., 3).

    K: (..., 3, 3), broadcast over the leading axes of `points` before the last two.
    Where depth is not positive the pixel has no meaning: ask the depth before reading it.
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
