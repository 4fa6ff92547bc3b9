"""Shapes against the equations of their surfaces."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.scene.shapes import Box, Plane, Shape, Sphere

SHAPES: list[Shape] = [Plane(), Sphere(1.3), Box((0.5, 1.0, 2.0))]
number = st.floats(-4.0, 4.0)


def distance(shape: Shape, point: torch.Tensor) -> torch.Tensor:
    """Signed distance-like value, zero on the surface, negative inside."""
    if isinstance(shape, Plane):
        return -point[:, 1]
    if isinstance(shape, Sphere):
        return point.norm(dim=1) - 1.3
    return (point.abs() / torch.tensor([0.5, 1.0, 2.0]).double()).amax(dim=1) - 1.0


@pytest.mark.parametrize("shape", SHAPES)
@given(st.tuples(number, number, number), st.tuples(number, number, number))
def test_the_hit_is_the_first_point_of_the_surface(shape: Shape, origin, direction) -> None:
    if math.hypot(*direction) < 0.1 or abs(direction[1]) < 1e-3:
        return
    o, d = torch.tensor([origin]).double(), torch.tensor([direction]).double()
    t = shape.hit(o, d)
    far = 60.0 if not torch.isfinite(t) else float(t) * (1 - 1e-6)
    steps = torch.linspace(0, 1, 4001, dtype=torch.float64)[1:] * far
    way = distance(shape, o + steps[:, None] * d)
    margin = 1e-6
    assert not ((way[:-1] > margin) & (way[1:] < -margin)).any(), "entered before the hit"
    assert not ((way[:-1] < -margin) & (way[1:] > margin)).any(), "left before the hit"
    if torch.isfinite(t):
        assert abs(float(distance(shape, o + t[:, None] * d))) < 1e-6


@pytest.mark.parametrize("shape", SHAPES)
def test_normals_point_where_the_distance_grows(shape: Shape) -> None:
    generator = torch.Generator().manual_seed(0)
    origin = torch.randn(200, 3, generator=generator, dtype=torch.float64) * 5
    origin[:, 1] = -origin[:, 1].abs() - 1.5
    aim = -origin
    t = shape.hit(origin, aim)
    points = (origin + t[:, None] * aim)[torch.isfinite(t)]
    normal = shape.normal(points)
    assert len(points) > 150
    assert torch.allclose(normal.norm(dim=1), torch.ones(len(points)).double())
    outside = distance(shape, points + 1e-4 * normal)
    inside = distance(shape, points - 1e-4 * normal)
    assert bool((outside > inside).all())


def test_rays_that_leave_or_pass_by_miss() -> None:
    for shape in SHAPES:
        origin = torch.tensor([[0.0, -9.0, 0.0], [9.0, -9.0, 0.0]]).double()
        direction = torch.tensor([[0.0, -1.0, 0.0], [0.0, -1.0, 0.1]]).double()
        assert torch.isinf(shape.hit(origin, direction)).all()
