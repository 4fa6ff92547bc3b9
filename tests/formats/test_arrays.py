"""Array files of trackers and models, against files made with NumPy and torch alone."""

from __future__ import annotations

import io
import logging

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError
from motion_core.formats import read_tracks, write_tracks
from motion_core.geometry import Size
from motion_core.tracks.model import make_tracks

from .samples import walk

SIZE = Size(64, 48)
POSITIONS = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
VISIBLE = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 1]], dtype=bool)


def test_our_file_is_plain_numpy(tmp_path):
    write_tracks(tmp_path / "a.npz", walk())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["fps", "ids", "motion_tracks_version", "size", "visible", "xy"]
        assert arrays["motion_tracks_version"] == 1
        assert arrays["xy"].dtype == np.float32
        assert arrays["size"].tolist() == [64, 48]
        assert np.array_equal(arrays["xy"], walk().xy.numpy())


def test_our_file_made_by_hand_is_read(tmp_path):
    np.savez(
        tmp_path / "a.npz",
        motion_tracks_version=np.int64(1),
        xy=np.asfortranarray(POSITIONS),
        visible=VISIBLE,
        ids=np.array([9, 1, 4]),
        size=np.array([64, 48]),
    )
    tracks = read_tracks(tmp_path / "a.npz")
    assert np.array_equal(tracks.xy.numpy(), POSITIONS)
    assert tracks.ids.tolist() == [9, 1, 4]
    assert tracks.fps is None


def test_wan_move_pair(tmp_path):
    np.save(tmp_path / "dog_tracks.npy", POSITIONS[None].astype(">f8"))
    np.save(tmp_path / "dog_visibility.npy", VISIBLE[None])
    tracks = read_tracks(tmp_path / "dog_tracks.npy", size=SIZE, fps=16)
    assert np.array_equal(tracks.xy.numpy(), POSITIONS)
    assert np.array_equal(tracks.visible.numpy(), VISIBLE)
    assert tracks.fps == 16


def test_wan_move_writes_what_its_script_loads(tmp_path):
    tracks = walk()
    write_tracks(tmp_path / "dog_tracks.npy", tracks)
    positions = np.load(tmp_path / "dog_tracks.npy")
    visible = np.load(tmp_path / "dog_visibility.npy")
    assert (positions.shape, positions.dtype) == ((1, 5, 3, 2), np.float32)
    assert (visible.shape, visible.dtype) == ((1, 5, 3), np.bool_)
    assert np.array_equal(positions[0], tracks.xy.numpy())
    assert np.array_equal(visible[0], tracks.visible.numpy())


def test_a_lone_array_is_all_visible_and_logged(tmp_path, caplog):
    np.save(tmp_path / "dog.npy", POSITIONS)
    with caplog.at_level(logging.INFO):
        assert read_tracks(tmp_path / "dog.npy", size=SIZE).visible.all()
    assert "dog_visibility.npy" in caplog.text


def saved_ati(path, array):
    """As ATI's trajectory editor saves: a torch file of the bytes of a compressed npz."""
    held = io.BytesIO()
    np.savez_compressed(held, array=array)
    torch.save(held.getvalue(), path)


def test_ati_file(tmp_path):
    array = np.zeros((2, 121, 1, 3), dtype=np.float32)
    array[..., 2] = 8
    array[1, 30, 0] = (80.0, 44.0, 0.0)
    array[0, :, 0, 0] = np.arange(121) * 8
    saved_ati(tmp_path / "a.pth", array)
    tracks = read_tracks(tmp_path / "a.pth", size=SIZE)
    assert tracks.xy.shape == (121, 2, 2)
    assert tracks.xy[:, 0, 0].tolist() == list(range(121))
    assert tracks.xy[30, 1].tolist() == [10.0, 5.5]
    assert tracks.visible.sum() == 241
    assert not tracks.visible[30, 1]


def test_ati_writes_what_its_script_loads(tmp_path):
    xy = torch.tensor([[[0.0, 6.0]], [[60.0, 6.0]]])
    write_tracks(tmp_path / "a.pth", make_tracks(xy, SIZE))
    with np.load(io.BytesIO(torch.load(tmp_path / "a.pth", weights_only=True))) as arrays:
        array = arrays["array"]
    assert (array.shape, array.dtype) == ((1, 121, 1, 3), np.float32)
    assert array[0, :, 0, 0].tolist() == pytest.approx((np.arange(121) * 4.0).tolist())
    assert (array[0, :, 0, 1:] == [48.0, 8.0]).all()


