"""Soft edges: alpha and colours against an exact composite."""

from __future__ import annotations

import numpy as np

from motion_core.layers.cells import smooth_outline
from motion_core.layers.matting import _colour_guided, soft_alpha, thing_colours

from .pictures import background, disc_alpha, disc_picture

ORANGE = (0.85, 0.35, 0.15)


def test_alpha_is_exact_to_a_few_percent_where_colours_are_distinct() -> None:
    wanted = disc_alpha()
    # A cut that is off by a pixel and steps in blocks of two.
    rough = np.kron(np.roll(wanted, 1, 1)[::2, ::2] > 0.5, np.ones((2, 2))).astype(np.float32)
    alpha = soft_alpha(disc_picture().numpy(), rough)
    assert np.abs(alpha - wanted).mean() < 0.25 * np.abs(rough - wanted).mean()
    assert np.abs(alpha - wanted).max() < 0.35


def test_alpha_is_smooth_where_the_cut_runs_inside_one_colour() -> None:
    flat = np.full((120, 160, 3), 0.5, np.float32)
    cut = np.zeros((60, 80), np.float32)
    cut[:, :40] = 1
    alpha = soft_alpha(flat, smooth_outline(cut > 0.5))
    assert alpha[:, :70].min() == 1 and alpha[:, 90:].max() == 0
    assert np.abs(np.diff(alpha, axis=1)).max() < 0.5


def test_far_from_the_outline_alpha_is_the_cut() -> None:
    rng = np.random.default_rng(0)
    noise = rng.random((120, 160, 3), np.float32)
    wanted = disc_alpha()
    alpha = soft_alpha(noise, wanted)
    far = disc_alpha(radius=18) + (1 - disc_alpha(radius=38)) > 0.99
    np.testing.assert_array_equal(alpha[far], (wanted > 0.5)[far])


def test_the_guided_filter_solves_its_least_squares() -> None:
    rng = np.random.default_rng(1)
    guide = rng.random((9, 9, 3), np.float32)
    values = rng.random((9, 9), np.float32)
    # One window holds all pixels: the mean of slopes over one place is its ridge regression.
    slopes, _ = _colour_guided(np.tile(guide, (3, 3, 1)), np.tile(values, (3, 3)), 4)
    colours, wanted = guide.reshape(-1, 3).astype(float), values.ravel().astype(float)
    centred = colours - colours.mean(0)
    slope = np.linalg.solve(
        centred.T @ centred / 81 + 4e-4 * np.eye(3), centred.T @ (wanted - wanted.mean()) / 81
    )
    np.testing.assert_allclose(slopes[13, 13], slope, atol=2e-4)


def test_colours_at_a_soft_edge_are_those_of_the_thing() -> None:
    alpha = disc_alpha()
    colours = thing_colours(disc_picture().numpy(), alpha, background())
    np.testing.assert_allclose(
        colours[alpha > 0], np.broadcast_to(ORANGE, (int((alpha > 0).sum()), 3)), atol=0.01
    )


def test_colours_and_plate_composite_to_the_picture() -> None:
    alpha = disc_alpha()
    picture = disc_picture().numpy()
    colours = thing_colours(picture, alpha, background())
    mixed = background() + alpha[..., None] * (colours - background())
    np.testing.assert_allclose(mixed, picture, atol=0.02)


def test_a_thing_that_is_nowhere_opaque_has_colours() -> None:
    faint = 0.4 * disc_alpha()
    colours = thing_colours(disc_picture(faint).numpy(), faint, background())
    assert np.isfinite(colours).all()
    assert np.abs(colours[60, 70] - ORANGE).max() < 0.2
