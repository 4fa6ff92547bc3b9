"""Geometries that need no model: something plausible to move a camera through."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..geometry import Size, checked_size
from .depth_map import DepthMap
from .lens import intrinsics_from_fov
from .sources import ASSUMED_FOV_DEG


def plane(size: Size, *, distance: float = 1.0, fov_deg: float = ASSUMED_FOV_DEG) -> DepthMap:
    """A wall that faces the camera: every move is a zoom, a shift or a tilt of the picture.

    Raises ValueError unless the distance is above 0.
    """
    size, distance = checked_size(*size), _positive("distance", distance)
    z = torch.full((size.height, size.width), distance)
    return _assumed(z, size, fov_deg)


def sphere(size: Size, *, radius: float = 1.0, fov_deg: float = ASSUMED_FOV_DEG) -> DepthMap:
    """A dome about the camera: everything is equally far, and the edges come nearer in depth.

    Raises ValueError unless the radius is above 0.
    """
    size, radius = checked_size(*size), _positive("radius", radius)
    x, y = _rays(size, fov_deg)
    return _assumed(radius / torch.sqrt(x**2 + y**2 + 1.0), size, fov_deg)


def ground_and_wall(
    size: Size,
    *,
    horizon: float = 0.45,
    wall_foot: float = 0.6,
    eye_height: float = 1.0,
    fov_deg: float = ASSUMED_FOV_DEG,
) -> DepthMap:
    """A level floor that runs up to an upright wall: a street, a room, a stage.

    horizon, wall_foot: where in the picture (0 top, 1 bottom) the eye's level is and the floor
    meets the wall; the camera is tilted to match. eye_height: of the camera above the floor.
    Raises ValueError unless horizon < wall_foot <= 1 with at least a thousandth between them, and
    the eye's height is above 0.
    """
    size, eye_height = checked_size(*size), _positive("eye_height", eye_height)
    if not (math.isfinite(horizon) and horizon + 1e-3 <= wall_foot <= 1.0):
        raise ValueError(
            f"the floor needs horizon < wall_foot <= 1; got {horizon} and {wall_foot}."
        )
    focal = float(intrinsics_from_fov(size, fov_deg)[1, 1])
    tilt = math.atan((0.5 - horizon) * size.height / focal)
    foot = (wall_foot - 0.5) * size.height / focal
    x, y = _rays(size, fov_deg)
    # How far a ray of unit depth goes down towards the floor, and out towards the wall.
    down = math.sin(tilt) + y * math.cos(tilt)
    out = math.cos(tilt) - y * math.sin(tilt)
    foot_down = math.sin(tilt) + foot * math.cos(tilt)
    foot_out = math.cos(tilt) - foot * math.sin(tilt)
    wall_distance = eye_height * foot_out / foot_down
    inf = torch.full_like(y, torch.inf)
    floor = torch.where(down > 0, eye_height / down, inf)
    wall = torch.where(out > 0, wall_distance / out, inf)
    z = torch.minimum(floor, wall).expand_as(x)
    valid = torch.isfinite(z)
    return _assumed(torch.where(valid, z, torch.ones_like(z)), size, fov_deg, valid)


def _rays(size: Size, fov_deg: float) -> tuple[Tensor, Tensor]:
    """x and y (H, W) of the rays of unit depth through the pixel centres."""
    K = intrinsics_from_fov(size, fov_deg)
    x = (torch.arange(size.width) + 0.5 - size.width / 2) / float(K[0, 0])
    y = (torch.arange(size.height) + 0.5 - size.height / 2) / float(K[1, 1])
    columns, rows = torch.meshgrid(x, y, indexing="xy")
    return columns, rows


def _assumed(z: Tensor, size: Size, fov_deg: float, valid: Tensor | None = None) -> DepthMap:
    if valid is None:
        valid = torch.ones_like(z, dtype=torch.bool)
    return DepthMap(z.contiguous(), valid, intrinsics_from_fov(size, fov_deg))


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be above 0; got {value}.")
    return float(value)
