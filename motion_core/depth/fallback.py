"""Synthetic geometries to move a camera through when there is no depth."""

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

    Args:
        size: The canvas in pixels.
        distance: Depth of the wall in scene units, above 0.
        fov_deg: Horizontal field of view in degrees.

    Raises:
        ValueError: The distance is not above 0.
    """
    size, distance = checked_size(*size), _positive("distance", distance)
    z = torch.full((size.height, size.width), distance)
    return _assumed(z, size, fov_deg)


def sphere(size: Size, *, radius: float = 1.0, fov_deg: float = ASSUMED_FOV_DEG) -> DepthMap:
    """A dome about the camera: all points are equally far, so depth is less towards the edges.

    Args:
        size: The canvas in pixels.
        radius: Radius of the dome in scene units, above 0.
        fov_deg: Horizontal field of view in degrees.

    Raises:
        ValueError: The radius is not above 0.
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

    Args:
        size: The canvas in pixels.
        horizon: Height of the horizon in the picture, 0 top to 1 bottom. The camera is tilted to
            match.
        wall_foot: Where the floor meets the wall, 0 top to 1 bottom.
        eye_height: Height of the camera above the floor in scene units, above 0.
        fov_deg: Horizontal field of view in degrees.

    Raises:
        ValueError: Not horizon < wall_foot <= 1 with at least 0.001 between the two, or the eye
            height is not above 0.
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
