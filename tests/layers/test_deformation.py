"""The deformation of a mesh by handles: exact where it must be, and never folded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motion_core.fields.arrays import FloatArray
from motion_core.geometry import Size
from motion_core.layers.arap import RigidEnergy
from motion_core.layers.deformation import Deformation, Prior, deform
from motion_core.layers.folding import farthest_part, folded, unfolded
from motion_core.layers.handles import Handles, handles_of, similarities
from motion_core.layers.mesh import doubled_areas, mesh_of, mesh_spacing
from motion_core.tracks import make_tracks

from .layered import disc, even_handles, paths

SIZE = Size(200, 160)
ALPHA = disc(SIZE, (100, 80), 50)
RADIUS = 50.0
MESH = mesh_of(ALPHA, mesh_spacing(float(ALPHA.sum()), 4), margin=3)
RING = np.array([[65.0, 80], [135, 80], [100, 45], [100, 115]])


def moved(handles: Handles, mesh=MESH) -> Deformation:
    result = deform(mesh, handles, RADIUS)
    assert (doubled_areas(result.positions, mesh.triangles) > 0).all(), "no triangle ever flips"
    return result


def rotation(degrees: float) -> FloatArray:
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def turned(points: FloatArray, degrees: float, size: float = 1.0) -> FloatArray:
    return (points - [100, 80]) @ (size * rotation(degrees)).T + [100, 80]


# Exact motions


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_translation_is_exact(count: int) -> None:
    start = RING[:count]
    result = moved(even_handles(start, start + [33.25, -7.5]))
    part = np.linspace(0, 1, 5)[:, None, None]
    np.testing.assert_allclose(result.positions, MESH.vertices + part * [33.25, -7.5], atol=1e-3)
    assert (result.relaxed == 1).all() and (result.backed_off == 0).all()


@pytest.mark.parametrize("degrees", [15, 90, 170])
def test_a_rotation_is_recovered(degrees: float) -> None:
    angles = np.linspace(0, degrees, 9)
    xy = np.stack([turned(RING, angle) for angle in angles])
    handles = Handles(RING, xy, np.ones((9, 4), bool), np.ones(4), np.arange(4))
    result = moved(handles)
    for frame, angle in enumerate(angles):
        wanted = turned(MESH.vertices, angle)
        assert np.abs(result.positions[frame] - wanted).max() < 0.2


def test_a_change_of_size_that_four_handles_show_is_followed() -> None:
    result = moved(even_handles(RING, turned(RING, 0, 1.4)))
    np.testing.assert_allclose(result.positions[-1], turned(MESH.vertices, 0, 1.4), atol=0.3)


def test_two_handles_change_the_size_less_than_they_say() -> None:
    pair = RING[:2]
    result = moved(even_handles(pair, turned(pair, 0, 1.4)))
    area = doubled_areas(result.positions[-1], MESH.triangles) / doubled_areas(
        MESH.vertices, MESH.triangles
    )
    assert 1.05 < np.median(area) < 1.4**2
    assert result.residual.max() < 0.5, "the handles themselves are met"


def test_handles_close_together_do_not_turn_a_large_layer() -> None:
    pair = np.array([[100.0, 80], [101, 80]])
    result = moved(even_handles(pair, pair + [[0, 0.5], [0, -0.5]]))
    assert np.abs(result.positions[-1] - MESH.vertices).max() < 5


# Bending


def test_a_pinned_end_and_a_dragged_end_bend_smoothly() -> None:
    long = np.zeros((300, 120), np.float32)
    long[20:280, 40:80] = 1
    mesh = mesh_of(long, 6.0, margin=3)
    start = np.array([[50.0, 270], [70, 270], [60, 30]])
    result = deform(mesh, even_handles(start, start + [[0, 0], [0, 0], [40, 8]]), 58.0)
    last = result.positions[-1]
    assert result.residual.max() < 0.5
    foot = mesh.vertices[:, 1] > 260
    assert np.abs(last - mesh.vertices)[foot].max() < 2
    # In between the sideways shift grows evenly: no joint breaks, no part stays behind.
    rows = [np.abs(mesh.vertices[:, 1] - y) < 4 for y in (230, 180, 130, 80, 40)]
    shifts = [float((last - mesh.vertices)[row, 0].mean()) for row in rows]
    assert all(low < high for low, high in zip(shifts, shifts[1:], strict=False))
    area = doubled_areas(last, mesh.triangles) / doubled_areas(mesh.vertices, mesh.triangles)
    assert area.min() > 0.7 and area.max() < 1.4


def test_many_handles_of_a_bent_motion_are_met_within_a_fraction_of_a_pixel() -> None:
    random = np.random.default_rng(0)
    start = random.uniform([60, 40], [140, 120], (300, 2))
    end = start + 6 * np.stack([np.sin(start[:, 1] / 25), np.cos(start[:, 0] / 30)], axis=1)
    mesh = mesh_of(ALPHA, mesh_spacing(float(ALPHA.sum()), 300), margin=3)
    result = moved(even_handles(start, end), mesh)
    assert np.median(result.residual[-1]) < 0.1 and result.residual.max() < 0.6


def test_an_outlier_among_many_does_not_pull_the_layer() -> None:
    start = np.random.default_rng(1).uniform([70, 50], [130, 110], (40, 2))
    end = start + [12, 5]
    end[7] += [60, -40]
    result = moved(even_handles(start, end))
    off = np.linalg.norm(result.positions[-1] - MESH.vertices - [12, 5], axis=1)
    assert np.median(off) < 0.2 and np.quantile(off, 0.95) < 3
    assert result.residual[-1, 7] > 40


def test_noise_is_not_amplified() -> None:
    random = np.random.default_rng(2)
    start = random.uniform([60, 40], [140, 120], (60, 2))
    noise = random.normal(0, 0.3, start.shape)
    result = moved(even_handles(start, start + [10, 0] + noise))
    off = np.linalg.norm(result.positions[-1] - MESH.vertices - [10, 0], axis=1)
    inside = np.hypot(*(MESH.vertices - [100, 80]).T) < 40
    assert off[inside].mean() < 0.4


# Folds


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from([1, 2, 3, 7, 40, 200]),
    st.sampled_from([3.0, 40.0, 400.0, 1e5]),
)
def test_hostile_handles_never_fold_the_mesh(seed: int, count: int, reach: float) -> None:
    random = np.random.default_rng(seed)
    start = random.uniform([40, 20], [160, 140], (count, 2))
    xy = start + random.normal(0, reach, (4, count, 2)) * np.arange(4)[:, None, None] / 3
    visible = random.random((4, count)) > 0.2
    handles = Handles(start, xy, visible, np.ones(count), np.arange(count))
    result = moved(handles)
    assert np.isfinite(result.positions).all()


def test_handles_that_change_places_are_relaxed_and_reported() -> None:
    start = np.array([[100.0, 70], [100, 90], [70, 80], [130, 80]])
    end = np.array([[100.0, 100], [100, 60], [70, 80], [130, 80]])
    result = moved(even_handles(start, end))
    assert result.relaxed.min() < 1 or result.backed_off.max() > 0
    assert result.residual.max() > 5


def test_the_farthest_valid_point_is_found() -> None:
    corners = np.array([[0.0, 0], [10, 0], [0, 10]])
    triangle = np.array([[0, 1, 2]])
    wanted = corners + [[0, 0], [-20, 0], [0, 0]]
    assert folded(wanted, corners, triangle).all()
    # The area falls evenly from 1 to -1: a twentieth of it is left at 0.475 of the way.
    assert farthest_part(wanted, corners, triangle) == pytest.approx(0.475)
    safe = unfolded(wanted, corners, triangle)
    assert not folded(safe, corners, triangle).any() and safe[1, 0] == pytest.approx(0.5, abs=0.2)
    assert (unfolded(corners + 3, corners, triangle) == corners + 3).all()


# Time


def test_a_layer_whose_handles_rest_rests_exactly() -> None:
    result = moved(even_handles(RING, RING))
    assert not result.moves and (result.positions == MESH.vertices).all()
    empty = RING[:0]
    assert not moved(even_handles(empty, empty)).moves


def test_hidden_handles_have_no_weight() -> None:
    handles = even_handles(RING, RING + [20, 0])
    wrong = handles.xy.copy()
    wrong[:, 3] += [0, 90]
    visible = handles.visible.copy()
    visible[:, 3] = False
    hidden = Handles(RING, wrong, visible, handles.weight, handles.index)
    np.testing.assert_allclose(moved(hidden).positions[-1], MESH.vertices + [20, 0], atol=1e-3)


def test_frames_without_a_handle_are_interpolated_and_the_last_position_is_held() -> None:
    handles = even_handles(RING, RING + [40, 0], frames=9)
    visible = handles.visible.copy()
    visible[2:5] = False
    visible[7:] = False
    wrong = np.where(visible[..., None], handles.xy, 1e3)
    result = moved(Handles(RING, wrong, visible, handles.weight, handles.index))
    shift = (result.positions - MESH.vertices)[..., 0].mean(axis=1)
    np.testing.assert_allclose(shift, [0, 5, 10, 15, 20, 25, 30, 30, 30], atol=1e-3)


def test_a_late_track_starts_where_the_layer_was_in_the_picture() -> None:
    tracks = paths([[60, 80], [140, 80], [100, 40]], [[90, 80], [170, 80], [130, 40]], SIZE)
    late = torch.tensor([[0.0, 0], [0, 0], [115, 110], [122.5, 110], [130, 110]])
    xy = torch.cat([tracks.xy, late[:, None]], dim=1)
    visible = torch.ones(5, 4, dtype=torch.bool)
    visible[:2, 3] = False
    handles = handles_of(make_tracks(xy, SIZE, visible=visible), np.arange(4), RADIUS)
    np.testing.assert_allclose(handles.start[3], [100, 110], atol=1e-3)
    assert handles.weight[3] < 1 == handles.weight[0]
    alone = handles_of(make_tracks(xy, SIZE, visible=visible), np.array([3]), RADIUS)
    np.testing.assert_allclose(alone.start[0], [115, 110])


# The prior


def test_a_prior_moves_what_no_handle_holds() -> None:
    apart = np.maximum(disc(SIZE, (40, 80), 20), disc(SIZE, (160, 80), 20))
    mesh = mesh_of(apart, 5.0, margin=3)
    right = mesh.vertices[:, 0] > 100
    start = np.array([[40.0, 80]])
    handles = even_handles(start, start + [10, 0])
    alone = deform(mesh, handles, 28.0)
    assert np.abs(alone.positions[-1] - mesh.vertices - [10, 0]).max() < 1e-3
    wanted = np.tile(mesh.vertices, (5, 1, 1))
    wanted[:, right] += np.linspace(0, 1, 5)[:, None, None] * [0, 16]
    weight = np.where(right, 0.5, 0.0)
    guided = deform(mesh, handles, 28.0, prior=Prior(wanted, weight))
    shift = guided.positions[-1] - mesh.vertices
    np.testing.assert_allclose(shift[right].mean(axis=0), [0, 16], atol=0.5)
    np.testing.assert_allclose(shift[~right].mean(axis=0), [10, 0], atol=0.5)


# The parts it is made of


def test_the_energy_vanishes_for_rotations_alone() -> None:
    energy = RigidEnergy(MESH, bend_px=10.0)
    rest = MESH.vertices @ [1, 1j]
    turn = np.exp(0.7j)
    rotations = energy.rotations((turn * rest + 5)[:, None], np.ones(1))
    np.testing.assert_allclose(rotations, np.full_like(rotations, turn), atol=1e-9)
    np.testing.assert_allclose(
        energy.laplacian @ (turn * rest), energy.divergence @ rotations[:, 0], atol=1e-8
    )
    constant = np.ones(len(rest))
    np.testing.assert_allclose(energy.laplacian @ constant, 0, atol=1e-9)


def test_similarities_match_umeyamas_closed_form() -> None:
    random = np.random.default_rng(3)
    start = random.uniform(0, 100, (6, 2))
    end = turned(start, 25, 1.1) + [4, 2] + random.normal(0, 1, start.shape)
    handles = Handles(
        start, np.stack([start, end]), np.ones((2, 6), bool), np.ones(6), np.arange(6)
    )
    found = similarities(handles, radius=1.0)
    first, second = start - start.mean(0), end - end.mean(0)
    left, values, right = np.linalg.svd(second.T @ first)
    scale = values.sum() / (first**2).sum()
    matrix = np.array(
        [[found.turn[1].real, -found.turn[1].imag], [found.turn[1].imag, found.turn[1].real]]
    )
    np.testing.assert_allclose(matrix, scale * left @ right, atol=2e-3)


def test_work_can_be_stopped() -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        deform(MESH, even_handles(RING, RING + 5), RADIUS, tick=stop)
