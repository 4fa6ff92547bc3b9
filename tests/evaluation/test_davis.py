"""DAVIS from a folder: a small synthetic one whose motion is known."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from motion_core.errors import FormatError
from motion_core.evaluation.davis import davis_names, measure_davis, read_clip
from motion_core.evaluation.perceptual import Perceptual
from motion_core.evaluation.protocol import FLOOR, Study, means
from motion_core.fields.interpolation import NearestTrack, Rest
from motion_core.image_files import write_image

from .test_video_errors import panned

NAMES = ("pan-left", "pan-right")
METHODS = {"nearest": NearestTrack(), "rest": Rest()}


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """Two clips of three frames, 96 x 80, that pan by 2 pixels of theirs a frame."""
    folder = tmp_path / "DAVIS"
    (folder / "ImageSets" / "2017").mkdir(parents=True)
    (folder / "ImageSets" / "2017" / "val.txt").write_text("\n".join(NAMES) + "\n")
    for name, shift in zip(NAMES, (-2.0, 2.0), strict=True):
        place = folder / "JPEGImages" / "480p" / name
        place.mkdir(parents=True)
        for number, frame in enumerate(panned(shift, 3)):
            write_image(place / f"{number:05}.jpg", frame)
    return folder


def test_clips_are_square_and_in_order(davis: Path) -> None:
    assert davis_names(davis) == list(NAMES)
    clip = read_clip(davis, NAMES[1], side=80)
    assert clip.video.shape == (3, 80, 80, 3)
    assert (clip.video - panned(2.0, 3)[:, :, 8:88]).abs().mean() < 0.02


def test_methods_are_measured_on_every_clip(davis: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motion_core.evaluation.davis.POOL", 60)
    steps: list[int] = []
    study = Study(progress=lambda done, total: steps.append(done))
    found = measure_davis(study, davis, {"4": METHODS, "drag": METHODS}, Perceptual())
    assert set(found) == {"4"}, "DAVIS has no drags"
    assert len(steps) == len(NAMES)
    figures = means(found["4"])
    # 2 pixels of 80 per frame are 6.4 of 256; the mean over frames 1 and 2 is 9.6.
    assert figures["rest"]["unseen"].mean == pytest.approx(9.6, abs=0.3)
    assert figures["rest"]["unseen"].clips == len(NAMES)
    assert figures["nearest"]["unseen"].mean < 0.5
    assert figures["nearest"]["tracks"].mean < 0.5
    assert figures["nearest"]["psnr"].mean > figures["rest"]["psnr"].mean
    assert figures[FLOOR]["followed"].mean < 0.1
    measure_davis(study, davis, {"4": METHODS}, Perceptual())
    assert len(steps) == len(NAMES), "nothing is measured twice"


def test_folders_that_are_not_davis_are_refused(davis: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no ImageSets/2017/val\.txt"):
        davis_names(tmp_path)
    (davis / "ImageSets" / "2017" / "val.txt").write_text("../../outside\n")
    with pytest.raises(FormatError, match="names of clips"):
        davis_names(davis)
    (davis / "ImageSets" / "2017" / "val.txt").write_text("")
    with pytest.raises(FormatError, match="names of clips"):
        davis_names(davis)
    with pytest.raises(FormatError, match="0 .jpg files"):
        read_clip(davis, "missing")
    place = davis / "JPEGImages" / "480p" / NAMES[0]
    write_image(place / "00001.jpg", torch.zeros(10, 10, 3))
    with pytest.raises(FormatError, match="not of one size"):
        read_clip(davis, NAMES[0])
    (place / "00001.jpg").write_bytes(b"no picture")
    with pytest.raises((FormatError, ValueError)):
        read_clip(davis, NAMES[0])
    shutil.rmtree(place)
    with pytest.raises(FormatError, match="0 .jpg files"):
        measure_davis(Study(), _named(davis), {"4": METHODS}, Perceptual())


def _named(davis: Path) -> Path:
    (davis / "ImageSets" / "2017" / "val.txt").write_text(NAMES[0])
    return davis


def test_the_tracks_are_the_pan_itself() -> None:
    from motion_core.evaluation.davis import DavisClip, choose_tracks, pool_of

    clip = DavisClip("pan", panned(2.0)[:, :, :80])
    pool = pool_of(clip, 0)
    tracks = choose_tracks(pool, 9, seed=0)
    assert tracks.num_points == 9 < pool.num_points
    visible = tracks.visible[-1]
    moved = tracks.xy[-1, visible] - tracks.xy[0, visible]
    torch.testing.assert_close(moved, torch.tensor([8.0, 0.0]).expand_as(moved), atol=0.3, rtol=0)
