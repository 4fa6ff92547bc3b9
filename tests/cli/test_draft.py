from __future__ import annotations

from pathlib import Path

import torch

from motion_core.draft import draft
from motion_core.formats import write_tracks
from motion_core.geometry import Size
from motion_core.image_files import read_image, write_image
from motion_core.tracks import Tracks, empty_tracks
from motion_core.video import read_video

from .conftest import Command


def test_the_video_is_the_draft(folder: Path, motion_core: Command, drawn_tracks: Tracks) -> None:
    result = motion_core("draft", "photo.png", "tracks.npz", "-o", "a.mp4", "--fps", 12)
    frames, rate = read_video("a.mp4")
    assert result == (0, "", "wrote a.mp4: 5 frames, 64x48, 12 fps\n") and rate == 12
    wanted = draft(read_image("photo.png"), drawn_tracks)
    assert (frames / 255 - wanted).abs().mean() < 0.03
    assert (wanted[-1] - wanted[0]).abs().max() > 0.1, "something moved"


def test_tracks_without_a_canvas_take_the_picture_s(folder: Path, motion_core: Command) -> None:
    result = motion_core("draft", "photo.png", "bare.json", "-o", "a.mp4")
    assert result.code == 0 and "taken to be the image's 64x48" in result.err


def test_large_pictures_shrink_with_their_tracks(folder: Path, motion_core: Command) -> None:
    result = motion_core("draft", "photo.png", "tracks.npz", "-o", "a.mp4", "--max-side", 32)
    assert result.code == 0 and read_video("a.mp4")[0].shape == (5, 24, 32, 3)


def test_the_method_is_chosen_by_name(
    folder: Path, motion_core: Command, drawn_tracks: Tracks
) -> None:
    result = motion_core(
        *("draft", "photo.png", "tracks.npz", "-o", "a.mp4", "--method", "nearest")
    )
    assert result.code == 0
    frames, _ = read_video("a.mp4")
    picture = read_image("photo.png")
    nearest = draft(picture, drawn_tracks, method="nearest")
    assert (frames / 255 - nearest).abs().mean() < 0.03
    assert (draft(picture, drawn_tracks) - nearest).abs().max() > 0.1


def test_an_unknown_method_is_refused(folder: Path, motion_core: Command) -> None:
    result = motion_core("draft", "photo.png", "tracks.npz", "-o", "a.mp4", "--method", "magic")
    assert result.code == 2 and "invalid choice: 'magic'" in result.err
    assert result.err.count("\n") == 1 and not Path("a.mp4").exists()


def test_no_tracks_give_a_still(folder: Path, motion_core: Command) -> None:
    write_tracks("none.npz", empty_tracks(4, Size(64, 48), fps=8))
    assert motion_core("draft", "photo.png", "none.npz", "-o", "a.mp4").code == 0
    frames, rate = read_video("a.mp4")
    wanted = read_image("photo.png").expand(4, -1, -1, -1)
    assert rate == 8 and (frames / 255 - wanted).abs().mean() < 0.03


def test_no_frames_are_refused(folder: Path, motion_core: Command) -> None:
    write_tracks("none.npz", empty_tracks(0, Size(64, 48)))
    for line in (["draft", "photo.png", "none.npz"], ["overlay", "none.npz"]):
        result = motion_core(*line, "-o", "a.mp4")
        assert result.code == 2 and result.err.splitlines()[-1].startswith("error: ")
    assert not Path("a.mp4").exists()


def test_another_canvas_is_refused(folder: Path, motion_core: Command) -> None:
    write_image("large.png", torch.zeros(100, 128, 3))
    result = motion_core("draft", "large.png", "tracks.npz", "-o", "a.mp4")
    assert result.code == 2 and "--fit 128x100" in result.err and not Path("a.mp4").exists()
