"""Fallback geometries against the rooms they claim to be."""

from __future__ import annotations

import math

import pytest
import torch

from motion_core.depth.depth_map import DepthMap
from motion_core.depth.fallback import ground_and_wall, plane, sphere
from motion_core.geometry import Size

SIZE = Size(160, 90)


def points(depth: DepthMap) -> torch.Tensor:
    """(H, W, 3) camera points, by the pinhole written out."""
    x = (torch.arange(SIZE.width) + 0.5 - SIZE.width / 2) / float(depth.K[0, 0])
    y = (torch.arange(SIZE.height) + 0.5 - SIZE.height / 2) / float(depth.K[1, 1])
    rays = torch.stack(torch.broadcast_tensors(x, y[:, None], torch.ones(())), dim=-1)
    return rays * depth.z[..., None]


def test_a_plane_is_flat() -> None:
    assert torch.equal(plane(SIZE, distance=3.0).z, torch.full((90, 160), 3.0))


def test_a_dome_is_equally_far_everywhere() -> None:
    away = points(sphere(SIZE, radius=4.0, fov_deg=80.0)).norm(dim=-1)
    assert torch.allclose(away, torch.full_like(away, 4.0), rtol=1e-5)


@pytest.mark.parametrize(("horizon", "foot"), [(0.5, 0.7), (0.3, 0.55), (0.65, 0.9), (-0.2, 0.4)])
def test_floor_and_wall_stand_at_right_angles_where_the_picture_says(horizon, foot) -> None:
    depth = ground_and_wall(SIZE, horizon=horizon, wall_foot=foot, eye_height=1.5)
    assert depth.valid.all()
    cloud, last = points(depth), int(foot * SIZE.height)
    floor, wall = cloud[last + 1 :].reshape(-1, 3), cloud[: last - 1].reshape(-1, 3)
    normals = []
    for part, away in ((floor, 1.5), (wall, None)):
        normal = torch.linalg.svd(part - part.mean(dim=0), full_matrices=False).Vh[-1]
        reach = part @ normal
        assert float(reach.std()) < 1e-3 * float(reach.abs().mean())
        if away is not None:
            assert float(reach.abs().mean()) == pytest.approx(away, rel=1e-3)
        normals.append(normal)
    assert abs(float(normals[0] @ normals[1])) < 1e-3
    # The floor's own horizon: where its plane vanishes.
    down = normals[0] * torch.sign(normals[0][1])
    slope = -down[2] / down[1]
    row = 45 + float(depth.K[1, 1]) * float(slope)
    assert row / SIZE.height == pytest.approx(horizon, abs=2e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plane(SIZE, distance=0.0), "distance must be above 0"),
        (lambda: sphere(SIZE, radius=math.nan), "radius must be above 0"),
        (lambda: ground_and_wall(SIZE, eye_height=-1.0), "eye_height"),
        (lambda: ground_and_wall(SIZE, horizon=0.6, wall_foot=0.6), "horizon < wall_foot"),
        (lambda: ground_and_wall(SIZE, wall_foot=1.2), "wall_foot <= 1"),
        (lambda: plane(SIZE, fov_deg=180.0), "field of view"),
        (lambda: plane(Size(0, 4)), "canvas width"),
    ],
)
def test_impossible_rooms_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
