"""The drag of a thing: deterministic, inside it, with pins outside."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motion_core.errors import ShapeError
from motion_core.evaluation.real.natural_drag import (
    FRAMES,
    LENGTH_FRAC,
    PIN_FRAC,
    PINS,
    moved_mask,
    natural_drag,
    outside_distance,
)
from motion_core.fields.arrays import BoolArray


def disc() -> BoolArray:
    y, x = np.mgrid[:200, :300]
    return (x - 120) ** 2 + (y - 90) ** 2 < 40**2


def test_the_group_lies_in_the_middle_and_moves_as_one() -> None:
    drag = natural_drag(disc(), "a/picture")
    xy = drag.tracks.xy.numpy()
    assert drag.tracks.num_frames == FRAMES
    group = xy[:, :9]
    assert np.abs(group[0].mean(axis=0) - [120.5, 90.5]).max() <= 1
    column, row = np.floor(group[0]).astype(int).T
    assert disc()[row, column].all()
    steps = group - group[0]
    assert np.abs(steps - steps[:, :1]).max() < 1e-3
    assert np.allclose(steps[-1], drag.displacement, atol=1e-3)
    length = np.linalg.norm(drag.displacement) / 300
    assert LENGTH_FRAC[0] <= length <= LENGTH_FRAC[1]
    # On an arc: the middle of the way is off the chord.
    chord = drag.displacement * 7 / 15
    assert 0.1 < np.linalg.norm(steps[7, 0] - chord) / (300 * length) < 0.2


def test_pins_rest_beside_the_thing_before_and_after() -> None:
    drag = natural_drag(disc(), "a/picture")
    pins = drag.tracks.xy[:, 9:]
    assert pins.shape == (FRAMES, PINS, 2)
    assert torch.equal(pins, pins[:1].expand_as(pins))
    column, row = pins[0].floor().long().numpy().T
    covered = disc() | moved_mask(disc(), drag.displacement)
    assert outside_distance(covered)[row, column].min() >= PIN_FRAC * 300
    assert len(np.unique(pins[0].numpy(), axis=0)) == PINS


def test_the_same_picture_has_the_same_drag_and_another_another() -> None:
    first, second = (natural_drag(disc(), "a/picture").tracks.xy for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, natural_drag(disc(), "a/other").tracks.xy)


@pytest.mark.parametrize("name", [f"picture {number}" for number in range(12)])
def test_a_thing_cut_by_the_edge_is_not_pulled_in(name: str) -> None:
    mask = np.zeros((200, 300), bool)
    mask[120:, 100:200] = True
    _, down = natural_drag(mask, name).displacement
    assert down > -0.45 * np.linalg.norm(natural_drag(mask, name).displacement)


@pytest.mark.parametrize("name", [f"picture {number}" for number in range(6)])
def test_a_thing_stays_in_the_picture(name: str) -> None:
    mask = np.zeros((200, 300), bool)
    mask[80:120, 5:45] = True
    assert moved_mask(mask, natural_drag(mask, name).displacement).sum() == mask.sum()


def test_a_thing_that_fills_the_picture_has_no_pins() -> None:
    drag = natural_drag(np.ones((64, 64), bool), "all")
    assert drag.tracks.num_points == 9


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(ShapeError, match="a pixel that is on"):
        natural_drag(np.zeros((64, 64), bool), "none")


def test_masks_move_by_whole_pixels() -> None:
    mask = np.zeros((5, 6), bool)
    mask[1, 2] = mask[0, 0] = True
    moved = moved_mask(mask, np.array([2.0, 3.0]))
    assert moved[4, 4] and moved[3, 2] and moved.sum() == 2
    assert moved_mask(mask, np.array([-1.0, -1.0]))[0, 1]
    assert not moved_mask(mask, np.array([9.0, 0.0])).any()
