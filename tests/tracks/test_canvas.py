from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motion_core.errors import CanvasError
from motion_core.geometry import Size
from motion_core.tracks import Tracks, crop, fit, flip, make_tracks, pad, scale_to, transform

from .clips import assert_same, random_tracks, sizes, tracks_strategy

borders = st.integers(0, 50)
angles = st.floats(-720, 720)


def one_point(x: float, y: float, size: Size) -> Tracks:
    return make_tracks(torch.tensor([[[x, y]]]), size)


@given(tracks=tracks_strategy(), a=sizes, b=sizes)
def test_scaling_twice_is_scaling_once(tracks: Tracks, a: Size, b: Size) -> None:
    assert_same(scale_to(scale_to(tracks, a), b), scale_to(tracks, b), atol=1e-3)
    assert_same(scale_to(scale_to(tracks, a), tracks.size), tracks, atol=1e-3)
    assert_same(scale_to(tracks, tracks.size), tracks)
    assert_same(fit(tracks, a), scale_to(tracks, a))


def test_pixels_have_corners() -> None:
    halved = scale_to(one_point(0.5, 0.5, Size(4, 4)), Size(2, 8))
    assert halved.xy.flatten().tolist() == [0.25, 1.0]
    corner = scale_to(one_point(4, 4, Size(4, 4)), Size(2, 8))
    assert corner.xy.flatten().tolist() == [2, 8]


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        # The corner (0, 0) and the middle of a 40x20 picture brought to 30x30.
        ("stretch", [[0, 0], [15, 15]]),
        ("cover", [[-15, 0], [15, 15]]),
        ("contain", [[0, 7.5], [15, 15]]),
    ],
)
def test_fit_brings_the_picture_where_its_name_says(mode, wanted: list) -> None:
    tracks = make_tracks(torch.tensor([[[0.0, 0.0], [20.0, 10.0]]]), Size(40, 20))
    assert fit(tracks, Size(30, 30), mode).xy[0].tolist() == wanted


@given(tracks=tracks_strategy(least_frames=1, least_points=2), size=sizes)
def test_cover_and_contain_keep_the_aspect(tracks: Tracks, size: Size) -> None:
    ratios = size.width / tracks.size.width, size.height / tracks.size.height
    for mode, factor in (("cover", max(ratios)), ("contain", min(ratios))):
        got = fit(tracks, size, mode)  # pyright: ignore[reportArgumentType]
        before = (tracks.xy[:, 1:] - tracks.xy[:, :1]).norm(dim=-1)
        after = (got.xy[:, 1:] - got.xy[:, :1]).norm(dim=-1)
        torch.testing.assert_close(after, before * factor, rtol=1e-3, atol=1e-2)


@given(tracks=tracks_strategy(), size=sizes)
def test_cover_undoes_contain(tracks: Tracks, size: Size) -> None:
    assert_same(fit(fit(tracks, size, "contain"), tracks.size, "cover"), tracks, atol=0.05)


@given(tracks=tracks_strategy(), left=borders, top=borders, right=borders, bottom=borders)
def test_crop_undoes_pad(tracks: Tracks, left: int, top: int, right: int, bottom: int) -> None:
    padded = pad(tracks, left, top, right, bottom)
    assert padded.size == (tracks.size.width + left + right, tracks.size.height + top + bottom)
    assert_same(crop(padded, left, top, tracks.size), tracks, atol=1e-4)


@given(tracks=tracks_strategy(), data=st.data())
def test_pad_undoes_crop(tracks: Tracks, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, tracks.size.width))
    height = data.draw(st.integers(1, tracks.size.height))
    right = data.draw(st.integers(0, tracks.size.width - width))
    bottom = data.draw(st.integers(0, tracks.size.height - height))
    left, top = tracks.size.width - width - right, tracks.size.height - height - bottom
    cropped = crop(tracks, left, top, Size(width, height))
    assert_same(pad(cropped, left, top, right, bottom), tracks, atol=1e-4)


def test_crop_moves_the_origin() -> None:
    cropped = crop(one_point(10, 20, Size(64, 48)), 4, 6, Size(32, 32))
    assert cropped.xy.flatten().tolist() == [6, 14]
    assert cropped.size == (32, 32)


@pytest.mark.parametrize(
    ("left", "top", "size"),
    [(-1, 0, Size(4, 4)), (0, -1, Size(4, 4)), (7, 0, Size(4, 4)), (0, 0, Size(11, 4))],
)
def test_crop_refuses_what_is_not_on_the_canvas(left: int, top: int, size: Size) -> None:
    with pytest.raises(CanvasError, match="does not lie on the canvas of 10x10"):
        crop(random_tracks(2, 2, Size(10, 10)), left, top, size)


