"""Spots of a fill that stand out are taken out; texture, structure and the picture stay."""

from __future__ import annotations

import numpy as np

from motion_core.layers.specks import MOST_PX, without_specks

FILLED = np.zeros((128, 512), bool)
FILLED[20:108, 40:300] = True


def grey(*spots: tuple[slice, slice]) -> np.ndarray:
    """(128, 512, 3) grey with faint noise, and white spots."""
    noise = np.random.default_rng(0).random((128, 512, 1), np.float32)
    picture = np.repeat(0.5 + 0.02 * noise, 3, axis=-1)
    for spot in spots:
        picture[spot] = 1.0
    return picture


SPOT = slice(60, 63), slice(100, 103)
OUTSIDE = slice(60, 63), slice(400, 403)


def test_a_spot_in_the_fill_takes_the_colours_around_it() -> None:
    cleaned = without_specks(grey(SPOT), FILLED)
    assert np.abs(cleaned - grey()).max() < 0.03


def test_nothing_outside_of_the_fill_changes() -> None:
    picture = grey(SPOT, OUTSIDE)
    cleaned = without_specks(picture, FILLED)
    np.testing.assert_array_equal(cleaned[~FILLED], picture[~FILLED])
    assert picture[SPOT].min() == 1.0


def test_lines_and_larger_areas_are_structure() -> None:
    line, area = (slice(80, 82), slice(60, 160)), (slice(40, 60), slice(200, 220))
    picture = grey(line, area)
    assert all(picture[one][..., 0].size > MOST_PX for one in (line, area))
    cleaned = without_specks(picture, FILLED)
    assert cleaned[line].min() == 1.0 and cleaned[area].min() == 1.0


def test_even_texture_stays_as_it_is() -> None:
    grain = np.random.default_rng(1).random((128, 512, 3), np.float32)
    np.testing.assert_array_equal(without_specks(grain, FILLED), grain)


def test_spots_scale_with_the_picture() -> None:
    large = np.kron(grey(SPOT), np.ones((2, 2, 1), np.float32))
    cleaned = without_specks(large, np.kron(FILLED, np.ones((2, 2), bool)))
    assert cleaned[120:126, 200:206].max() < 0.6


def test_small_pictures_and_no_fill_are_left_alone() -> None:
    tiny = np.random.default_rng(2).random((2, 2, 3), np.float32)
    np.testing.assert_array_equal(without_specks(tiny, np.ones((2, 2), bool)), tiny)
    np.testing.assert_array_equal(without_specks(grey(SPOT), FILLED & False), grey(SPOT))
