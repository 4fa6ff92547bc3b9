from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.document import RegionKey, RegionLayer, Timing
from motion_core.document.dots.area import PolygonArea
from motion_core.document.layers.region import expand_region
from motion_core.geometry import Size

from .drawings import BOX, WIDE


def expanded(*keys: RegionKey, frames=2, size=WIDE, mask=None, **more):
    layer = RegionLayer("r", polygon=BOX, keys=keys, **{"spacing": 0.1, **more})
    return expand_region(layer, frames=frames, size=size, mask=mask)


def test_the_lattice_of_a_box_by_hand() -> None:
    tracks = expanded(RegionKey(0.0), frames=1)
    wanted = [(x, y) for y in (25, 35, 45, 55, 65, 75) for x in (45, 55, 65, 75, 85, 95, 105, 115)]
    np.testing.assert_allclose(tracks.xy[0].numpy(), wanted, atol=1e-4)


def test_a_quarter_turn_is_clockwise_on_screen() -> None:
    tracks = expanded(RegionKey(0.0), RegionKey(1.0, rotate_deg=90), pivot=(0.2, 0.2))
    before, after = tracks.xy.numpy() - (40, 20)
    np.testing.assert_allclose(after, np.stack([-before[:, 1], before[:, 0]], axis=1), atol=1e-4)


@given(
    st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(-179, 179), st.floats(0.2, 5),
    st.one_of(st.none(), st.tuples(st.floats(0, 1), st.floats(0, 1))),
)  # fmt: skip
def test_motion_equals_complex_arithmetic(dx, dy, rotate_deg, scale, pivot) -> None:
    tracks = expanded(RegionKey(0.0), RegionKey(1.0, dx, dy, rotate_deg, scale), pivot=pivot)
    start, end = tracks.xy.double().numpy() @ np.array([1, 1j])
    middle = 80 + 50j if pivot is None else pivot[0] * 200 + pivot[1] * 100 * 1j
    factor = scale * np.exp(1j * np.radians(rotate_deg))
    wanted = middle + factor * (start - middle) + dx * 200 + dy * 100 * 1j
    np.testing.assert_allclose(end, wanted, atol=1e-3)


@pytest.mark.parametrize(
    ("polygon", "wanted"),
    [
        ([(0, 0), (90, 0), (0, 60)], (30, 20)),
        ([(0, 60), (90, 0), (0, 0)], (30, 20)),
        ([(10, 10), (50, 10), (50, 20), (20, 20), (20, 50), (10, 50)], (165 / 7, 165 / 7)),
        ([(0, 0), (10, 10), (10, 0), (0, 10)], (5, 5)),
        ([(3, 4), (3, 4), (3, 4)], (3, 4)),
    ],
)
def test_the_middle_is_the_centroid_of_the_area(polygon, wanted) -> None:
    area = PolygonArea(np.array(polygon, dtype=np.float64), WIDE)
    np.testing.assert_allclose(area.middle(), wanted, atol=1e-9)


def test_a_mask_moves_about_the_middle_of_what_is_on() -> None:
    mask = torch.zeros(100, 200)
    mask[20:40, 50:90] = 1
    keys = (RegionKey(0.0), RegionKey(1.0, rotate_deg=180))
    tracks = expanded(*keys, area="mask", mask=mask)
    before, after = tracks.xy.numpy()
    cells = np.floor(before).astype(int)
    assert (mask.numpy()[cells[:, 1], cells[:, 0]] == 1).all()
    assert len(before) == 8
    np.testing.assert_allclose(after, np.array([140, 60]) - before, atol=1e-3)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_a_mask_may_have_another_resolution(factor: int) -> None:
    small = torch.zeros(25, 50, dtype=torch.bool)
    small[5:10, 12:22] = True
    mask = small.repeat_interleave(factor, 0).repeat_interleave(factor, 1)
    tracks = expanded(RegionKey(0.0), frames=1, area="mask", mask=mask)
    np.testing.assert_allclose(
        tracks.xy[0].numpy(), [(x, y) for y in (25, 35) for x in (53, 63, 73, 83)], atol=1e-4
    )


def test_absent_before_its_window() -> None:
    timing = Timing(0.5, 1.0, "absent", "hold")
    tracks = expanded(RegionKey(0.0), RegionKey(1.0, dx=0.5), frames=5, timing=timing)
    assert tracks.visible.all(dim=1).tolist() == [False, False, True, True, True]
    assert not tracks.visible[:2].any()


def test_a_canvas_of_another_shape_keeps_turns_rigid() -> None:
    keys = (RegionKey(0.0), RegionKey(1.0, rotate_deg=37))
    xy = expanded(*keys, size=Size(300, 500)).xy.numpy()
    lengths = np.linalg.norm(xy[:, 1:] - xy[:, :-1], axis=-1)
    np.testing.assert_allclose(lengths[0], lengths[1], atol=1e-3)
