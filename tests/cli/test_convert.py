from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from motion_core.formats import read_tracks
from motion_core.geometry import Size
from motion_core.image_files import read_image
from motion_core.tracks import Tracks

from .conftest import Command

ATI = Path(__file__).resolve().parents[3] / "shared" / "data" / "ati"


def test_everything_survives_in_our_own_file(
    folder: Path, motion_core: Command, drawn_tracks: Tracks
) -> None:
    result = motion_core("convert", "tracks.npz", "again.npz")
    assert result == (0, "", "wrote again.npz: 7 tracks, 5 frames, 64x48\n")
    again = read_tracks("again.npz")
    assert torch.equal(again.xy, drawn_tracks.xy) and torch.equal(again.ids, drawn_tracks.ids)


def test_a_named_size_and_rate_fill_in_what_the_file_lacks(
    folder: Path, motion_core: Command
) -> None:
    result = motion_core("convert", "bare.json", "a.npz", "--size", "100x80", "--fps", "12.5")
    got = read_tracks("a.npz")
    assert result.code == 0 and got.size == (100, 80) and got.fps == 12.5


def test_a_picture_of_the_same_name_gives_the_canvas_and_is_reported(
    folder: Path, motion_core: Command
) -> None:
    shutil.copy("photo.png", "bare.png")
    result = motion_core("convert", "bare.json", "a.npz")
    assert result.code == 0 and read_tracks("a.npz").size == (64, 48)
    assert result.err.splitlines()[0] == (
        "bare.json does not store its canvas; bare.png beside it is 64x48."
    )


def test_a_pair_of_files_finds_its_picture_too(folder: Path, motion_core: Command) -> None:
    assert motion_core("convert", "tracks.npz", "ear_tracks.npy").code == 0
    shutil.copy("photo.png", "ear.png")
    result = motion_core("convert", "ear_tracks.npy", "a.npz")
    assert result.code == 0 and "ear.png beside it" in result.err


def test_a_size_named_wins_over_a_picture_beside(folder: Path, motion_core: Command) -> None:
    shutil.copy("photo.png", "bare.png")
    assert motion_core("convert", "bare.json", "a.npz", "--size", "70x70").code == 0
    assert read_tracks("a.npz").size == (70, 70)


def test_without_size_or_picture_the_size_is_asked_for(folder: Path, motion_core: Command) -> None:
    result = motion_core("convert", "bare.json", "a.npz")
    assert result.code == 2 and not Path("a.npz").exists()
    assert result.err.count("\n") == 1 and "--size WxH" in result.err and "bare.jpg" in result.err


def test_a_broken_file_is_called_broken_also_beside_a_picture(
    folder: Path, motion_core: Command
) -> None:
    shutil.copy("photo.png", "broken.png")
    Path("broken.json").write_text('[[{"x": 1, "y": }]]', encoding="utf-8")
    result = motion_core("convert", "broken.json", "a.npz")
    assert result.code == 2 and "--size" not in result.err and "broken.json" in result.err


def test_fit_stretches_to_another_canvas(
    folder: Path, motion_core: Command, drawn_tracks: Tracks
) -> None:
    assert motion_core("convert", "tracks.npz", "a.npz", "--fit", "128x480").code == 0
    got = read_tracks("a.npz")
    assert got.size == Size(128, 480)
    torch.testing.assert_close(got.xy, drawn_tracks.xy * torch.tensor([2.0, 10.0]))


@pytest.mark.slow
@pytest.mark.skipif(not ATI.is_dir(), reason="needs ../shared/data, files of other systems")
@pytest.mark.parametrize("name", ["giraffe", "human"])
def test_a_real_ati_file_takes_the_canvas_of_its_picture(
    name: str, folder: Path, motion_core: Command
) -> None:
    result = motion_core("convert", ATI / f"{name}.pth", "out.npz")
    picture = read_image(ATI / f"{name}.jpg")
    got = read_tracks("out.npz")
    assert result.code == 0 and got.size == (picture.shape[1], picture.shape[0])
    assert got.num_frames == 121 and got.visible.all()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[[{"x": 1, "y": 2}, {"x": 3, "y": 4}], [{"x": 5, "y": 6}]]', "track 1 has 1 points"),
        ('[[{"x": 1, "y": NaN}]]', "NaN is not a JSON number"),
        ("frame,track,x,y,visible\n0,0,1,2,0.5\n", "visible to be 0 or 1; got 0.5"),
    ],
)
def test_the_true_fault_is_shown_whether_a_size_is_known_or_not(
    folder: Path, motion_core: Command, text: str, fault: str
) -> None:
    (folder / "faulty.txt").write_text(text, encoding="utf-8")
    lines: list[tuple[object, ...]] = [
        ("draft", "photo.png", "faulty.txt", "-o", "a.mp4"),
        ("draft", "photo.png", "faulty.txt", "-o", "a.mp4", "--size", "64x48"),
        ("convert", "faulty.txt", "a.npz"),
        ("info", "faulty.txt"),
    ]
    for line in lines:
        result = motion_core(*line)
        assert result.code == 2
        assert fault in result.err
        assert "1x1" not in result.err and "canvas" not in result.err


@pytest.mark.skipif(os.name != "posix", reason="names of POSIX")
@pytest.mark.parametrize("kind", ["long", "loop", "bytes"])
def test_names_that_cannot_be_opened_get_a_sentence(
    kind: str, folder: Path, motion_core: Command
) -> None:
    names = {"long": "a" * 300 + ".npz", "loop": "loop.npz", "bytes": "caf\udce9.npz"}
    source = folder / names[kind]
    if kind == "loop":
        source.symlink_to(source)
    for words in (
        ["info", source],
        ["convert", source, "out.npz"],
        ["draft", "photo.png", source, "-o", "out.mp4"],
        ["draft", source, "tracks.npz", "-o", "out.mp4"],
        ["track", source, "-o", "out.npz"],
        ["expand", source, "--frames", "5", "-o", "out.npz"],
    ):
        result = motion_core(*words)
        assert result.code == 2
        assert result.err.startswith("error: ")
        assert "Errno" not in result.err


@pytest.mark.parametrize("name", ["a" * 300 + ".npz", "gone/a.npz"])
def test_names_that_cannot_be_written_get_a_sentence(
    name: str, folder: Path, motion_core: Command
) -> None:
    result = motion_core("convert", "tracks.npz", name)
    assert result.code == 2
    assert "file systems allow 255" in result.err or "create it first" in result.err
