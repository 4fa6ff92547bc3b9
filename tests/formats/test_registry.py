"""Recognising files by content, and writing them whole or not at all."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from motion_core.errors import CanvasError, FormatError
from motion_core.formats import FORMATS, format_names, read_tracks, write_tracks
from motion_core.formats.registry import FileHead, recognise
from motion_core.formats.wan_move import LOCK_NAME
from motion_core.geometry import Size

from .samples import walk

READ_AS = {"ati_coordinates": "coordinates"}


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_content_decides_whatever_the_name(entry, tmp_path):
    right = tmp_path / f"right_tracks{entry.suffixes[0]}"
    entry.write(right, walk())
    wanted = entry.read(right, Size(64, 48), None)
    wrong = tmp_path / "wrong_tracks.dat"
    shutil.copy(right, wrong)
    for partner in tmp_path.glob("right_visibility.npy"):
        shutil.copy(partner, tmp_path / "wrong_visibility.npy")
    got = read_tracks(wrong, size=Size(64, 48))
    assert torch.equal(got.xy, wanted.xy)
    assert torch.equal(got.visible, wanted.visible)


def test_names_are_unique_and_every_suffix_has_one_writer():
    assert len(set(format_names())) == len(FORMATS)
    assert format_names()[0] == "motion_npz"
    for entry in FORMATS:
        assert all(suffix.startswith(".") for suffix in entry.suffixes)
        assert entry.description.endswith(".")


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_needs_size_is_true_of_the_file(entry, tmp_path):
    path = tmp_path / f"a_tracks{entry.suffixes[0]}"
    entry.write(path, walk())
    if entry.needs_size:
        with pytest.raises(FormatError, match="give its size"):
            read_tracks(path)
    else:
        assert read_tracks(path).size == Size(64, 48)


def test_empty_json_is_coordinates():
    head = FileHead(path=Path("a.json"), data=b" [] ", members=())
    assert recognise(head).name == "coordinates"


def test_errors_name_the_file(tmp_path):
    (tmp_path / "broken.json").write_text('[[{"x": 1, "y"')
    with pytest.raises(FormatError, match=r"^broken\.json: line 1, column 15"):
        read_tracks(tmp_path / "broken.json", size=Size(8, 8))


def test_a_canvas_or_rate_that_differs_is_refused(tmp_path):
    write_tracks(tmp_path / "a.npz", walk())
    with pytest.raises(CanvasError, match=r"^a\.npz: .*64x48.*8x8"):
        read_tracks(tmp_path / "a.npz", size=Size(8, 8))
    for exact, printed in ((24000 / 1001, 23.976), (60000 / 1001, 59.94), (30000 / 1001, 29.97)):
        for stored, given in ((exact, printed), (printed, exact)):
            write_tracks(tmp_path / "ntsc.npz", replace(walk(), fps=stored))
            assert read_tracks(tmp_path / "ntsc.npz", fps=given).fps == exact
    with pytest.raises(FormatError, match=r"stored at 29\.97 fps but 30 was"):
        read_tracks(tmp_path / "ntsc.npz", fps=30)
    with pytest.raises(FormatError, match="16 fps but 24"):
        read_tracks(tmp_path / "a.npz", fps=24)
    assert read_tracks(tmp_path / "a.npz", size=Size(64, 48), fps=16).fps == 16


def test_a_pair_is_replaced_together(tmp_path):
    write_tracks(tmp_path / "a_tracks.npy", walk())
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [LOCK_NAME, "a_tracks.npy", "a_visibility.npy"]


@pytest.mark.parametrize(
    ("name", "format", "says"),
    [
        ("a.xyz", None, r"a\.xyz: no track format has the suffix '\.xyz'"),
        ("a.npz", "mp4", "no track format 'mp4'"),
        ("no/folder/a.npz", None, "there is no folder .*; create it"),
    ],
)
def test_writing_nowhere_is_refused(tmp_path, name, format, says):
    with pytest.raises(FormatError, match=says):
        write_tracks(tmp_path / name, walk(), format=format)
    assert not list(tmp_path.iterdir())
