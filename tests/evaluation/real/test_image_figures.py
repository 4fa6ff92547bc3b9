"""Figures of frames: what a smooth motion explains, and spots that it does not."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.errors import ShapeError
from motion_core.evaluation.real.image_figures import (
    backward,
    explained,
    image_figures,
    shown_area,
)
from motion_core.fields.arrays import BoolArray, FloatArray

HEIGHT, WIDTH, SHIFT = 96, 128, 24


def picture() -> FloatArray:
    """A smooth gradient with a darker disc and single white dots in it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    out = np.stack([0.3 + 0.3 * x / WIDTH, 0.3 + 0.3 * y / HEIGHT, 0 * x + 0.4], axis=-1)
    out[disc()] -= 0.25
    out[40:60:6, 40:60:6] = 1
    return out


def disc() -> BoolArray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (x - 48) ** 2 + (y - 48) ** 2 < 25**2


def carried() -> tuple[FloatArray, FloatArray]:
    """The frame in which the disc has moved to the right over the picture, and its motion."""
    displacement = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    displacement[disc(), 0] = SHIFT
    frame = picture()
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    plain = np.stack([0.3 + 0.3 * x / WIDTH, 0.3 + 0.3 * y / HEIGHT, 0 * x + 0.4], axis=-1)
    frame[disc()] = plain[disc()]
    moved = np.roll(disc(), SHIFT, axis=1)
    frame[moved] = np.roll(picture(), SHIFT, axis=1)[moved]
    return frame, displacement


def test_a_carried_thing_is_explained_with_its_own_dots() -> None:
    frame, displacement = carried()
    figures = image_figures(frame, picture(), displacement, disc())
    assert figures == {"specks": 0, "broken": 0}


@pytest.mark.parametrize("count", [1, 5])
def test_specks_are_counted(count: int) -> None:
    frame, displacement = carried()
    for number in range(count):
        frame[20 + 12 * number, 58 + 8 * (number % 3)] = [1.0, 0.0, 0.0]
        frame[21 + 12 * number, 59 + 8 * (number % 3)] = [1.0, 0.0, 0.0]
    assert image_figures(frame, picture(), displacement, disc())["specks"] == count


def test_texture_that_fills_a_hole_has_no_specks() -> None:
    """Grain where the thing was: its pixels come from nowhere, but they are like one another."""
    frame, displacement = carried()
    rng = np.random.default_rng(0)
    left = disc() & ~np.roll(disc(), SHIFT, axis=1)
    frame[left] += rng.choice([-0.2, 0.2], (int(left.sum()), 1)).astype(np.float32)
    assert image_figures(frame, picture(), displacement, disc())["specks"] <= 2
    frame[20, 100] = 1.0
    assert image_figures(frame, picture(), displacement, disc())["specks"] >= 1


def test_a_hole_is_broken_but_no_speck() -> None:
    frame, displacement = carried()
    frame[42:54, 66:78] = [0.0, 1.0, 0.0]
    figures = image_figures(frame, picture(), displacement, disc())
    shown = shown_area(displacement, disc())
    assert figures["specks"] == 0
    assert figures["broken"] == pytest.approx(144 / shown.sum(), rel=1e-6)


def test_a_crack_in_the_map_belongs_to_the_thing() -> None:
    displacement = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    displacement[disc(), 0] = SHIFT
    displacement[:, :48, 0] -= 6 * disc()[:, :48]
    shown = shown_area(displacement, disc())
    assert shown[48, 48 - 6 + SHIFT : 48 + SHIFT].all()


def test_specks_of_a_torn_map_are_not_excused_by_it() -> None:
    """Pixels moved apart from their surroundings: each explains itself, the blocks do not."""
    frame, displacement = carried()
    for column in (70, 76, 82):
        displacement[48, column - SHIFT] = [SHIFT - 60, -40]
        frame[48, column] = [1.0, 1.0, 0.0]
    assert image_figures(frame, picture(), displacement, disc())["specks"] == 3


def test_at_rest_everything_is_explained() -> None:
    rng = np.random.default_rng(0)
    noise = rng.random((50, 61, 3)).astype(np.float32)
    still = np.zeros((50, 61, 2), np.float32)
    assert explained(noise, noise, still).all()
    assert image_figures(noise, noise, still, np.ones((50, 61), bool))["specks"] == 0


def test_a_map_is_inverted_with_faster_pixels_on_top() -> None:
    _, displacement = carried()
    inverse = backward(displacement)
    assert inverse[48, 48 + SHIFT, 0] == SHIFT
    assert inverse[5, 5, 0] == 0
    everything_left = np.full((8, 8, 2), 100, np.float32)
    assert not backward(everything_left).any()
    assert np.isnan(
        image_figures(
            np.zeros((8, 8, 3), np.float32),
            np.zeros((8, 8, 3), np.float32),
            everything_left,
            np.ones((8, 8), bool),
        )["broken"]
    )


def test_sizes_must_agree() -> None:
    frame, displacement = carried()
    with pytest.raises(ShapeError, match="picture's size"):
        image_figures(frame[1:], picture(), displacement, disc())
