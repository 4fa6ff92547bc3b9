from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motion_core.document import Brush, DragLayer, Timing, sample_path
from motion_core.document.layers.drag import brush_offsets, expand_drag, pull_weights
from motion_core.geometry import Size

from .drawings import WIDE, brushes, line, paths


def expanded(layer: DragLayer, frames: int = 5, size: Size = WIDE) -> tuple[np.ndarray, np.ndarray]:
    tracks = expand_drag(layer, frames=frames, size=size, drawn_on=WIDE)
    return tracks.xy.numpy(), tracks.visible.numpy()


def test_round_brush_is_the_lattice_one_would_draw_by_hand() -> None:
    layer = DragLayer("a", path=line((0.25, 0.5)), brush=Brush(0.1, 0.05))
    xy, _ = expanded(layer, frames=1)
    by_hand = [(50, 40)]
    by_hand += [(45, 45), (50, 45), (55, 45)]
    by_hand += [(40, 50), (45, 50), (50, 50), (55, 50), (60, 50)]
    by_hand += [(45, 55), (50, 55), (55, 55)]
    by_hand += [(50, 60)]
    np.testing.assert_allclose(xy[0], by_hand, atol=1e-5)


def test_square_brush_reaches_into_its_corners() -> None:
    brush = Brush(0.1, 0.05, "square")
    wanted = [(x, y) for y in (-0.1, -0.05, 0, 0.05, 0.1) for x in (-0.1, -0.05, 0, 0.05, 0.1)]
    np.testing.assert_allclose(brush_offsets(brush), wanted, atol=1e-12)


@pytest.mark.parametrize("times", range(1, 40))
def test_a_radius_of_whole_spacings_is_reached_despite_rounding(times: int) -> None:
    spacing = 0.013
    assert brush_offsets(Brush(times * spacing, spacing, "square")).shape[0] == (2 * times + 1) ** 2


def test_radius_zero_is_a_single_track_on_the_pointer() -> None:
    layer = DragLayer("a", path=line((0.1, 0.2), (0.9, 0.6)), brush=Brush(0.0, 0.02, "square"))
    xy, visible = expanded(layer, frames=3)
    np.testing.assert_allclose(xy[:, 0], [(20, 20), (100, 40), (180, 60)], atol=1e-4)
    assert xy.shape == (3, 1, 2) and visible.all()


def test_a_rigid_brush_keeps_its_shape() -> None:
    layer = DragLayer("a", path=line((0.2, 0.2), (0.8, 0.6)), brush=Brush(0.1, 0.03))
    xy, _ = expanded(layer, frames=4)
    shift = np.linspace((0, 0), (120, 40), 4)
    np.testing.assert_allclose(xy, xy[:1] + shift[:, None], atol=1e-4)


def test_gaussian_falloff_is_the_published_bell() -> None:
    brush = Brush(0.1, 0.05, "square", "gaussian")
    layer = DragLayer("a", path=line((0.2, 0.2), (0.6, 0.2)), brush=brush)
    xy, _ = expanded(layer, frames=2)
    moved = xy[1] - xy[0]
    sigma = 5.0
    for start, step in zip(xy[0] - (40, 20), moved, strict=True):
        share = math.exp(-(start[0] ** 2 + start[1] ** 2) / (2 * sigma**2))
        assert step == pytest.approx((80 * share, 0), abs=1e-4)
    assert pull_weights(brush, np.zeros((1, 2))) == [1.0]


@given(paths, brushes, st.integers(1, 9))
def test_the_middle_dot_is_the_pointer(path, brush, frames) -> None:
    layer = DragLayer("a", path=path, brush=brush)
    xy, visible = expanded(layer, frames)
    pointer = sample_path(path, frames=frames, size=WIDE, drawn_on=WIDE)
    np.testing.assert_allclose(xy[:, xy.shape[1] // 2], pointer.xy, atol=1e-4)
    assert (visible == pointer.present[:, None]).all()


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("hold", "hold", [1, 1, 1, 1, 1]),
        ("absent", "hold", [0, 1, 1, 1, 1]),
        ("hold", "absent", [1, 1, 1, 0, 0]),
        ("absent", "absent", [0, 1, 1, 0, 0]),
    ],
)
def test_dots_persist_or_are_absent_outside_the_window(before, after, wanted) -> None:
    timing = Timing(0.25, 0.5, before, after)
    path = line((0.1, 0.5), (0.5, 0.5), timing=timing)
    xy, visible = expanded(DragLayer("a", path=path, brush=Brush(0.05, 0.05)))
    assert visible.astype(int).tolist() == [[present] * 5 for present in wanted]
    if before == after == "hold":
        np.testing.assert_allclose(xy[:, 2, 0], [20, 20, 100, 100, 100], atol=1e-4)
