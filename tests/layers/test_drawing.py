"""Frames of layers: exact at rest, exact where a layer only shifts, and mixed in linear light."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.ndimage

from motion_core.geometry import Size
from motion_core.layers import Layer, LayeredPicture
from motion_core.layers.drawing import LayersRenderer, rest_textures
from motion_core.layers.linear_light import to_linear, to_srgb
from motion_core.layers.sampling import Texture

from .layered import disc, disc_picture, paths, smooth_picture

SIZE = Size(96, 80)
NONE = np.arange(0)


def dragged(end: list[float], pin: list[float] | None = None) -> LayersRenderer:
    """The disc at (40, 40) goes to `end`; the background goes from (80, 70) to `pin`."""
    picture, layered = disc_picture(SIZE)
    tracks = paths([[40, 40], [80, 70]], [end, pin or [80, 70]], SIZE)
    return LayersRenderer(picture, layered, tracks)


# At rest


def test_frame_0_is_the_picture_bit_for_bit() -> None:
    renderer = dragged([60, 45])
    frame, uncovered = renderer.draw(0)
    assert (frame == renderer.picture).all() and not uncovered.any()


def test_what_rests_keeps_every_bit_while_something_moves() -> None:
    renderer = dragged([60, 45])
    frame, uncovered = renderer.draw(4)
    path = np.maximum(disc(SIZE, (40, 40), 14), disc(SIZE, (60, 45), 14))
    far = scipy.ndimage.maximum_filter(path, 7) == 0
    assert far.mean() > 0.5
    assert (frame[far] == renderer.picture[far]).all() and not uncovered[far].any()
    assert np.abs(frame - renderer.picture).max() > 0.1


def test_without_layers_and_motion_every_frame_is_the_picture() -> None:
    picture = smooth_picture(SIZE)
    layered = LayeredPicture((), picture, np.zeros((80, 96), bool), NONE)
    renderer = LayersRenderer(picture, layered, paths([[5, 5]], [[9, 9]], SIZE))
    assert (renderer.draw(4)[0] == picture).all()


def test_nothing_changes_at_the_moment_at_which_a_layer_starts_to_move() -> None:
    picture, layered = disc_picture(SIZE)
    light = to_linear(layered.plate)
    for texture in rest_textures(picture, layered):
        light = light * (1 - texture[..., 3:]) + texture[..., :3]
    assert np.abs(to_srgb(light) - picture).max() < 1e-5
    barely = dragged([40.06, 40])
    assert not barely.motion.layers[0].at_rest(4)
    assert np.abs(to_linear(barely.draw(4)[0]) - to_linear(picture)).max() < 0.05


# Where a layer moves


def test_a_shift_by_whole_pixels_shifts_the_layer_exactly() -> None:
    picture, layered = disc_picture(SIZE)
    frame, _ = dragged([60, 45]).draw(4)
    inside = disc(SIZE, (60, 45), 12) == 1
    wanted = np.roll(picture, (5, 20), axis=(0, 1))
    np.testing.assert_allclose(frame[inside], wanted[inside], atol=1e-4)


def test_a_shift_by_parts_of_a_pixel_is_cubic_interpolation() -> None:
    picture = smooth_picture(SIZE)
    layered = LayeredPicture((), picture, np.zeros((80, 96), bool), np.arange(4))
    corners = [[10.0, 10], [86, 10], [10, 70], [86, 70]]
    ends = [[x + 3.5, y - 1.75] for x, y in corners]
    frame, uncovered = LayersRenderer(picture, layered, paths(corners, ends, SIZE)).draw(4)
    light = to_linear(picture)
    wanted = to_srgb(scipy.ndimage.shift(light, (-1.75, 3.5, 0), order=3, mode="nearest"))
    inner = slice(8, -8), slice(8, -8)
    # scipy's splines and OpenCV's cubic kernel are different filters of one smooth picture.
    assert np.abs(frame[inner] - wanted[inner]).max() < 0.01
    assert (uncovered[:-3, 5:] == 0).all() and (uncovered[:, :3] == 1).all()
    assert (uncovered[-1:] == 1).all()


def test_a_turning_background_is_the_turned_picture() -> None:
    picture = smooth_picture(SIZE)
    layered = LayeredPicture((), picture, np.zeros((80, 96), bool), np.arange(4))
    corners = np.array([[20.0, 15], [76, 15], [20, 65], [76, 65]])
    angle = np.deg2rad(20)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    ends = (corners - [48, 40]) @ matrix.T + [48, 40]
    frame, _ = LayersRenderer(
        picture, layered, paths(corners.tolist(), ends.tolist(), SIZE, frames=2)
    ).draw(1)
    light = to_linear(picture)
    # scipy works on (row, column) indices of pixel centres.
    back = matrix.T[::-1, ::-1]
    middle = np.array([39.5, 47.5])
    offset = middle - back @ middle
    turned = [
        scipy.ndimage.affine_transform(light[..., c], back, offset, order=3) for c in range(3)
    ]
    wanted = to_srgb(np.stack(turned, axis=-1))
    inner = slice(24, -24), slice(24, -24)
    assert np.abs(frame[inner] - wanted[inner]).max() < 0.02


def test_what_the_layer_leaves_shows_the_plate_and_is_reported() -> None:
    picture, layered = disc_picture(SIZE)
    frame, uncovered = dragged([80, 40]).draw(4)
    left = disc(SIZE, (40, 40), 12) == 1
    np.testing.assert_allclose(frame[left], layered.plate[left], atol=1e-4)
    assert (uncovered[left] == 1).all()
    assert (uncovered[disc(SIZE, (80, 40), 12) == 1] == 0).all()
    assert uncovered[layered.filled == 0].max() == 0


def test_a_thing_in_front_covers_what_moves_behind_it() -> None:
    picture, layered = disc_picture(SIZE)
    front = Layer(disc(SIZE, (66, 40), 8), np.full((80, 96, 3), 0.9, np.float32), np.array([1]))
    both = LayeredPicture((*layered.layers, front), layered.plate, layered.filled, NONE)
    tracks = paths([[40, 40], [66, 40]], [[66, 40], [66, 40]], SIZE)
    frame, _ = LayersRenderer(both.composited(), both, tracks).draw(4)
    assert (frame[disc(SIZE, (66, 40), 6) == 1] == np.float32(0.9)).all()


def test_a_thing_cut_by_the_frame_continues_past_it() -> None:
    alpha = disc(SIZE, (0, 40), 20)
    colour = np.full((80, 96, 3), 0.8, np.float32)
    plate = np.full((80, 96, 3), 0.2, np.float32)
    layered = LayeredPicture((Layer(alpha, colour, np.array([0])),), plate, alpha > 0, NONE)
    tracks = paths([[5, 40]], [[17, 40]], SIZE)
    frame, _ = LayersRenderer(layered.composited(), layered, tracks).draw(4)
    assert frame[38:43, :20].min() > 0.75, "no gap opens at the edge of the picture"


# Linear light


def test_conversions_are_the_standards() -> None:
    values = np.array([0, 0.04, 0.5, 1], np.float32)
    np.testing.assert_allclose(to_linear(values), [0, 0.003096, 0.214041, 1], atol=1e-5)
    every = np.linspace(0, 1, 1001, dtype=np.float32)
    np.testing.assert_allclose(to_srgb(to_linear(every)), every, atol=2e-6)


def test_white_over_black_at_half_opacity_is_half_the_light() -> None:
    # A row of white and black pixels, half a pixel further: each pixel is half of both.
    size = Size(64, 64)
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[:, 32:] = 1
    layered = LayeredPicture((), stripes, np.zeros((64, 64), bool), np.arange(2))
    tracks = paths([[10, 10], [50, 50]], [[10.5, 10], [50.5, 50]], size)
    frame, _ = LayersRenderer(stripes, layered, tracks).draw(4)
    np.testing.assert_allclose(frame[20:40, 32], to_srgb(np.array(0.5)), atol=0.01)
    assert to_srgb(np.array(0.5)) == pytest.approx(0.7354, abs=1e-3)


# Filtering


def test_a_texture_that_shrinks_is_averaged() -> None:
    checks = (np.indices((128, 128)).sum(0) % 2).astype(np.float32)[..., None]
    texture = Texture(checks)
    texture.prepare(4.0)
    x, y = np.meshgrid(np.arange(16) * 4 + 30.5, np.arange(16) * 4 + 30.5)
    places = np.stack([x, y], axis=-1).astype(np.float32)
    values = texture.sample(places, 4.0, 0)
    np.testing.assert_allclose(values, 0.5, atol=1e-5)
    sharp = Texture(checks).sample(places, 4.0, 0)
    assert np.abs(sharp - 0.5).max() > 0.4


def test_copies_of_a_texture_stay_in_place() -> None:
    ramp = np.broadcast_to(np.arange(101, dtype=np.float32)[None, :, None] + 0.5, (37, 101, 1))
    texture = Texture(ramp, left=-3)
    texture.prepare(8.0)
    places = np.stack(np.meshgrid([20.0, 40.0], [18.0]), axis=-1).astype(np.float32)
    for shrinking in (1.0, 2.0, 4.0):
        values = texture.sample(places, shrinking, 0)
        np.testing.assert_allclose(values[..., 0], places[..., 0] + 3, atol=0.05)


# Cost


def test_frames_stream() -> None:
    picture, layered = disc_picture(SIZE)

    def peak(frames: int) -> int:
        tracks = paths([[40, 40], [80, 70]], [[60, 45], [82, 70]], SIZE, frames)
        renderer = LayersRenderer(picture, layered, tracks)
        tracemalloc.start()
        for frame in range(frames):
            renderer.draw(frame)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(24) < 1.2 * peak(4)


def test_preparation_can_be_stopped() -> None:
    picture, layered = disc_picture(SIZE)

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        LayersRenderer(picture, layered, paths([[40, 40]], [[60, 45]], SIZE), stop)


def test_faint_traces_of_a_layer_fade_as_it_leaves() -> None:
    picture, layered = disc_picture(SIZE)
    rim = layered.filled & (layered.layers[0].alpha == 0)
    # On the side that it leaves.
    rim[:, 30:] = False
    # What the opacity missed: the picture differs from the plate there.
    stained = np.where(rim[..., None], np.float32(1), picture)
    tracks = paths([[40, 40], [80, 70]], [[84, 40], [80, 70]], SIZE, frames=221)
    renderer = LayersRenderer(stained, layered, tracks)
    off = [np.abs(renderer.draw(frame)[0] - stained)[rim].mean() for frame in range(4)]
    assert off[0] == 0 and 0 < off[1] < 0.6 * off[3]
    np.testing.assert_allclose(renderer.draw(220)[0][rim], layered.plate[rim], atol=1e-4)


def test_what_the_frame_cuts_off_goes_on_without_a_second_copy_of_a_light() -> None:
    alpha = np.zeros((80, 96), np.float32)
    alpha[20:60, :40] = 1
    colour = np.broadcast_to(np.float32([0.7, 0.4, 0.1]), (80, 96, 3)).copy()
    colour[40, 6] = 1
    plate = np.full((80, 96, 3), 0.2, np.float32)
    layered = LayeredPicture((Layer(alpha, colour, np.array([0])),), plate, alpha > 0, NONE)
    tracks = paths([[15, 40]], [[35, 40]], SIZE)
    frame, _ = LayersRenderer(layered.composited(), layered, tracks).draw(4)
    np.testing.assert_allclose(frame[40, 26], 1, atol=0.02)
    np.testing.assert_allclose(frame[24:56, :18], colour[24:56, 40:58], atol=0.05)
