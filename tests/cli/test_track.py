"""track on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from motion_core.cli import track as command
from motion_core.errors import MissingExtraError
from motion_core.formats import read_tracks
from motion_core.geometry import Size
from motion_core.image_files import write_image
from motion_core.trackers import grid_queries, make_tracker, random_queries
from motion_core.video import read_video, write_video
from tests.trackers.scenes import Clip, Motion

from .conftest import Command

SCENE = Clip(Motion((12.0, 4.0)), size=Size(96, 64), frames=6)


@pytest.fixture
def clip(folder: Path) -> Path:
    write_video(folder / "clip.mp4", SCENE.video(), 24)
    return folder


def made(folder: Path) -> set[str]:
    """What is in the folder that the command wrote, temporary files too."""
    there = {"clip.mp4", "drawing.json", "photo.png", "tracks.npz", "bare.json", "mask.png"}
    return {one.name for one in folder.iterdir()} - there


def test_a_grid_is_followed_and_drawn(clip: Path, motion_core: Command) -> None:
    result = motion_core("track", "clip.mp4", "-o", "out.npz", "--overlay", "over.mp4")
    assert result.code == 0, result.err
    assert made(clip) == {"out.npz", "over.mp4"}
    found, queries = read_tracks(clip / "out.npz"), grid_queries(SCENE.size, 24)
    assert (found.num_points, found.size, found.fps) == (len(queries), SCENE.size, 24.0)
    truth = SCENE.truth(queries)
    both = found.visible & truth.visible
    assert float((found.xy - truth.xy).norm(dim=-1)[both].max()) < 1
    drawn, rate = read_video(clip / "over.mp4")
    assert (len(drawn), rate) == (6, 24.0)
    assert f"{len(queries)} tracks, 6 frames, 96x64" in result.err


def test_a_mask_on_a_transparent_layer_chooses_what_is_painted(
    clip: Path, motion_core: Command
) -> None:
    painted = np.zeros((64, 96, 4), dtype=np.uint8)
    painted[20:40, 30:60] = 255
    Image.fromarray(painted).save(clip / "mask.png")
    result = motion_core("track", "clip.mp4", "-o", "out.npz", "--mask", "mask.png")
    assert result.code == 0, result.err
    start = read_tracks(clip / "out.npz").xy[0]
    assert len(start)
    assert bool(((start >= torch.tensor([30, 20])) & (start <= torch.tensor([60, 40]))).all())


def test_ways_to_choose_points(clip: Path, motion_core: Command) -> None:
    mask = torch.zeros(64, 96, 3)
    mask[20:40, 30:60] = 1
    write_image(clip / "mask.png", mask)
    wanted = {
        ("--random", 9, "--seed", 4): random_queries(
            SCENE.size, 9, torch.Generator().manual_seed(4), 2
        )[:, 1:],
        ("--points", "40.5,30.5", "50,20"): torch.tensor([[40.5, 30.5], [50.0, 20.0]]),
        ("--mask", "mask.png", "--spacing", 10): None,
    }
    for words, points in wanted.items():
        result = motion_core("track", "clip.mp4", *words, "--frame", 2, "-o", "out.npz")
        assert result.code == 0, result.err
        xy = read_tracks(clip / "out.npz").xy[2]
        if points is None:
            assert bool(((xy >= torch.tensor([30, 20])) & (xy < torch.tensor([60, 40]))).all())
            assert len(xy) == 6
        else:
            torch.testing.assert_close(xy, points)


def test_only_the_first_frames_when_asked(clip: Path, motion_core: Command) -> None:
    words = ("--max-frames", 3, "--tracker", "flow_dis", "--overlay", "over.mp4")
    assert motion_core("track", "clip.mp4", *words, "-o", "out.npz").code == 0
    assert read_tracks(clip / "out.npz").num_frames == 3
    assert len(read_video(clip / "over.mp4")[0]) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gone.mp4", "-o", "out.npz"), "there is no file"),
        (("photo.png", "-o", "out.npz"), "photo.png"),
        (("clip.mp4", "-o", "out.npz", "--frame", 6), "expected a whole frame from 0 to 5"),
        (("clip.mp4", "-o", "out.npz", "--points", "96,3"), "canvas 96x64"),
        (("clip.mp4", "-o", "out.npz", "--mask", "photo.png"), "64x48"),
        (("clip.mp4", "-o", "out.npz", "--tracker", "best"), "no tracker 'best'"),
        (("clip.mp4", "-o", "out.npz", "--threshold", 2), "threshold must be 0..1"),
        (("clip.mp4", "-o", "out.npz", "--tracker", "tapir"), "bootstapir_checkpoint_v2.pt"),
        (("clip.mp4", "-o", "out.xyz"), "must end in one of"),
        (("clip.mp4", "-o", "no/out.npz"), "no folder no"),
        (("clip.mp4", "-o", "out.npz", "--overlay", "over.gif"), "must end in one of"),
        (("clip.mp4", "-o", "out.npz", "--overlay", "clip.mp4"), "is the video itself"),
    ],
)
def test_refusals_write_nothing(clip: Path, motion_core: Command, words, message: str) -> None:
    before = (clip / "clip.mp4").read_bytes()
    result = motion_core("track", *words)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert message in result.err
    assert made(clip) == set()
    assert (clip / "clip.mp4").read_bytes() == before


def test_what_cannot_be_written_is_refused_before_the_work(
    clip: Path, motion_core: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*words: object, **more: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr(command, "make_tracker", never)
    for words in (("-o", "out.xyz"), ("-o", "out.npz", "--overlay", "no/over.mp4")):
        assert motion_core("track", "clip.mp4", *words).code == 2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_video_cut_short_writes_nothing(clip: Path, motion_core: Command, suffix: str) -> None:
    write_video(clip / f"clip{suffix}", SCENE.video(), 24)
    data = (clip / f"clip{suffix}").read_bytes()
    (clip / "clip.mp4").write_bytes(data[: len(data) * 3 // 4])
    result = motion_core("track", "clip.mp4", "-o", "out.npz")
    assert (result.code, "cut short" in result.err) == (2, True)
    assert not (clip / "out.npz").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MissingExtraError("no more")])
def test_a_run_that_ends_early_leaves_nothing(
    clip: Path, motion_core: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    class Stopping:
        def track(self, video, queries, progress) -> None:
            def stop(done: int, total: int) -> None:
                if done == 3:
                    raise error

            make_tracker("lucas_kanade").track(video, queries, stop)

    monkeypatch.setattr(command, "make_tracker", lambda *words, **more: Stopping())
    result = motion_core("track", "clip.mp4", "-o", "out.npz", "--overlay", "over.mp4")
    assert result.code == (130 if isinstance(error, KeyboardInterrupt) else 2)
    assert made(clip) == set()
    # An older result stays as it was.
    (clip / "out.npz").write_bytes(b"older")
    motion_core("track", "clip.mp4", "-o", "out.npz")
    assert (clip / "out.npz").read_bytes() == b"older"


def test_a_stopped_overlay_leaves_the_tracks_whole(
    clip: Path, motion_core: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meter(label: str):
        def show(done: int, total: int) -> None:
            if label == "writing frame" and done == 2:
                raise KeyboardInterrupt

        return show

    monkeypatch.setattr(command, "meter", meter)
    words = ("-o", "out.npz", "--overlay", "over.mp4")
    assert motion_core("track", "clip.mp4", *words).code == 130
    assert made(clip) == {"out.npz"}
    assert read_tracks(clip / "out.npz").num_frames == 6
