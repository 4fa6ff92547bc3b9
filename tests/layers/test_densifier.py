"""The motion of layers as a field: who moves with whom, and who is hidden."""

from __future__ import annotations

import numpy as np
import torch

from motion_core.fields.motion_field import grid_centres
from motion_core.fields.registry import make_densifier
from motion_core.geometry import Size
from motion_core.layers import Layer, LayeredPicture
from motion_core.layers.densifier import LayersDensifier, field_of
from motion_core.layers.motion import move_layers
from motion_core.tracks import make_tracks

from .layered import disc, paths, smooth_picture

SIZE = Size(96, 80)
GRID = Size(48, 40)


def two_discs() -> LayeredPicture:
    colour = np.full((80, 96, 3), 0.5, np.float32)
    back = Layer(disc(SIZE, (30, 40), 12), colour, np.array([0]))
    front = Layer(disc(SIZE, (66, 40), 12), colour, np.array([1]))
    return LayeredPicture((back, front), colour, np.zeros((80, 96), bool), np.array([2]))


def test_places_move_with_the_layer_that_they_are_on() -> None:
    layered = two_discs()
    tracks = paths([[30, 40], [66, 40], [80, 70]], [[30, 60], [30, 40], [80, 70]], SIZE, frames=3)
    field = field_of(layered, move_layers(layered, tracks), 3, GRID)
    place = grid_centres(GRID, SIZE).numpy()
    last = field.displacement[-1].numpy()
    on_back = np.hypot(*(place - [30, 40]).transpose(2, 0, 1)) < 10
    on_front = np.hypot(*(place - [66, 40]).transpose(2, 0, 1)) < 10
    np.testing.assert_allclose(
        last[on_back], np.broadcast_to([0, 20], last[on_back].shape), atol=1e-3
    )
    np.testing.assert_allclose(
        last[on_front], np.broadcast_to([-36, 0], last[on_front].shape), atol=1e-3
    )
    away = (np.hypot(*(place - [30, 40]).transpose(2, 0, 1)) > 14) & (
        np.hypot(*(place - [66, 40]).transpose(2, 0, 1)) > 14
    )
    assert not last[away].any() and not field.displacement[0].any()


def test_what_a_layer_covers_is_hidden_and_what_lies_above_is_not() -> None:
    layered = two_discs()
    # The front disc ends where the back disc stays.
    tracks = paths([[30, 40], [66, 40], [80, 70]], [[30, 40], [30, 40], [80, 70]], SIZE, frames=3)
    field = field_of(layered, move_layers(layered, tracks), 3, GRID)
    place = grid_centres(GRID, SIZE).numpy()
    on_back = np.hypot(*(place - [30, 40]).transpose(2, 0, 1)) < 9
    on_front = np.hypot(*(place - [66, 40]).transpose(2, 0, 1)) < 9
    visible = field.visible.numpy()
    assert (visible[0] == 1).all()
    assert (visible[-1][on_back] < 0.1).all() and (visible[-1][on_front] == 1).all()
    left = np.hypot(*(place - [66, 40]).transpose(2, 0, 1)) > 14
    beyond = np.hypot(*(place - [30, 40]).transpose(2, 0, 1)) > 14
    assert (visible[-1][left & beyond] == 1).all()


def test_a_panned_picture_moves_as_one() -> None:
    starts = [[x, y] for x in (12.0, 36.0, 60.0, 84.0) for y in (10.0, 30.0, 50.0, 70.0)]
    ends = [[x + 6, y - 3] for x, y in starts]
    image = torch.from_numpy(smooth_picture(SIZE))
    field = LayersDensifier(GRID)(image, paths(starts, ends, SIZE))
    wanted = torch.linspace(0, 1, 5).view(-1, 1, 1, 1) * torch.tensor([6.0, -3.0])
    torch.testing.assert_close(field.displacement, wanted.expand(5, 40, 48, 2), atol=0.05, rtol=0)


def test_it_is_in_the_registry_and_meets_many_tracks() -> None:
    random = np.random.default_rng(0)
    start = random.uniform([4, 4], [92, 76], (300, 2))
    inside = np.hypot(*(start - [40, 40]).T) < 18
    end = start + np.where(inside[:, None], [10.0, 4.0], 0)
    part = np.linspace(0, 1, 4)[:, None, None]
    tracks = make_tracks(torch.from_numpy(start + part * (end - start)).float(), SIZE)
    image = torch.from_numpy(smooth_picture(SIZE))
    field = make_densifier("layers")(image, tracks)
    column, row = (start / [1.5, 1.25]).astype(int).T
    moved = field.displacement[-1].numpy()[row, column]
    error = np.linalg.norm(moved - (end - start), axis=1)
    assert np.median(error) < 0.2 and (error < 3).mean() > 0.85
