"""Moves, keys and offsets as people write them."""

from __future__ import annotations

import json

import pytest
import torch

from motion_core.camera.keyframes import path_from_keys
from motion_core.camera.moves import CameraMove, make_path
from motion_core.camera.points import random_points
from motion_core.camera.script import keys_from_json, moves_from_text, offsets_from_text
from motion_core.camera.setup import CameraSetup
from motion_core.errors import FormatError
from motion_core.geometry import Size
from motion_core.tracks import make_tracks
from motion_core.tracks.start import track_starts

from .views import SIZE, camera_centres, lens

SETUP = CameraSetup(SIZE, lens(), torch.tensor([0.0, 0.0, 5.0], dtype=torch.float64), 9)


def test_lines_of_text_are_moves() -> None:
    text = "orbit_left 30\n\n  dolly_in 0.4 share=2 easing=linear # closer\nhandheld seed=7\n"
    text += "truck_left -1.5 unit=scene"
    assert moves_from_text(text) == [
        CameraMove("orbit_left", 30.0),
        CameraMove("dolly_in", 0.4, easing="linear", share=2.0),
        CameraMove("handheld", seed=7),
        CameraMove("truck_left", -1.5, unit="scene"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no moves"),
        ("# nothing", "no moves"),
        ("orbit_left\nfly 3", "line 2: unknown camera move 'fly'"),
        ("orbit_left far", "line 1: could not convert"),
        ("orbit_left 3 4", "line 1: '4' is none of"),
        ("orbit_left 3 speed=2", "line 1: 'speed' is none of"),
        ("orbit_left 3 share=0", "line 1: .*share must be above 0"),
        ("orbit_left 3 easing=fast", "line 1: easing must be one of"),
        ("orbit_left nan", "line 1: .*finite"),
        ("dolly_in 1 unit=feet", "line 1: .*unit must be"),
    ],
)
def test_what_is_no_move_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        moves_from_text(text)


def test_keys_stand_and_look_where_they_say() -> None:
    rows = [
        {"t": 0},
        {"t": 0.5, "position": [0.2, -0.1, 0.4], "easing": "ease_in"},
        {"t": 1, "pan_deg": 90, "zoom": 2},
    ]
    keys = keys_from_json(json.dumps(rows), SETUP)
    path = path_from_keys(keys, SETUP)
    assert torch.equal(path.T_cam_world[0], torch.eye(4, dtype=torch.float64))
    assert camera_centres(path.T_cam_world[4]).tolist() == pytest.approx([1.0, -0.5, 2.0])
    assert keys[1].easing == "ease_in"
    # Panned to the right by a right angle, the camera looks along +x.
    assert path.T_cam_world[-1, 2, :3].tolist() == pytest.approx([1.0, 0.0, 0.0], abs=1e-9)
    assert float(path.K[-1, 0, 0] / path.K[0, 0, 0]) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("turn", "looks", "top"),
    [
        ({"tilt_deg": 30}, (0, -0.5, 0.866025), (0, -0.866025, -0.5)),
        ({"roll_deg": 90}, (0, 0, 1), (1, 0, 0)),
        ({"pan_deg": -90, "tilt_deg": 0}, (-1, 0, 0), (0, -1, 0)),
    ],
)
def test_turns_go_right_and_up(turn: dict, looks: tuple, top: tuple) -> None:
    (key,) = keys_from_json(json.dumps([{"t": 0, **turn}]), SETUP)
    rotation = key.T_cam_world[:3, :3]
    assert rotation[2].tolist() == pytest.approx(looks, abs=1e-5)
    assert (-rotation[1]).tolist() == pytest.approx(top, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "at least one key"),
        ('{"t": 0}', "JSON list"),
        ("[3]", "key 0: expected t"),
        ('[{"position": [0, 0, 0]}]', "key 0: expected t"),
        ('[{"t": 0}, {"t": 1, "speed": 2}]', "key 1: expected t and any of"),
        ('[{"t": 0, "position": [0, 0]}]', "key 0: position must be three numbers"),
        ('[{"t": 0, "position": [0, 0, "far"]}]', "key 0: expected a finite number"),
        ('[{"t": 0, "pan_deg": NaN}]', "NaN is not a JSON number"),
        ('[{"t": true}]', "key 0: expected a finite number"),
        ('[{"t": 0, "easing": "fast"}]', "key 0: easing must be one of"),
    ],
)
def test_what_is_no_key_is_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        keys_from_json(text, SETUP)


def test_offsets_run_straight_between_their_times() -> None:
    assert offsets_from_text("0.25:0 0.75:2", 5).tolist() == [0, 0, 1, 2, 2]
    assert offsets_from_text("1.5", 3).tolist() == [1.5, 1.5, 1.5]
    assert offsets_from_text("0:1 1:3", 1).tolist() == [1]


@pytest.mark.parametrize("line", ["", "a:1", "0:0 0:1", "0:0 2:1", "0:nan", "1:0 0:1", "0:1:2"])
def test_other_offsets_are_refused(line: str) -> None:
    with pytest.raises(FormatError):
        offsets_from_text(line, 5)


def test_random_points_lie_on_the_canvas_and_depend_on_the_seed() -> None:
    size = Size(30, 20)
    points = random_points(size, 5000, 1)
    assert torch.equal(points, random_points(size, 5000, 1))
    assert not torch.equal(points, random_points(size, 5000, 2))
    assert bool((points >= 0).all()) and bool((points < torch.tensor(size)).all())
    assert points.mean(dim=0).tolist() == pytest.approx([15.0, 10.0], abs=0.5)
    assert random_points(size, 0, 1).shape == (0, 2)
    with pytest.raises(ValueError, match="0 or more"):
        random_points(size, -1, 1)


def test_tracks_start_where_they_are_first_visible() -> None:
    xy = torch.arange(12.0).view(3, 2, 2)
    visible = torch.tensor([[False, False], [True, False], [True, False]])
    starts = track_starts(make_tracks(xy, SIZE, visible=visible)).xy
    assert starts.tolist() == [[4.0, 5.0], [2.0, 3.0]]


def test_written_moves_make_a_path() -> None:
    path = make_path(
        moves_from_text("pan_left 10 easing=linear\npan_right 10 easing=linear"), SETUP
    )
    assert torch.allclose(path.T_cam_world[-1], torch.eye(4, dtype=torch.float64), atol=1e-12)