@given(tracks=tracks_strategy(), direction=st.sampled_from(["horizontal", "vertical"]))
def test_flipping_twice_changes_nothing(tracks: Tracks, direction) -> None:
    assert_same(flip(flip(tracks, direction), direction), tracks, atol=1e-4)


def test_flip_mirrors_pixel_centres_onto_pixel_centres() -> None:
    tracks = one_point(0.5, 1.5, Size(10, 20))
    assert flip(tracks, "horizontal").xy.flatten().tolist() == [9.5, 1.5]
    assert flip(tracks, "vertical").xy.flatten().tolist() == [0.5, 18.5]


@given(tracks=tracks_strategy())
def test_both_flips_are_half_a_turn(tracks: Tracks) -> None:
    both = flip(flip(tracks, "horizontal"), "vertical")
    assert_same(transform(tracks, rotate_deg=180), both, atol=1e-3)


@given(tracks=tracks_strategy(), angle=angles, scale=st.floats(0.1, 10))
def test_transform_can_be_undone(tracks: Tracks, angle: float, scale: float) -> None:
    there = transform(tracks, rotate_deg=angle, scale=scale, about=(3, 7))
    back = transform(there, rotate_deg=-angle, scale=1 / scale, about=(3, 7))
    assert_same(back, tracks, atol=0.02)
    assert_same(transform(tracks), tracks, atol=1e-4)


@given(tracks=tracks_strategy(least_frames=1), a=angles, b=angles)
def test_turns_add_up(tracks: Tracks, a: float, b: float) -> None:
    twice = transform(transform(tracks, rotate_deg=a), rotate_deg=b)
    assert_same(twice, transform(tracks, rotate_deg=a + b), atol=0.01)


def test_transform_turns_clockwise_about_the_point_and_then_shifts() -> None:
    # From right of the pivot a quarter turn clockwise on the screen leads below it.
    tracks = one_point(8, 5, Size(10, 10))
    turned = transform(tracks, dx=1, dy=-2, rotate_deg=90, scale=2, about=(5, 5))
    assert turned.xy.flatten().tolist() == pytest.approx([5 + 1, 5 + 6 - 2], abs=1e-5)
    assert transform(tracks, rotate_deg=180).xy.flatten().tolist() == pytest.approx([2, 5])


@given(tracks=tracks_strategy(least_frames=1), angle=angles, scale=st.floats(0.1, 10))
def test_transform_is_multiplication_by_a_complex_number(
    tracks: Tracks, angle: float, scale: float
) -> None:
    points = tracks.xy.double().numpy() @ np.array([1, 1j])
    pivot, step = 3 + 7j, 2 - 5j
    turn = scale * np.exp(1j * math.radians(angle))
    wanted = (points - pivot) * turn + pivot + step
    got = transform(tracks, dx=2, dy=-5, rotate_deg=angle, scale=scale, about=(3, 7))
    np.testing.assert_allclose(got.xy.double().numpy() @ np.array([1, 1j]), wanted, atol=0.02)


BAD = [math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("name", ["dx", "dy", "rotate_deg", "scale"])
@pytest.mark.parametrize("value", BAD)
def test_transform_refuses_what_is_not_finite(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be finite"):
        transform(random_tracks(2, 2, Size(10, 10)), **{name: value})


def test_canvas_functions_refuse_bad_values() -> None:
    tracks = random_tracks(2, 2, Size(10, 10))
    for scale in (0, -1):
        with pytest.raises(ValueError, match="scale must be above 0"):
            transform(tracks, scale=scale)
    with pytest.raises(TypeError, match="about must be"):
        transform(tracks, about=5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="about must be finite"):
        transform(tracks, about=(0, math.nan))
    with pytest.raises(TypeError, match="dx must be a number"):
        transform(tracks, dx="1")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="finite"):
        transform(tracks, scale=1e300)
    with pytest.raises(ValueError, match="left must be 0 or more"):
        pad(tracks, -1)
    with pytest.raises(TypeError, match="right must be a whole number"):
        pad(tracks, right=1.5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="canvas width"):
        pad(tracks, 10**9)
    with pytest.raises(ValueError, match="'stretch', 'cover' or 'contain'"):
        fit(tracks, Size(5, 5), "fill")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="'horizontal' or 'vertical'"):
        flip(tracks, "x")  # pyright: ignore[reportArgumentType]
    for size in (Size(0, 5), Size(5, -1)):
        with pytest.raises(ValueError, match="canvas"):
            scale_to(tracks, size)
