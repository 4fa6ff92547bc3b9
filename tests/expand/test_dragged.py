"""What drags move is cut out of the picture, so that the rest can be held beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from motion_core.document import Brush, DragLayer, PinLayer, RegionKey, RegionLayer, SphereLayer
from motion_core.expand import dragged_things, expand_document
from motion_core.layers.cut import PictureCutter
from motion_core.layers.dragged_thing import ThingFinder
from tests.layers.pictures import CENTRE, RADIUS, SIZE, disc_picture

from .drawings import document, line

FRAMES = 5
AT = (CENTRE[0] / SIZE.width, CENTRE[1] / SIZE.height)
DRAG = DragLayer("d", "ball", path=line(AT, (AT[0] + 0.25, AT[1])), brush=Brush(0.06, 0.03))
REST = PinLayer("rest", area="background", spacing=0.05)


def rest_of(things=None):
    """The dots that hold the rest beside the drag."""
    drawn = document(DRAG, REST, drawn_on=SIZE)
    given = {} if things is None else {"things": things}
    whole = expand_document(drawn, SIZE, FRAMES, **given)
    still = (whole.xy == whole.xy[:1]).all(dim=0).all(dim=-1)
    return whole.xy[0, still].numpy(), whole.visible[:, still].numpy()


def away_from(dots, centre) -> np.ndarray:
    return np.hypot(*(dots - np.array(centre)).T)


def test_the_rest_leaves_out_the_whole_thing_and_nothing_else() -> None:
    things = dragged_things(document(DRAG, REST, drawn_on=SIZE), disc_picture(), SIZE)
    dots, _ = rest_of(things)
    away = away_from(dots, CENTRE)
    assert away.min() > RADIUS
    # By distance alone, dots lie all over the disc beside the brush.
    plain, _ = rest_of()
    assert (away_from(plain, CENTRE) < RADIUS - 4).sum() > 30
    # Nothing farther than a spacing and a step of the cut's cells from the disc is left out.
    far = plain[away_from(plain, CENTRE) > RADIUS + 6 + 4]
    assert {tuple(dot) for dot in far} <= {tuple(dot) for dot in dots}


def test_dots_are_hidden_while_the_thing_passes() -> None:
    things = dragged_things(document(DRAG, REST, drawn_on=SIZE), disc_picture(), SIZE)
    dots, visible = rest_of(things)
    for frame in range(FRAMES):
        centre = (CENTRE[0] + 0.25 * SIZE.width * frame / (FRAMES - 1), CENTRE[1])
        away = away_from(dots, centre)
        assert not visible[frame][away < RADIUS - 1].any()
        assert visible[frame][away > RADIUS + 6 + 4].all()
    assert not visible.all()


def test_it_is_named_how_the_rest_keeps_clear() -> None:
    drawn = document(DRAG, REST, drawn_on=SIZE)
    found = dragged_things(drawn, disc_picture(), SIZE)
    assert found.note() == "The rest keeps clear of what the drags move, cut out of the image."
    plain = dragged_things(drawn, torch.full((SIZE.height, SIZE.width, 3), 0.5), SIZE)
    assert not plain.cells and plain.unknown == ("ball",)
    assert plain.note() == (
        "The rest keeps clear of ball by distance, for no outline was found there."
    )
    np.testing.assert_array_equal(rest_of(plain)[0], rest_of()[0])


def test_balls_and_regions_say_themselves_what_they_cover() -> None:
    ball = SphereLayer("s", center=AT, radius=0.2, path=line(AT, (0.6, 0.5)))
    box = ((0.1, 0.1), (0.3, 0.1), (0.3, 0.3), (0.1, 0.3))
    region = RegionLayer("r", polygon=box, keys=(RegionKey(0.0), RegionKey(1.0, dx=0.2)))
    things = dragged_things(document(ball, region, REST, drawn_on=SIZE), disc_picture(), SIZE)
    assert not things.cells and things.note() is None


@pytest.mark.parametrize(
    "layers", [(DRAG,), (REST,), (DRAG, replace(REST, enabled=False))], ids=["drag", "rest", "off"]
)
def test_nothing_is_cut_out_without_a_drag_and_the_rest(layers, monkeypatch) -> None:
    monkeypatch.setattr(PictureCutter, "cut", _refused)
    assert dragged_things(document(*layers), disc_picture(), SIZE).note() is None
    assert dragged_things(document(DRAG, REST), None, SIZE).note() is None


def _refused(*_: object, **__: object) -> None:
    raise AssertionError("the picture was cut")


def test_another_way_of_the_same_drag_needs_no_new_cut(monkeypatch) -> None:
    picture = disc_picture(colour=(0.8, 0.3, 0.2))
    first = dragged_things(document(DRAG, REST, drawn_on=SIZE), picture, SIZE)
    monkeypatch.setattr(PictureCutter, "cut", _refused)
    other = replace(DRAG, path=line(AT, (0.1, 0.9)))
    second = dragged_things(document(other, REST, drawn_on=SIZE), picture, SIZE)
    np.testing.assert_array_equal(first.cells["d"], second.cells["d"])


def test_pins_of_a_person_are_on_no_dragged_thing() -> None:
    """A pin on the disc's rim leaves its surroundings to the rest."""
    pins = PinLayer("p", points=((AT[0] + 0.14, AT[1]),))
    without = dragged_things(document(DRAG, REST, drawn_on=SIZE), disc_picture(), SIZE)
    pinned = dragged_things(document(DRAG, pins, REST, drawn_on=SIZE), disc_picture(), SIZE)
    row, column = np.array(pinned.cells["d"].shape) * (AT[1], AT[0] + 0.14)
    assert without.cells["d"][int(row), int(column)]
    assert not pinned.cells["d"][int(row), int(column)]


def test_a_brush_of_many_dots_is_searched_by_few(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(ThingFinder, "outline", lambda _, inside, outside: asked.append(inside))
    wide = replace(DRAG, brush=Brush(0.3, 0.001))
    dragged_things(document(wide, REST, drawn_on=SIZE), disc_picture(), SIZE)
    (inside,) = asked
    assert 500 < len(inside) <= 1024
    assert away_from(inside, CENTRE).max() > 0.28 * SIZE.height


def test_the_search_can_be_stopped() -> None:
    def stop(done: int, total: int) -> None:
        raise InterruptedError

    picture = disc_picture(colour=(0.7, 0.4, 0.1))
    with pytest.raises(InterruptedError):
        dragged_things(document(DRAG, REST), picture, SIZE, progress=stop)
