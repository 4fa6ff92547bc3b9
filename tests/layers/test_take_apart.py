"""A picture taken apart: what is cut out, what lies behind, and what is refused."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

from motion_core.errors import CanvasError, ShapeError
from motion_core.geometry import Size
from motion_core.layers import take_apart
from motion_core.tracks import empty_tracks, make_tracks

from .pictures import (
    CENTRE,
    RADIUS,
    SIZE,
    background,
    disc_alpha,
    disc_picture,
    group,
    overlap,
    tracks_of,
)


def test_a_dragged_disc_is_one_layer_over_the_filled_background() -> None:
    picture = disc_picture()
    layered = take_apart(picture, tracks_of(group()))
    (layer,) = layered.layers
    assert overlap(layer.alpha, disc_alpha()) > 0.95
    assert sorted(layer.tracks) == list(range(9))
    assert sorted(layered.background_tracks) == [9, 10, 11, 12]
    assert layered.filled[disc_alpha() > 0.05].all()
    assert np.abs(layered.plate - background())[layered.filled].mean() < 0.06
    np.testing.assert_array_equal(layered.plate[~layered.filled], picture.numpy()[~layered.filled])


def test_one_dragged_point_is_enough() -> None:
    (layer,) = take_apart(disc_picture(), tracks_of([CENTRE])).layers
    assert overlap(layer.alpha, disc_alpha()) > 0.95


def test_no_pins_are_needed() -> None:
    (layer,) = take_apart(disc_picture(), tracks_of(group(), pinned=[])).layers
    assert overlap(layer.alpha, disc_alpha()) > 0.95


def test_a_hole_is_no_part_of_the_thing() -> None:
    ring = disc_alpha(radius=40, hole=20)
    around = [(CENTRE[0] + 30 * np.cos(a), CENTRE[1] + 30 * np.sin(a)) for a in range(6)]
    tracks = tracks_of(around, [CENTRE, (8, 8), (150, 8), (8, 110), (150, 110)])
    (layer,) = take_apart(disc_picture(ring), tracks).layers
    assert overlap(layer.alpha, ring) > 0.9


def test_a_pin_on_the_thing_holds_its_part_of_it() -> None:
    dragged = [(CENTRE[0], CENTRE[1] - 16), (CENTRE[0] + 6, CENTRE[1] - 16)]
    pin = (CENTRE[0], CENTRE[1] + 14)
    layered = take_apart(disc_picture(), tracks_of(dragged, [pin, (8, 8), (150, 8)]))
    (layer,) = layered.layers
    assert overlap(layer.alpha, disc_alpha()) > 0.95
    assert layer.alpha[int(pin[1]), int(pin[0])] > 0.95
    assert sorted(layer.tracks) == [0, 1, 2]
    assert sorted(layered.background_tracks) == [3, 4]


def test_a_thing_cut_by_the_frame_reaches_the_frame() -> None:
    wanted = disc_alpha(centre=(4.0, 60.0), radius=40)
    tracks = tracks_of(group((14.0, 60.0)), [(100, 8), (150, 60), (100, 110)])
    (layer,) = take_apart(disc_picture(wanted), tracks).layers
    assert overlap(layer.alpha, wanted) > 0.93
    assert layer.alpha[50:70, 0].min() > 0.9


def two_discs() -> tuple[np.ndarray, np.ndarray]:
    return disc_alpha(centre=(40, 60), radius=24), disc_alpha(centre=(118, 60), radius=24)


def test_two_things_are_two_layers_the_faster_one_in_front() -> None:
    slow, fast = two_discs()
    by = [(0.0, 10.0)] * 9 + [(0.0, -30.0)] * 9
    drags = tracks_of(group((40, 60)) + group((118, 60)), by=[*by], pinned=[(79, 60), (79, 10)])
    layered = take_apart(disc_picture(slow, fast), drags)
    below, above = layered.layers
    assert overlap(below.alpha, slow) > 0.9
    assert overlap(above.alpha, fast) > 0.9
    assert sorted(layered.layers[1].tracks) == list(range(9, 18))


def test_parts_of_one_thing_that_move_differently_share_its_layer() -> None:
    by = [(0.0, 12.0)] * 2 + [(0.0, -12.0)] * 2
    tracks = tracks_of([(54, 60), (54, 66), (86, 60), (86, 54)], by=by)
    (layer,) = take_apart(disc_picture(), tracks).layers
    assert sorted(layer.tracks) == [0, 1, 2, 3]
    assert overlap(layer.alpha, disc_alpha()) > 0.9


def test_parts_that_are_torn_apart_get_layers_of_their_own() -> None:
    by = [(-60.0, 0.0)] * 9 + [(60.0, 0.0)] * 9
    tracks = tracks_of(group((58, 60), 4) + group((82, 60), 4), by=by)
    layered = take_apart(disc_picture(), tracks)
    assert len(layered.layers) == 2
    left, right = sorted(layered.layers, key=lambda layer: int(layer.tracks.min()))
    assert left.alpha[60, 58] > 0.9 and right.alpha[60, 58] < 0.1
    assert right.alpha[60, 82] > 0.9 and left.alpha[60, 82] < 0.1


def test_a_camera_move_gives_no_layers() -> None:
    points = [(float(x), float(y)) for x in range(10, 160, 30) for y in range(10, 120, 25)]
    picture = disc_picture()
    layered = take_apart(picture, tracks_of(points, pinned=[], by=(20.0, 5.0)))
    assert layered.layers == () and not layered.filled.any()
    np.testing.assert_array_equal(layered.plate, picture.numpy())
    assert len(layered.background_tracks) == len(points)


@pytest.mark.parametrize("tracks", [empty_tracks(4, SIZE), tracks_of([])])
def test_nothing_moves(tracks) -> None:
    assert take_apart(disc_picture(), tracks).layers == ()


def test_a_thing_covers_the_points_that_move_it_also_beside_its_outline() -> None:
    beside = (CENTRE[0] + RADIUS + 2.5, CENTRE[1])
    (layer,) = take_apart(disc_picture(), tracks_of([*group(), beside])).layers
    assert sorted(layer.tracks) == list(range(10))
    assert layer.alpha[int(beside[1]), int(beside[0])] > 0.5


def test_a_drag_on_featureless_sky_takes_a_soft_part_of_it() -> None:
    sky = torch.full((120, 160, 3), 0.6)
    layered = take_apart(sky, tracks_of(group()))
    (layer,) = layered.layers
    column, row = np.array(group()).astype(int).T
    assert layer.alpha[row, column].min() > 0.95
    assert layer.alpha[8, 8] == layer.alpha[110, 150] == 0
    np.testing.assert_allclose(layered.plate, 0.6, atol=1e-3)


def test_contradictory_tracks_on_one_spot_stay_on_one_thing() -> None:
    by = [(10.0, 0.0), (-10.0, 0.0)]
    (layer,) = take_apart(disc_picture(), tracks_of([CENTRE, (72.0, 60.0)], by=by)).layers
    assert sorted(layer.tracks) == [0, 1]
    assert overlap(layer.alpha, disc_alpha()) > 0.9


def test_a_drag_that_starts_off_the_picture_moves_nothing() -> None:
    assert take_apart(disc_picture(), tracks_of([(-40.0, 60.0)])).layers == ()


def test_the_outline_is_given_by_a_mask() -> None:
    square = torch.zeros(2, 120, 160)
    square[1, 44:76, 54:86] = 1
    square[0, :10, :10] = 1
    (layer,) = take_apart(
        disc_picture(), tracks_of(group(), [(58, 50), (8, 8)]), masks=square
    ).layers
    assert overlap(layer.alpha, square[1].numpy()) > 0.9
    # A pin inside of the mask holds its part of the thing.
    assert sorted(layer.tracks) == list(range(10))


def test_a_soft_mask_is_the_opacity() -> None:
    soft = torch.from_numpy(disc_alpha(radius=20)) * 0.7
    (layer,) = take_apart(disc_picture(), tracks_of(group(step=4)), masks=soft[None]).layers
    np.testing.assert_allclose(layer.alpha, soft.numpy())


def test_masks_that_leave_out_the_drag_are_refused() -> None:
    corner = torch.zeros(1, 120, 160)
    corner[0, :10, :10] = 1
    with pytest.raises(ValueError, match=r"track 0 at \(62, 52\) lies in none of the 1 masks"):
        take_apart(disc_picture(), tracks_of(group()), masks=corner)


@pytest.mark.parametrize(
    ("masks", "error", "text"),
    [
        (torch.zeros(120, 160), ShapeError, r"masks\[None\]"),
        (torch.zeros(1, 100, 300), CanvasError, "other proportions"),
        (torch.full((1, 120, 160), 255.0), ValueError, "0 to 1"),
        (torch.full((1, 120, 160), float("nan")), ValueError, "finite"),
    ],
)
def test_bad_masks_are_refused(masks, error, text) -> None:
    with pytest.raises(error, match=text):
        take_apart(disc_picture(), tracks_of(group()), masks=masks)


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(CanvasError, match="Fit the tracks"):
        take_apart(disc_picture()[:100], tracks_of(group()))


def test_a_picture_with_alpha_is_refused() -> None:
    with pytest.raises(ShapeError, match="Drop the alpha channel"):
        take_apart(torch.zeros(120, 160, 4), tracks_of(group()))


@pytest.mark.parametrize("size", [Size(16, 16), Size(16, 3), Size(1, 1)])
def test_tiny_pictures(size: Size) -> None:
    drag = tracks_of([(size.width / 2, size.height / 2)], [], by=(4.0, 0.0), size=size)
    layered = take_apart(torch.rand(size.height, size.width, 3), drag)
    assert layered.size == size
    assert all(np.isfinite(layer.colour).all() for layer in layered.layers)


def test_four_thousand_tracks() -> None:
    rng = np.random.default_rng(0)
    start = (rng.random((4096, 2)) * [160, 120]).astype(np.float32)
    inside = np.hypot(*(start - CENTRE).T) < 27
    shift = np.where(inside[:, None], [12.0, 0.0], 0.0).astype(np.float32)
    xy = torch.from_numpy(np.stack([start, start + shift]))
    layered = take_apart(disc_picture(), make_tracks(xy, SIZE))
    (layer,) = layered.layers
    assert overlap(layer.alpha, disc_alpha()) > 0.93
    assert inside[layer.tracks].all() and len(layer.tracks) == inside.sum()


def test_the_same_question_is_answered_from_memory_and_equally() -> None:
    picture, tracks = disc_picture(), tracks_of(group())
    first = take_apart(picture, tracks)
    assert take_apart(picture.clone(), tracks) is first
    changed = picture.clone()
    changed[0, 0, 0] += 0.1
    assert take_apart(changed, tracks) is not first


class Stop(Exception):
    """Raised by a progress that stops the work."""


def test_progress_rises_to_its_total_and_stops_the_work() -> None:
    picture = disc_picture() * 0.9
    calls: list[tuple[int, int]] = []

    def stopping(done: int, total: int) -> None:
        calls.append((done, total))
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        take_apart(picture, tracks_of(group()), progress=stopping)
    assert calls[-1][0] == 3
    calls.clear()
    take_apart(picture, tracks_of(group()), progress=lambda *step: calls.append(step))
    done = [one for one, _ in calls]
    assert done == sorted(done) and len(calls) >= 6
    assert calls[-1][0] == calls[-1][1]
    assert all(one <= total for one, total in calls)


@pytest.mark.slow
def test_a_large_picture_is_analysed_at_reduced_size(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("motion_core.layers.analysis")
    filling = importlib.import_module("motion_core.layers.plate")
    sides: dict[str, int] = {}

    def noted(name: str, function):
        def call(picture, *rest):
            sides[name] = max(picture.shape[:2])
            return function(picture, *rest)

        return call

    monkeypatch.setattr(module, "PictureCutter", noted("cut", module.PictureCutter))
    monkeypatch.setattr(filling, "fill_by_example", noted("fill", filling.fill_by_example))
    size = Size(2560, 1440)
    alpha = disc_alpha(size, (1100, 700), 380)
    drag = tracks_of(
        [(1100.0 + dx, 700.0 + dy) for dx in (-150, 0, 150) for dy in (-150, 0, 150)],
        [(60.0, 60.0), (2500.0, 60.0), (2500.0, 1380.0)],
        by=(300.0, 0.0),
        size=size,
    )
    (layer,) = take_apart(disc_picture(alpha), drag).layers
    assert sides == {"cut": module.ANALYSIS_SIDE, "fill": filling.FILLED_SIDE}
    assert layer.alpha.shape == (1440, 2560)
    assert overlap(layer.alpha, alpha) > 0.97