def test_tapvid_fractions(tmp_path):
    points = np.array([[[0.5, 0.25], [1.0, 0.0]], [[0.0, 1.0], [9.0, 9.0]]], dtype=np.float32)
    occluded = np.array([[False, False], [False, True]])
    np.savez(tmp_path / "a.npz", points=points, occluded=occluded)
    tracks = read_tracks(tmp_path / "a.npz", size=SIZE)
    assert tracks.xy[0].tolist() == [[32.0, 12.0], [0.0, 48.0]]
    assert tracks.visible.tolist() == [[True, True], [True, False]]


def test_tapvid_with_a_stray_point_stays_in_fractions(tmp_path, caplog):
    points = np.full((20, 4, 2), 0.5, dtype=np.float32)
    points[3, 2] = [2.6, 0.5]
    np.savez(tmp_path / "a.npz", points=points, occluded=np.zeros((20, 4), bool))
    tracks = read_tracks(tmp_path / "a.npz", size=SIZE)
    assert tracks.xy[0, 0].tolist() == [32.0, 24.0]
    assert "1 of 80 visible points" in caplog.text


@pytest.mark.parametrize("pixels", [6, 10, 14])
def test_tapvid_of_two_units_is_refused(tmp_path, pixels):
    points = np.full((20, 4, 2), 0.5, dtype=np.float32)
    points[:pixels] *= 60
    np.savez(tmp_path / "a.npz", points=points, occluded=np.zeros((20, 4), bool))
    with pytest.raises(FormatError, match=rf"{80 - 4 * pixels} of 80 visible.*one unit"):
        read_tracks(tmp_path / "a.npz", size=SIZE)


def test_tapvid_pixels_are_taken_as_pixels_and_logged(tmp_path, caplog):
    points = POSITIONS.transpose(1, 0, 2)
    np.savez(tmp_path / "a.npz", points=points, occluded=~VISIBLE.T)
    with caplog.at_level(logging.INFO):
        tracks = read_tracks(tmp_path / "a.npz", size=SIZE)
    assert np.array_equal(tracks.xy.numpy(), POSITIONS)
    assert "taken for pixels" in caplog.text


def test_tapvid_with_its_video_knows_its_canvas(tmp_path):
    video = np.zeros((4, 48, 64, 3), dtype=np.uint8)
    points = np.full((1, 4, 2), 0.5, dtype=np.float32)
    np.savez(tmp_path / "a.npz", points=points, occluded=np.zeros((1, 4), bool), video=video)
    tracks = read_tracks(tmp_path / "a.npz")
    assert tracks.size == SIZE
    assert tracks.xy[3, 0].tolist() == [32.0, 24.0]


@pytest.mark.parametrize("names", [("tracks", "visibility"), ("pred_tracks", "pred_visibility")])
def test_cotracker_counts_from_pixel_centres(tmp_path, names):
    np.savez(tmp_path / "a.npz", **{names[0]: POSITIONS[None], names[1]: VISIBLE[None, ..., None]})
    tracks = read_tracks(tmp_path / "a.npz", size=SIZE)
    assert np.array_equal(tracks.xy.numpy(), POSITIONS + 0.5)
    assert np.array_equal(tracks.visible.numpy(), VISIBLE)


def test_cotracker_writes_the_centre_of_the_first_pixel_as_zero(tmp_path):
    write_tracks(
        tmp_path / "a.npz", make_tracks(torch.full((1, 1, 2), 0.5), SIZE), format="cotracker"
    )
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["tracks"].tolist() == [[[[0.0, 0.0]]]]
        assert arrays["visibility"].tolist() == [[[True]]]


@pytest.mark.parametrize("name", ["a.npz", "a_tracks.npy", "a.pth", "a.json", "a.csv"])
def test_a_missing_canvas_is_asked_for(tmp_path, name):
    write_tracks(tmp_path / name, walk(), format="tapvid" if name == "a.npz" else None)
    with pytest.raises(FormatError, match=f"{name}: .*give its size"):
        read_tracks(tmp_path / name)
