"""What is no track near a canvas is refused, and writers refuse what the readers would."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from motion_core.errors import FormatError
from motion_core.formats import FORMATS, from_host, parse_coordinates, read_tracks, write_tracks
from motion_core.formats.assembly import in_pixels
from motion_core.geometry import Size
from motion_core.tracks.frame_rate import checked_rate
from motion_core.tracks.model import Tracks, empty_tracks, make_tracks

from .samples import walk

SIZE = Size(64, 48)


def test_positions_up_to_a_thousand_million_pixels_are_read() -> None:
    far = [[{"x": 1e9, "y": -1e9}]]
    assert parse_coordinates(far, SIZE).xy.tolist() == [[[1e9, -1e9]]]
    for beyond in (1.1e9, 3e38):
        with pytest.raises(FormatError, match="frame 0, track 0: expected finite pixels"):
            parse_coordinates([[{"x": beyond, "y": 0}]], SIZE)


def test_an_invisible_place_may_be_anywhere() -> None:
    value = {"track_path": torch.full((1, 1, 2), 3e38), "canvas": (64, 48)}
    value["track_visibility"] = torch.zeros(1, 1, dtype=torch.bool)
    assert not from_host(value).visible.any()
    value["track_visibility"] = ~value["track_visibility"]
    with pytest.raises(FormatError, match="at most 1e"):
        from_host(value)


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_no_writer_writes_what_is_refused(entry, tmp_path: Path) -> None:
    tracks = make_tracks(torch.full((2, 1, 2), 3e38), SIZE)
    with pytest.raises(FormatError, match="at most 1e"):
        write_tracks(tmp_path / f"a{entry.suffixes[0]}", tracks, format=entry.name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("limit", "name", "says"),
    [
        ("json_text.MAX_JSON_CHARACTERS", "coordinates", "characters of JSON"),
        ("json_text.MAX_JSON_CHARACTERS", "pairs", "characters of JSON"),
        ("json_text.MAX_JSON_POINTS", "coordinates", "too many for JSON"),
        ("json_text.MAX_TRACKS", "pairs", "too many for JSON"),
        ("csv.MAX_TABLE_BYTES", "csv", "too many for a table|table would have"),
        ("assembly.MAX_PLACES", "motion_npz", "positions; at most"),
    ],
)
def test_writers_have_the_limits_of_the_readers(
    limit: str, name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = next(entry for entry in FORMATS if entry.name == name)
    path = tmp_path / f"a{entry.suffixes[0]}"
    write_tracks(path, walk(), format=name)
    path.unlink()
    monkeypatch.setattr(f"motion_core.formats.{limit}", 1)
    with pytest.raises(FormatError, match=says):
        write_tracks(path, walk(), format=name)
    assert not list(tmp_path.iterdir())


def test_tapvid_refuses_tracks_whose_fractions_would_pass_for_pixels(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="taken for pixels"):
        write_tracks(tmp_path / "a.npz", make_tracks(torch.full((2, 1, 2), 900.0), SIZE),
                     format="tapvid")  # fmt: skip


@pytest.mark.parametrize("value", [0, -1, 1e-9, 1e308, 10**400, float("nan"), float("inf")])
def test_rates_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="positive number"):
        checked_rate(value)
    with pytest.raises(ValueError, match=r"Tracks\.fps must be a positive number"):
        Tracks(*_tensors(), SIZE, value)


@pytest.mark.parametrize("value", [True, "24", 1j])
def test_rates_are_numbers(value: object) -> None:
    with pytest.raises(TypeError, match="positive number"):
        checked_rate(value)


def _tensors() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    tracks = make_tracks(torch.zeros(1, 1, 2), SIZE)
    return tracks.xy, tracks.visible, tracks.ids


def test_a_file_without_tracks_or_frames_is_read_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for frames in (0, 3):
        write_tracks(tmp_path / "a.npz", empty_tracks(frames, SIZE))
        with caplog.at_level(logging.WARNING):
            assert read_tracks(tmp_path / "a.npz").num_points == 0
        assert f"a.npz holds 0 tracks of {frames} frames" in caplog.text


def test_positions_are_converted_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(60, dtype=np.float16).reshape(5, 6, 2)
    whole = (values.astype(np.float64) * (3.0, 2.0) + 0.5).astype(np.float32)
    for at_once in (1, 7, 13, 1000):
        monkeypatch.setattr("motion_core.formats.assembly.CONVERTED_AT_ONCE", at_once)
        assert np.array_equal(in_pixels(values, (3.0, 2.0), 0.5), whole)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("frame;track;x;y;visible\n0;1;2,5;3;1\n", "separated by semicolons"),
        ("frame\ttrack\tx\ty\tvisible\n", "separated by tabs"),
        ("# Size 832 480 1.73\n# Pixels\n", "for Maya"),
        ("10,20\n11,21\n", "without a header"),
        ("hello\n", "starts with the bytes"),
        ("scorer,DLC,DLC\nbodyparts,nose,nose\n", "columns 'scorer', 'dlc', 'dlc'.*write one with"),
        ('"frame","point id","x"\n', "a table with the columns 'frame', 'point id', 'x'"),
    ],
)
def test_foreign_files_are_named_and_what_is_read_is_listed(
    text: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(FormatError, match=rf"a\.txt: no known track format.*{says}.*'cotracker'"):
        read_tracks(tmp_path / "a.txt", size=SIZE)


def test_a_pickle_is_named_and_never_opened(tmp_path: Path) -> None:
    (tmp_path / "tapvid.pkl").write_bytes(b"\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94.")
    with pytest.raises(FormatError, match=r"a pickle.*numpy\.savez"):
        read_tracks(tmp_path / "tapvid.pkl", size=SIZE)


@pytest.mark.parametrize(
    "text",
    [
        '{"frame_0": [[1, 2]], "frame_1": [[2, 2]]}',
        '{"tracks": [[[1, 2], [3, 4]]], "visibility": [[1, 1]]}',
        '[{"id": 0, "trajectory": [[1, 2], [3, 4]]}]',
        '[{"bbox": [1, 2, 3, 4], "frame": 0}]',
    ],
)
def test_json_of_other_tools_is_refused_with_the_lists_that_are_read(
    text: str, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FormatError, match="got an object with '.*; read are a list of tracks"):
        read_tracks(tmp_path / "a.json", size=SIZE)


def test_tracks_that_are_never_visible_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    positions = np.full((4, 3, 2), 5.0, np.float32)
    for is_visible in (True, False):
        np.savez(tmp_path / "a.npz", tracks=positions, visibility=np.full((4, 3), is_visible))
        assert read_tracks(tmp_path / "a.npz", size=SIZE).num_points == 3
        assert ("a.npz: none of its 3 tracks is ever visible" in caplog.text) is not is_visible
