"""The rasteriser against its definition, and against cracks."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.layers.inverse_map import coverage_count, inverse_map
from motion_core.layers.mesh import doubled_areas, mesh_of
from motion_core.layers.reference import inverse_map_reference
from motion_core.layers.window import Window

WHOLE = np.ones((24, 30), np.float32)


def moved_mesh(seed: int, jitter: float, spacing: float = 6.0):
    mesh = mesh_of(WHOLE, spacing, margin=0)
    noise = np.random.default_rng(seed).normal(0, jitter, mesh.vertices.shape)
    return mesh, mesh.vertices + noise


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.7, 3.0]), st.integers(-6, 6))
def test_it_equals_the_reference(seed: int, jitter: float, left: int) -> None:
    mesh, positions = moved_mesh(seed, jitter)
    # On a lattice of halves, edges pass through pixel centres.
    positions = np.round(positions * 2) / 2 if seed % 2 else positions
    window = Window(left, -2, 28, 30)
    source, triangle = inverse_map(positions, mesh.vertices, mesh.triangles, window)
    wanted, count = inverse_map_reference(positions, mesh.vertices, mesh.triangles, window)
    assert ((triangle >= 0) == (count > 0)).all()
    assert (coverage_count(positions, mesh.triangles, window) == count).all()
    area = doubled_areas(positions, mesh.triangles)
    wide = np.append(np.abs(area) > 1, False)[triangle]
    np.testing.assert_allclose(source[wide], wanted[wide], atol=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.sampled_from([3.1, 4.0, 6.0]))
def test_a_mesh_without_folds_has_no_cracks_and_no_overlap(
    seed: int, on_centres: bool, spacing: float
) -> None:
    mesh, positions = moved_mesh(seed, 0.12 * spacing, spacing)
    if on_centres:
        positions = np.round(positions * 2) / 2
    if doubled_areas(positions, mesh.triangles).min() <= 0:
        return
    # All outer vertices are outside of this window, whatever the jitter.
    inner = Window(4, 4, 20, 15)
    assert (coverage_count(positions, mesh.triangles, inner) == 1).all()


def test_at_rest_every_pixel_comes_from_itself() -> None:
    mesh = mesh_of(WHOLE, 6.3, margin=2)
    source, triangle = inverse_map(
        mesh.vertices, mesh.vertices, mesh.triangles, Window(0, 0, 30, 24)
    )
    x, y = np.meshgrid(np.arange(30) + 0.5, np.arange(24) + 0.5)
    np.testing.assert_allclose(source, np.stack([x, y], -1), atol=1e-5)
    assert (triangle >= 0).all()


def test_an_affine_motion_is_inverted() -> None:
    mesh = mesh_of(WHOLE, 5.0, margin=0)
    matrix, shift = np.array([[1.1, -0.4], [0.3, 0.9]]), np.array([4.0, 1.5])
    positions = mesh.vertices @ matrix.T + shift
    source, triangle = inverse_map(positions, mesh.vertices, mesh.triangles, Window(0, 0, 40, 40))
    x, y = np.meshgrid(np.arange(40) + 0.5, np.arange(40) + 0.5)
    wanted = (np.stack([x, y], -1) - shift) @ np.linalg.inv(matrix).T
    covered = triangle >= 0
    assert covered.sum() > 300
    np.testing.assert_allclose(source[covered], wanted[covered], atol=1e-4)


def test_pixels_outside_and_far_away_cost_nothing() -> None:
    mesh, _ = moved_mesh(0, 0)
    far = mesh.vertices * 1e6 - 1e8
    source, triangle = inverse_map(far, mesh.vertices, mesh.triangles, Window(0, 0, 30, 24))
    assert source.shape == (24, 30, 2)
    empty = mesh.triangles[:0]
    _, triangle = inverse_map(far, mesh.vertices, empty, Window(0, 0, 30, 24))
    assert (triangle == -1).all()
