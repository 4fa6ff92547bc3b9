"""A picture of layers: its shapes, and what lies over what."""

from __future__ import annotations

import numpy as np
import pytest

from motion_core.errors import ShapeError
from motion_core.layers import Layer, LayeredPicture

NO_TRACKS = np.arange(0)


def flat(value: float) -> np.ndarray:
    return np.full((4, 6, 3), value, np.float32)


def half_layer(value: float, opacity: float) -> Layer:
    alpha = np.zeros((4, 6), np.float32)
    alpha[:, :3] = opacity
    return Layer(alpha, flat(value), NO_TRACKS)


def picture_of(*layers: Layer) -> LayeredPicture:
    return LayeredPicture(layers, flat(0.2), np.zeros((4, 6), bool), NO_TRACKS)


def test_later_layers_cover_earlier_ones() -> None:
    picture = picture_of(half_layer(1.0, 1.0), half_layer(0.6, 0.5)).composited()
    np.testing.assert_allclose(picture[:, :3], 0.8, atol=1e-6)
    np.testing.assert_allclose(picture[:, 3:], 0.2, atol=1e-6)


def test_its_size_is_width_and_height() -> None:
    assert picture_of().size == (6, 4)


def test_a_layer_of_another_size_is_refused() -> None:
    wrong = Layer(np.zeros((4, 5), np.float32), flat(0.5), NO_TRACKS)
    with pytest.raises(ShapeError, match="Layer 0 must be 6 x 4 pixels"):
        picture_of(wrong)


def test_filled_of_another_size_is_refused() -> None:
    with pytest.raises(ShapeError, match="filled"):
        LayeredPicture((), flat(0.2), np.zeros((6, 4), bool), NO_TRACKS)
