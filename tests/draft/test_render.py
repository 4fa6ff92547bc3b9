"""One layer over a picture, small enough to know every pixel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from motion_core.draft.backward_field import BackwardField, field_grid
from motion_core.draft.render import Window, draw_background, draw_layer
from motion_core.draft.textures import make_textures
from motion_core.geometry import Size

Array = NDArray[np.float32]
SIZE = Size(120, 40)


def shifted(dx: float, dy: float = 0) -> BackwardField:
    """The same displacement everywhere."""
    grid, cell = field_grid(SIZE)
    values = np.empty((grid.height, grid.width, 2), np.float32)
    values[:] = dx, dy
    return BackwardField(values, cell)


def columns(*spans: tuple[int, int, float]) -> Array:
    """A picture whose columns first..last (excluded) have a given brightness, else black."""
    picture = np.zeros((SIZE.height, SIZE.width, 3), np.float32)
    for first, last, level in spans:
        picture[:, first:last] = level
    return picture


def share_of(first: int, last: int) -> Array:
    """One in columns first..last (excluded), with alpha one half beside them."""
    alpha = np.zeros((SIZE.height, SIZE.width), np.float32)
    alpha[:, first - 1 : last + 1] = 0.5
    alpha[:, first:last] = 1
    return alpha


def drawn(
    picture: Array, alpha: Array, field: BackwardField, background: BackwardField | None = None
) -> Array:
    """The middle row of the frame, one channel."""
    (texture,) = make_textures(picture, [alpha], [False], 40.0)
    out = picture.copy()
    if background is not None:
        draw_background(out, texture, background)
    draw_layer(out, texture, field, background, [])
    assert (out == out[:1]).all() and (out == out[..., :1]).all()
    return out[20, :, 0]


def test_a_thing_lies_on_top_where_it_goes_and_leaves_what_is_behind() -> None:
    row = drawn(columns((30, 50, 0.8), (70, 90, 0.4)), share_of(30, 50), shifted(45))
    assert np.abs(row[75:95] - 0.8).max() < 1e-6
    assert np.abs(row[97:] - 0).max() == 0
    # Behind are the surroundings, black on both sides up to the other bar.
    assert row[30:50].max() < 0.1
    assert (row[70:73] == np.float32(0.4)).all()


def test_an_outline_is_not_jagged() -> None:
    # White beyond the thing's own border, so that the outline itself is visible.
    row = drawn(columns((0, 60, 1.0)), share_of(20, 40), shifted(60.5))
    edge = row[90:110]
    assert ((edge > 0.05) & (edge < 0.95)).sum() == 1
    assert (np.diff(edge) <= 0).all()


def test_where_nothing_moves_every_bit_stays() -> None:
    random = np.random.default_rng(0)
    picture = random.random((SIZE.height, SIZE.width, 3)).astype(np.float32)
    (texture,) = make_textures(picture, [share_of(30, 50)], [False], 40.0)
    out = picture.copy()
    draw_layer(out, texture, shifted(20), None, [])
    assert np.array_equal(out[:, :25], picture[:, :25])
    assert np.array_equal(out[:, 75:], picture[:, 75:])
    assert not np.array_equal(out, picture)


@pytest.mark.parametrize("width", [6, 25])
def test_a_soft_layer_is_stretched_and_never_torn(width: int) -> None:
    ramp = np.clip((np.arange(SIZE.width) - 25) / width, 0, 1).astype(np.float32)
    ramp[70:] = 0
    alpha = np.repeat(ramp[None], SIZE.height, axis=0)
    brightness = np.linspace(0, 1, SIZE.width, dtype=np.float32)
    picture = np.repeat(brightness[None, :, None], SIZE.height, 0).repeat(3, 2)
    (soft,) = make_textures(picture, [alpha], [True], 40.0)
    out = picture.copy()
    draw_layer(out, soft, shifted(20), None, [])
    # A pixel at x with share a has gone to x + 20 a: brightness is place, in order.
    source = np.arange(25, 70)
    goal = source + 20 * ramp[25:70]
    wanted = np.interp(np.arange(25, 70), goal, source) / (SIZE.width - 1)
    assert np.abs(out[20, 25:70, 0] - wanted).max() < 0.015
    (stiff,) = make_textures(picture, [alpha], [False], 40.0)
    torn = picture.copy()
    draw_layer(torn, stiff, shifted(20), None, [])
    assert np.array_equal(torn, out) == (width == 25)


def test_a_thing_on_a_moving_background() -> None:
    picture = columns((30, 50, 0.8), (70, 80, 0.4))
    row = drawn(picture, share_of(30, 50), shifted(-10), shifted(15))
    assert np.abs(row[20:40] - 0.8).max() < 1e-6
    assert np.abs(row[85:95] - 0.4).max() < 1e-6 and row[97:].max() == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_layer_drawn_last_lies_on_top(order: tuple[int, int]) -> None:
    picture = columns((10, 30, 0.8), (80, 100, 0.4))
    alphas = [share_of(10, 30), share_of(80, 100)]
    textures = make_textures(picture, alphas, [False, False], 40.0)
    fields = [shifted(35), shifted(-35)]
    out, windows = picture.copy(), list[Window]()
    for one in order:
        draw_layer(out, textures[one], fields[one], None, windows)
    # They meet in columns 45..65.
    assert np.abs(out[20, 46:64, 0] - (0.8, 0.4)[order[-1]]).max() < 1e-6
    assert len(windows) == 2 and windows[0].meets(windows[1])


def test_windows_meet_where_they_share_a_pixel() -> None:
    one = Window(0, 0, 10, 10)
    assert one.meets(Window(9, 9, 20, 20)) and not one.meets(Window(10, 0, 20, 10))
    assert not one.meets(Window(0, 10, 10, 20))
