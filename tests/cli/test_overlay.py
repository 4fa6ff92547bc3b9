from __future__ import annotations

from pathlib import Path

import pytest
import torch

from motion_core.image_files import read_image, write_image
from motion_core.overlay import draw_tracks
from motion_core.tracks import Tracks
from motion_core.video import read_video, write_video

from .conftest import Command


def test_a_video_shows_the_tracks_over_the_picture(
    folder: Path, motion_core: Command, drawn_tracks: Tracks
) -> None:
    result = motion_core(
        "overlay", "tracks.npz", "--image", "photo.png", "-o", "a.mp4", "--fps", "8"
    )
    frames, rate = read_video("a.mp4")
    assert result.code == 0 and frames.shape == (5, 48, 64, 3) and rate == 8
    wanted = draw_tracks(read_image("photo.png"), drawn_tracks)
    assert (frames / 255 - wanted).abs().mean() < 0.05


def test_an_assumed_frame_rate_is_reported(folder: Path, motion_core: Command) -> None:
    result = motion_core("overlay", "tracks.npz", "-o", "a.mp4")
    assert result.code == 0 and "16 fps" in result.err and read_video("a.mp4")[1] == 16


def test_a_picture_shows_frames_side_by_side(folder: Path, motion_core: Command) -> None:
    assert motion_core("overlay", "tracks.npz", "--image", "photo.png", "-o", "a.png").code == 0
    height, width, _ = read_image("a.png").shape
    assert width == 4 * 64 + 3 * 4 and height == 2 * 48 + 4


def test_tracks_alone_are_drawn_on_grey(folder: Path, motion_core: Command) -> None:
    assert motion_core("overlay", "tracks.npz", "-o", "a.png").code == 0
    sheet = read_image("a.png")
    first = sheet[:48, :64]
    is_grey = (first - 32 / 255).abs().amax(dim=-1) < 0.01
    assert 0.3 < is_grey.float().mean() < 0.99


def test_tracks_without_a_canvas_take_the_picture_s(folder: Path, motion_core: Command) -> None:
    result = motion_core("overlay", "bare.json", "--image", "photo.png", "-o", "a.png")
    assert result.code == 0 and "taken to be the image's 64x48" in result.err


def test_large_pictures_shrink_with_their_tracks(folder: Path, motion_core: Command) -> None:
    line = ["overlay", "tracks.npz", "--image", "photo.png", "-o"]
    result = motion_core(*line, "small.mp4", "--max-side", 32)
    assert "from 64x48 to 32x24; --max-side 64" in result.err
    small, _ = read_video("small.mp4")
    assert small.shape == (5, 24, 32, 3)
    assert motion_core(*line, "large.mp4").code == 0
    large, _ = read_video("large.mp4")
    halved = torch.nn.functional.avg_pool2d(large.float().movedim(-1, 1), 2).movedim(1, -1)
    assert (small.float() - halved).abs().mean() < 12


@pytest.mark.parametrize("length", [5, 7])
def test_a_video_is_drawn_over_frame_by_frame(
    length: int, folder: Path, motion_core: Command
) -> None:
    shades = torch.linspace(0, 1, length)[:, None, None, None].expand(-1, 48, 64, 3)
    write_video("clip.mp4", shades, 10)
    result = motion_core("overlay", "tracks.npz", "--video", "clip.mp4", "-o", "a.mp4")
    frames, rate = read_video("a.mp4")
    assert result.code == 0 and rate == 10 and len(frames) == 5
    assert ("the first 5 are used" in result.err) == (length == 7)
    corners = frames[:, -1, 0].float().mean(dim=-1) / 255
    torch.testing.assert_close(corners, torch.linspace(0, 1, length)[:5], atol=0.06, rtol=0)


def test_a_video_too_short_is_refused(folder: Path, motion_core: Command) -> None:
    write_video("clip.mp4", torch.zeros(3, 48, 64, 3), 10)
    result = motion_core("overlay", "tracks.npz", "--video", "clip.mp4", "-o", "a.mp4")
    assert result.code == 2 and "3 frames" in result.err and not Path("a.mp4").exists()


def test_another_canvas_is_refused_with_the_command_that_helps(
    folder: Path, motion_core: Command
) -> None:
    write_image("large.png", torch.zeros(100, 128, 3))
    line = ["overlay", "tracks.npz", "--image", "large.png", "-o", "a.png"]
    result = motion_core(*line)
    assert result.code == 2 and "64x48" in result.err and "128x100" in result.err
    advice = result.err.split("python -m motion_core ")[1].split()
    assert motion_core(*advice).code == 0
    line[1] = "fitted.npz"
    assert motion_core(*line).code == 0
