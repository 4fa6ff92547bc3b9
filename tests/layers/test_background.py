"""Tracks without pins: what of them is the background, and what they outline."""

from __future__ import annotations

import numpy as np
import torch

from motion_core.geometry import Size
from motion_core.layers import take_apart
from motion_core.layers.background import segments_over_background
from motion_core.layers.densifier import LayersDensifier
from motion_core.layers.track_motion import motion_of
from motion_core.layers.track_outlines import COLOUR, NEARNESS, SALIENCY, labelled_cells
from motion_core.tracks import Tracks, empty_tracks, make_tracks

from .pictures import CENTRE, FRAMES, SIZE, disc_alpha, disc_picture, group, overlap, tracks_of

AROUND = [(15.0, 15.0), (140.0, 20.0), (20.0, 100.0), (130.0, 95.0)]


def measured(points: list[tuple[float, float]], by: np.ndarray, noise: float = 0.15) -> Tracks:
    """Points that move evenly, as a tracker finds them: never quite at rest."""
    random = np.random.default_rng(0)
    part = np.linspace(0, 1, FRAMES)[:, None, None]
    xy = np.array(points) + part * by + noise * random.standard_normal((FRAMES, len(points), 2))
    return make_tracks(torch.from_numpy(xy.astype(np.float32)), SIZE)


def test_few_tracks_that_move_alike_all_over_the_picture_are_the_camera() -> None:
    tracks = measured(AROUND, np.array([30.0, 5.0]))
    layered = take_apart(disc_picture(), tracks)
    assert layered.layers == ()
    assert sorted(layered.background_tracks) == [0, 1, 2, 3]
    end = LayersDensifier()(disc_picture(), tracks).displacement[-1]
    np.testing.assert_allclose(end.mean((0, 1)), [30, 5], atol=1)


def test_one_track_on_what_does_not_stand_out_moves_the_picture() -> None:
    assert take_apart(disc_picture(), tracks_of([(140, 20)], pinned=[])).layers == ()


def test_one_track_on_a_thing_moves_the_thing() -> None:
    assert len(take_apart(disc_picture(), tracks_of([CENTRE], pinned=[])).layers) == 1


def test_one_measured_track_that_goes_far_moves_the_picture() -> None:
    by = np.array([0.6 * SIZE.width, 0.0])
    assert take_apart(disc_picture(), measured([CENTRE], by)).layers == ()
    assert len(take_apart(disc_picture(), measured([CENTRE], by / 2)).layers) == 1
    drawn = measured([CENTRE], by, noise=0)
    assert len(take_apart(disc_picture(), drawn).layers) == 1, "a drawn path is smooth"


def test_the_camera_rests_where_a_quarter_of_the_tracks_jitters() -> None:
    """Two of four tracks move as a zoom would move them; the other two say that there is none."""
    by = np.array([[0.1, 0.0], [0.0, 0.1], [-9.0, 6.0], [9.0, 7.0]])
    segments, pinned = segments_over_background(
        motion_of(measured(AROUND, by, noise=0.02)), lambda points: True
    )
    assert not pinned and not segments.background_moves
    assert set(segments.background) >= {0, 1}


def test_no_tracks_no_segments() -> None:
    segments, pinned = segments_over_background(
        motion_of(empty_tracks(0, SIZE)), lambda points: True
    )
    assert pinned and segments.over == () and len(segments.background) == 0


def test_a_jitter_is_no_motion() -> None:
    assert take_apart(disc_picture(), measured(AROUND, np.zeros(2))).layers == ()


def test_measured_tracks_outline_a_thing() -> None:
    points = [*AROUND, (70.0, 12.0), (75.0, 108.0), (18.0, 60.0), *group(step=16)]
    by = np.zeros((len(points), 2))
    by[7:] = [25.0, 0.0]
    tracks = measured(points, by)
    (layer,) = take_apart(disc_picture(), tracks).layers
    assert sorted(layer.tracks) == list(range(7, 16))
    assert overlap(layer.alpha, disc_alpha()) > 0.75
    column, row = np.floor(points).astype(int).T
    assert layer.alpha[row, column][7:].min() > 0.5 > layer.alpha[row, column][:7].max()


def test_pins_differ_from_measured_points() -> None:
    drawn = motion_of(tracks_of(group()))
    segments, pinned = segments_over_background(drawn, lambda points: True)
    assert pinned and sorted(segments.background) == [9, 10, 11, 12]
    found = motion_of(measured(AROUND, np.zeros(2)))
    segments, pinned = segments_over_background(found, lambda points: True)
    assert not pinned and len(segments.background) == 4


def test_cells_take_the_label_with_the_largest_share() -> None:
    """Against a plain sum over all tracks; cells with nearly equal shares are left out."""
    import cv2

    random = np.random.default_rng(1)
    size = Size(24, 16)
    picture = random.random((size.height, size.width, 3)).astype(np.float32)
    salient = random.random((size.height, size.width)).astype(np.float32)
    places = random.random((7, 2)) * np.array(size)
    labels = np.array([0, 1, 2, 0, 1, 2, 2])
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB) / 100
    lab = cv2.GaussianBlur(lab, (0, 0), 24 / 64)
    shares = np.zeros((size.height, size.width, 3))
    for row in range(size.height):
        for column in range(size.width):
            away = np.maximum(np.hypot(*(places - [column + 0.5, row + 0.5]).T), 0.7)
            for k, (x, y) in enumerate(np.floor(places).astype(int)):
                tone = COLOUR * (lab[row, column] - lab[y, x])
                other = SALIENCY * (salient[row, column] - salient[y, x])
                unlike = np.sqrt((tone**2).sum() + other**2)
                shares[row, column, labels[k]] += away[k] ** -NEARNESS * np.exp(-unlike)
    shares /= shares.sum(-1, keepdims=True)
    shares = np.stack([cv2.GaussianBlur(shares[..., k], (0, 0), 1.0) for k in range(3)], -1)
    found = labelled_cells(picture, salient, places, labels)
    ranked = np.sort(shares, axis=-1)
    clear = ranked[..., -1] - ranked[..., -2] > 1e-4
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(found[clear], shares.argmax(-1)[clear])
