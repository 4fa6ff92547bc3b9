from __future__ import annotations

import itertools
import zlib

import numpy as np
import pytest
import torch

from motion_core.document import (
    Brush,
    DragLayer,
    PinLayer,
    RegionKey,
    RegionLayer,
    SphereLayer,
    Timing,
)
from motion_core.document.layers.pin import expand_pin
from motion_core.expand import expand_document
from motion_core.tracks import select_ids

from .drawings import BOX, WIDE, document, line

BACKGROUND = PinLayer("back", area="background", spacing=0.1)


def pins_under(layer: PinLayer, *movers, frames: int = 5, mask=None):
    """What one pin layer adds to a document of moving layers."""
    whole = expand_document(document(*movers, layer), WIDE, frames, mask=mask)
    first = zlib.crc32(layer.id.encode()) << 20
    ids = whole.ids[(whole.ids >= first) & (whole.ids < first + (1 << 20))]
    return select_ids(whole, ids)


def test_points_come_first_and_stay() -> None:
    layer = PinLayer("p", polygon=BOX, points=((0.1, 0.3), (0.9, 0.5)), spacing=0.1)
    tracks = expand_pin(layer, frames=3, size=WIDE)
    np.testing.assert_allclose(tracks.xy[0, :2].numpy(), [(20, 30), (180, 50)], atol=1e-4)
    assert tracks.num_points == 2 + 48
    assert (tracks.xy == tracks.xy[:1]).all() and tracks.visible.all()


def test_background_is_the_lattice_by_hand() -> None:
    xy = expand_pin(BACKGROUND, frames=1, size=WIDE).xy[0].numpy()
    wanted = [(x, y) for y in range(5, 100, 10) for x in range(5, 200, 10)]
    np.testing.assert_allclose(xy, wanted, atol=1e-4)


def test_mask_pins_lie_on_the_mask() -> None:
    mask = torch.zeros(100, 200)
    mask[:50, :60] = 0.9
    tracks = expand_pin(PinLayer("p", area="mask", spacing=0.1), frames=1, size=WIDE, mask=mask)
    wanted = [(x, y) for y in range(5, 50, 10) for x in range(5, 60, 10)]
    np.testing.assert_allclose(tracks.xy[0].numpy(), wanted, atol=1e-4)


@pytest.mark.parametrize("shape", ["round", "square"])
def test_a_drag_takes_background_where_it_starts_and_hides_it_where_it_passes(shape) -> None:
    drag = DragLayer("d", path=line((0.2, 0.45), (0.8, 0.45)), brush=Brush(0.2, 0.1, shape))
    tracks = pins_under(BACKGROUND, drag, frames=7)
    reach = 20 + 5 + 1e-3

    def under(spot, frame) -> bool:
        dx, dy = abs(spot[0] - (40 + 20 * frame)), abs(spot[1] - 45)
        return (dx * dx + dy * dy) ** 0.5 <= reach if shape == "round" else max(dx, dy) <= reach

    lattice = [(x, y) for y in range(5, 100, 10) for x in range(5, 200, 10)]
    kept = [spot for spot in lattice if not under(spot, 0)]
    np.testing.assert_allclose(tracks.xy[0].numpy(), kept, atol=1e-4)
    wanted = [[not under(spot, frame) for spot in kept] for frame in range(7)]
    assert tracks.visible.tolist() == wanted
    assert not all(itertools.chain(*wanted))


def test_a_sphere_takes_its_disc() -> None:
    ball = SphereLayer("s", center=(0.5, 0.5), radius=0.3, path=line((0.5, 0.5), (0.6, 0.5)))
    tracks = pins_under(BACKGROUND, ball)
    away = np.hypot(*(tracks.xy[0].numpy() - (100, 50)).T)
    assert away.min() > 30 and tracks.visible.all()
    lattice = [(x, y) for y in range(5, 100, 10) for x in range(5, 200, 10)]
    assert tracks.num_points == sum(np.hypot(x - 100, y - 50) > 30 for x, y in lattice)


def test_a_region_hides_what_it_passes_over() -> None:
    keys = (RegionKey(0.0), RegionKey(1.0, dx=0.3, rotate_deg=90))
    region = RegionLayer("r", polygon=BOX, keys=keys, spacing=0.1)
    tracks = pins_under(BACKGROUND, region, frames=2)
    xy = tracks.xy[0].numpy()
    in_box = (np.abs(xy[:, 0] - 80) < 40) & (np.abs(xy[:, 1] - 50) < 30)
    assert not in_box.any() and tracks.visible[0].all()
    # The box of 80 x 60 around (80, 50), turned by a quarter and shifted by 60.
    passed = (np.abs(xy[:, 0] - 140) < 30) & (np.abs(xy[:, 1] - 50) < 40)
    assert (tracks.visible[1].numpy() == ~passed).all() and passed.any()


def test_a_masked_region_hides_like_a_drawn_one() -> None:
    keys = (RegionKey(0.0), RegionKey(1.0, dx=0.3, dy=0.1, scale=1.5, rotate_deg=45))
    mask = torch.zeros(100, 200)
    mask[20:80, 40:120] = 1
    drawn = RegionLayer("r", polygon=BOX, keys=keys, spacing=0.1)
    masked = RegionLayer("r", area="mask", keys=keys, spacing=0.1)
    one, other = (pins_under(BACKGROUND, r, frames=4, mask=mask) for r in (drawn, masked))
    assert torch.equal(one.ids, other.ids) and torch.equal(one.visible, other.visible)
    assert not one.visible.all()


def test_an_absent_layer_hides_nothing_and_takes_what_is_there_when_it_appears() -> None:
    timing = Timing(0.5, 1.0, "absent", "hold")
    path = line((0.125, 0.5), (0.875, 0.5), timing=timing)
    drag = DragLayer("d", path=path, brush=Brush(0.15, 0.05))
    tracks = pins_under(BACKGROUND, drag)
    assert tracks.visible[:3].all() and not tracks.visible[3:].all(dim=1).any()
    assert np.hypot(*(tracks.xy[0].numpy() - (25, 50)).T).min() > 20


def test_a_pin_set_by_hand_on_the_moving_thing_stays() -> None:
    drag = DragLayer("d", path=line((0.2, 0.5), (0.8, 0.5)), brush=Brush(0.1, 0.05))
    by_hand = PinLayer("p", points=((0.2, 0.5), (0.5, 0.5), (0.5, 0.9)), spacing=0.04)
    tracks = pins_under(by_hand, drag)
    assert tracks.visible.T.tolist() == [[True] * 5, [True, True, False, True, True], [True] * 5]


def test_only_enabled_layers_count() -> None:
    drag = DragLayer("d", enabled=False, path=line((0.2, 0.5)), brush=Brush(0.2, 0.05))
    assert pins_under(BACKGROUND, drag).num_points == 200
