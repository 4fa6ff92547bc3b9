from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from motion_core.document import SphereLayer, Timing, sample_path
from motion_core.document.layers.sphere import (
    directions_under,
    expand_sphere,
    sphere_points,
    turns_between,
)
from motion_core.geometry import Size

from .drawings import line

SQUARE = Size(1000, 1000)
CENTER, RADIUS = np.array([500.0, 500.0]), 200.0
ball_points = st.tuples(st.floats(-1, 1), st.floats(-1, 1)).filter(lambda p: np.hypot(*p) < 0.999)


def expanded(*spots, frames=9, spacing=0.03, size=SQUARE, timing=None):
    """A ball of radius 200 in the middle, grabbed and dragged over `spots` (in radii)."""
    path = line(*(tuple(0.5 + 0.2 * np.array(spot)) for spot in spots), timing=timing)
    layer = SphereLayer("ball", radius=0.2, path=path, spacing=spacing)
    tracks = expand_sphere(layer, frames=frames, size=size, drawn_on=SQUARE)
    return tracks, sample_path(path, frames=frames, size=size, drawn_on=SQUARE)


def lifted(flat: np.ndarray) -> np.ndarray:
    return np.append(flat, np.sqrt(1 - flat @ flat))


@given(ball_points, ball_points)
def test_turns_equal_an_independent_rotation(start, end) -> None:
    a, b = lifted(np.array(start)), lifted(np.array(end))
    axis, angle = np.cross(a, b), np.arccos(np.clip(a @ b, -1, 1))
    if np.linalg.norm(axis) < 1e-6:
        return
    wanted = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle).as_matrix()
    under = directions_under(np.array([start, end]), np.zeros(2), 1.0)
    np.testing.assert_allclose(turns_between(under[0], under)[1], wanted, atol=1e-6)


@given(ball_points, ball_points, ball_points)
def test_the_grabbed_point_follows_the_pointer(first, second, third) -> None:
    tracks, pointer = expanded(first, second, third)
    np.testing.assert_allclose(tracks.xy[:, 0].numpy(), pointer.xy, atol=1e-3)
    assert tracks.visible[:, 0].all()


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=1, max_size=3))
def test_a_pointer_beside_the_ball_acts_on_its_rim(spots) -> None:
    tracks, pointer = expanded(*spots)
    away = pointer.xy - CENTER
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    wanted = CENTER + away * np.minimum(1.0, RADIUS / np.maximum(distance, 1e-9))
    np.testing.assert_allclose(tracks.xy[:, 0].numpy(), wanted, atol=1e-3)
    assert tracks.visible[:, 0].all()


def test_every_dot_keeps_its_distance_from_the_axis_plane() -> None:
    """Under a turn about one axis a dot's component along that axis stays: circles, not spirals."""
    start, end = np.array([-0.3, 0.2]), np.array([0.6, -0.4])
    tracks, _ = expanded(start, end, frames=7, spacing=0.02)
    axis = np.cross(lifted(start), lifted(end))
    axis /= np.linalg.norm(axis)
    flat = (tracks.xy.numpy() - CENTER) / RADIUS
    height = np.sqrt(np.maximum(0, 1 - (flat**2).sum(-1)))
    visible = tracks.visible.numpy()
    along = np.concatenate([flat, height[..., None]], axis=-1) @ axis
    # The straight pointer line is not a great circle, so only its two ends share one axis.
    both = visible[0] & visible[-1]
    assert both.sum() > 100
    np.testing.assert_allclose(along[-1][both], along[0][both], atol=1e-3)
    assert np.abs(flat[-1][both] - flat[0][both]).max() > 0.3


def test_a_grab_at_the_middle_moves_dots_along_great_circles() -> None:
    """From the nearest point the axis lies in the screen: dots on it move straight outwards."""
    tracks, _ = expanded((0, 0), (0.5, 0), frames=5, spacing=0.02)
    xy = tracks.xy.numpy() - CENTER
    np.testing.assert_allclose(xy[:, :, 1], np.broadcast_to(xy[:1, :, 1], xy.shape[:2]), atol=1e-3)


def test_a_quarter_turn_by_hand() -> None:
    under = directions_under(np.array([[0.0, 0.0], [5.0, 0.0]]), np.zeros(2), 1.0)
    turn = turns_between(under[0], under)[1]
    np.testing.assert_allclose(turn, [[0, 0, 1], [0, 1, 0], [-1, 0, 0]], atol=1e-12)


def test_dots_that_turn_away_become_invisible_and_stay_on_the_ball() -> None:
    tracks, _ = expanded((-0.9, 0.0), (0.9, 0.0), frames=9, spacing=0.02)
    shares = tracks.visible.float().mean(dim=1).tolist()
    assert shares[0] == 1.0
    assert all(later < earlier for earlier, later in zip(shares, shares[1:], strict=False))
    angle = 2 * np.arcsin(0.9)
    # The lune that stays in front after a turn by `angle` is (pi - angle) / pi of the half ball.
    assert shares[-1] == pytest.approx((np.pi - angle) / np.pi, abs=0.01)
    assert np.linalg.norm(tracks.xy.numpy() - CENTER, axis=-1).max() <= RADIUS + 1e-3


def test_a_pointer_that_does_not_move_turns_nothing() -> None:
    tracks, _ = expanded((0.3, 0.3), (0.3, 0.3), frames=4)
    assert (tracks.xy == tracks.xy[:1]).all() and tracks.visible.all()


@pytest.mark.parametrize("angle_deg", range(0, 360, 30))
def test_the_opposite_rim_is_reached_over_the_front(angle_deg: float) -> None:
    rim = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
    under = directions_under(np.array([rim, -rim]) * 3, np.zeros(2), 1.0)
    turn = turns_between(under[0], under)[1]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(turn @ under[0], under[1], atol=1e-12)
    # Half of the same turn brings the grabbed rim to the point nearest to the viewer.
    nearly = directions_under(np.array([rim * 3, -rim * 1e-9]), np.zeros(2), 1.0)
    half = turns_between(nearly[0], nearly)[1]
    np.testing.assert_allclose(half @ half, turn, atol=1e-6)


def test_dots_are_spread_evenly_over_the_near_half() -> None:
    radius, spacing = 0.2, 0.01
    points = sphere_points(radius, spacing)
    assert len(points) == round(2 * np.pi * 400)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-12)
    assert (points[:, 2] > 0).all()
    nearest = cKDTree(points * radius).query(points * radius, k=2)[0][:, 1]
    assert nearest.min() > 0.75 * spacing and nearest.max() < 1.25 * spacing
    # Archimedes: equal slices of height hold equal area, so equally many dots.
    counts = np.histogram(points[:, 2], bins=8, range=(0, 1))[0]
    assert counts.max() - counts.min() <= 1


def test_a_spacing_beyond_the_ball_leaves_the_grabbed_point() -> None:
    tracks, _ = expanded((0.1, 0.1), (0.2, 0.2), spacing=2.0)
    assert tracks.num_points == 1


def test_absent_frames_show_nothing() -> None:
    timing = Timing(0.25, 0.5, "absent", "absent")
    tracks, _ = expanded((0, 0), (0.1, 0), frames=5, timing=timing)
    assert tracks.visible.any(dim=1).tolist() == [False, True, True, False, False]
    assert tracks.visible[1].all()
