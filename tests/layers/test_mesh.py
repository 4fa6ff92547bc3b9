"""Meshes of layers: what they cover, and where places lie on them."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.errors import ShapeError
from motion_core.geometry import Size
from motion_core.layers.inverse_map import coverage_count
from motion_core.layers.mesh import TriangleMesh, doubled_areas, mesh_of, mesh_spacing
from motion_core.layers.window import Window

from .layered import disc

SIZE = Size(70, 50)


@pytest.mark.parametrize("spacing", [4.0, 5.3, 16.0, 200.0])
def test_a_mesh_covers_the_support_and_a_margin(spacing: float) -> None:
    alpha = disc(SIZE, (30, 22), 13)
    mesh = mesh_of(alpha, spacing, margin=3)
    count = coverage_count(mesh.vertices, mesh.triangles, Window(0, 0, *SIZE))
    near = disc(SIZE, (30, 22), 16) > 0.5
    assert (count[near] == 1).all() and count.max() == 1
    assert (doubled_areas(mesh.vertices, mesh.triangles) > 0).all()
    if spacing < 10:
        assert count[disc(SIZE, (30, 22), 13 + 6 + 2 * spacing) == 0].max() == 0


def test_a_mesh_of_the_whole_picture_covers_every_pixel_once() -> None:
    mesh = mesh_of(np.ones((50, 70), np.float32), 7.7, margin=0)
    assert (coverage_count(mesh.vertices, mesh.triangles, Window(0, 0, 70, 50)) == 1).all()


def test_parts_are_counted() -> None:
    apart = np.maximum(disc(SIZE, (14, 14), 6), disc(SIZE, (54, 36), 6))
    mesh = mesh_of(apart, 4.0, margin=3)
    assert mesh.components.max() == 1
    left = mesh.vertices[:, 0] < 35
    assert len(np.unique(mesh.components[left])) == 1


def test_nothing_has_no_mesh() -> None:
    mesh = mesh_of(np.zeros((20, 30), np.float32), 4.0, margin=3)
    assert len(mesh.triangles) == 0
    assert mesh.locate(np.array([[3.0, 4.0]])).inside.sum() == 0


def test_an_origin_moves_the_mesh() -> None:
    mesh = mesh_of(np.ones((10, 10), np.float32), 5.0, margin=0, origin=(-20, 35))
    assert mesh.vertices.min(axis=0).tolist() == [-20, 35]
    assert mesh.vertices.max(axis=0).tolist() == [-10, 45]


def test_places_follow_an_affine_motion_exactly() -> None:
    mesh = mesh_of(disc(SIZE, (30, 22), 13), 5.3, margin=3)
    places = np.random.default_rng(0).uniform([20, 12], [40, 32], (50, 2))
    located = mesh.locate(places)
    assert located.inside.all()
    matrix, shift = np.array([[1.2, -0.3], [0.4, 0.9]]), np.array([5.0, -7.0])
    moved = located.at(mesh.vertices @ matrix.T + shift)
    np.testing.assert_allclose(moved, places @ matrix.T + shift, atol=1e-9)


def test_a_place_outside_moves_with_the_nearest_vertex() -> None:
    mesh = mesh_of(disc(SIZE, (30, 22), 8), 4.0, margin=3)
    located = mesh.locate(np.array([[69.0, 49.0]]))
    assert not located.inside[0]
    np.testing.assert_allclose(located.at(mesh.vertices + [3, 4]), [[72, 53]], atol=1e-12)


def test_spacing_is_finer_for_small_layers_and_many_handles() -> None:
    assert mesh_spacing(1e4, 1) < mesh_spacing(1e5, 1)
    assert mesh_spacing(1e5, 400) < mesh_spacing(1e5, 1)
    assert mesh_spacing(0, 1) == mesh_spacing(10, 4096) == 4.0


def test_bad_meshes_are_refused() -> None:
    corners = np.array([[0.0, 0], [1, 0], [0, 1]])
    with pytest.raises(ValueError, match="positive area"):
        TriangleMesh(corners, np.array([[0, 2, 1]]), 1.0)
    with pytest.raises(ShapeError, match=r"\(V, 2\)"):
        TriangleMesh(np.zeros((3, 3)), np.array([[0, 1, 2]]), 1.0)
    with pytest.raises(ShapeError, match=r"\(F, 3\)"):
        TriangleMesh(corners, np.zeros((1, 4), int), 1.0)
