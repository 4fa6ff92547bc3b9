"""Video files as phones, editors and broken transfers leave them, and clips of any length."""

from __future__ import annotations

import struct
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from motion_core.errors import FormatError
from motion_core.geometry import Size
from motion_core.trackers import FileClip, LucasKanade, TrackingStopped, as_clip, make_tracker
from motion_core.trackers import clip as clip_module
from motion_core.trackers.tapnet import TapNext
from motion_core.video import OpenVideo, write_video

from .fakes import FakeTAPNext, spot_video, spots
from .scenes import Clip as Scene
from .scenes import Motion

SMALL = Scene(Motion((12.0, 4.0)), size=Size(96, 64), frames=7)
QUERIES = torch.tensor([[0.0, 40.5, 30.5], [3.0, 50.5, 20.5]])
# A quarter turn clockwise, as a phone held upright writes it into an mp4's track header.
CLOCKWISE = (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)


def apart(path: Path, scene: Scene = SMALL) -> float:
    """How far tracks of a file are from the truth, in pixels."""
    found = LucasKanade().track(path, QUERIES)
    return float((found.xy - scene.truth(QUERIES).xy).norm(dim=-1).max())


def test_a_phone_video_is_tracked_upright(tmp_path: Path) -> None:
    path = tmp_path / "phone.mp4"
    write_video(path, torch.rot90(SMALL.video(), 1, (1, 2)), 24)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    data[matrix : matrix + 36] = struct.pack(">9i", *CLOCKWISE)
    path.write_bytes(data)
    assert as_clip(path).size == SMALL.size
    assert apart(path) < 0.5


@pytest.mark.parametrize(("kind", "layout"), [("grey", "gray"), ("alpha", "rgba")])
def test_grey_and_transparent_files(tmp_path: Path, kind: str, layout: str) -> None:
    path = tmp_path / f"{kind}.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=24)
        stream.width, stream.height, stream.pix_fmt = 96, 64, layout
        for picture in SMALL.video().numpy():
            if kind == "alpha":
                picture = np.concatenate([picture, picture[..., :1] // 2], -1)
            else:
                picture = picture.mean(-1).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=layout)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert apart(path) < 0.5


@pytest.mark.parametrize("size", [Size(97, 65), Size(33, 64)])
def test_files_of_odd_sizes(tmp_path: Path, size: Size) -> None:
    scene = Scene(SMALL.ground, size=size, frames=7)
    path = tmp_path / "odd.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = *size, "bgr0"
        for picture in scene.video().numpy():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    queries = torch.tensor([[0.0, 16.5, 30.5]])
    found = LucasKanade().track(path, queries)
    assert found.size == size
    assert float((found.xy - scene.truth(queries).xy).norm(dim=-1).max()) < 0.5


def test_a_file_of_one_frame(tmp_path: Path) -> None:
    write_video(tmp_path / "one.mp4", SMALL.video()[:1], 24)
    for name in ("lucas_kanade", "flow_dis"):
        found = make_tracker(name).track(tmp_path / "one.mp4", QUERIES[:1])
        assert found.xy.tolist() == [[QUERIES[0, 1:].tolist()]]
    with pytest.raises(ValueError, match="query 1 is"):
        LucasKanade().track(tmp_path / "one.mp4", QUERIES)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_files_cut_short_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    write_video(path, SMALL.video(), 24)
    whole = path.read_bytes()
    for share in (0.4, 0.8, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(FormatError, match="cut short"):
            LucasKanade().track(path, QUERIES)


def test_a_stopped_run_leaves_no_file_open_and_none_behind(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, SMALL.video(), 24)
    looks = iter((False, False, True))
    with pytest.raises(TrackingStopped):
        LucasKanade().track(path, QUERIES, should_stop=lambda: next(looks))
    assert [one.name for one in tmp_path.iterdir()] == ["clip.mp4"]
    # Where a file is still open, some systems refuse this.
    path.unlink()


@dataclass
class Living:
    """Counts the pictures that are held at the same time."""

    now: int = 0
    most: int = 0

    def born(self, picture: np.ndarray) -> np.ndarray:
        self.now += 1
        self.most = max(self.most, self.now)
        weakref.finalize(picture, self._die)
        return picture

    def _die(self) -> None:
        self.now -= 1


def moving(count: int, living: Living) -> Iterator[np.ndarray]:
    """Pictures of a pattern that drifts to and fro, each made when it is asked for."""
    ground = Scene(size=Size(128, 48), frames=1).video()[0].numpy()
    for index in range(count):
        shift = 20 + round(15 * np.sin(index / 10))
        yield living.born(ground[:, shift : shift + 64].copy())


def file_clip(count: int, living: Living, monkeypatch: pytest.MonkeyPatch) -> FileClip:
    """A clip whose file is made of moving()."""

    @contextmanager
    def open_video(path: Path) -> Iterator[OpenVideo]:
        yield OpenVideo(moving(count, living), 24.0, count)

    monkeypatch.setattr(clip_module, "open_video", open_video)
    monkeypatch.setattr(clip_module, "BACKWARD_BYTES", 40 * 3 * 64 * 48)
    return FileClip(Path("none.mp4"), Size(64, 48), count, 24.0)


@pytest.mark.parametrize("frame", [0, 1999])
def test_a_long_file_is_never_in_memory_whole(frame: int, monkeypatch: pytest.MonkeyPatch) -> None:
    living = Living()
    clip = file_clip(2000, living, monkeypatch)
    found = LucasKanade().track(clip, torch.tensor([[frame, 32.0, 24.0]]))
    assert (found.num_frames, living.now) == (2000, 0)
    # Forty of a piece that is walked backwards, and what is remembered of the last few.
    assert living.most <= 50


def test_tapnext_holds_one_picture_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    living = Living()
    frames = (spot_video(30) * 255).to(torch.uint8).numpy()

    class Counted(clip_module.MemoryClip):
        def walk(self, first: int, last: int) -> Iterator[np.ndarray]:
            for picture in super().walk(first, last):
                yield living.born(picture.copy())

    queries = torch.tensor([[0.0, *spots(30).xy[0, 0].tolist()]])
    TapNext(FakeTAPNext()).track(Counted(torch.from_numpy(frames)), queries)
    assert living.most <= 3


def test_a_loss_of_most_points_at_once_is_logged_as_a_cut(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from motion_core.trackers.clip import MemoryClip
    from motion_core.trackers.tracker import tracks_of

    clip = MemoryClip(torch.zeros(4, 8, 8, 3))
    queries = torch.tensor([[0.0, 4.0, 4.0]]).repeat(20, 1)
    xy, visible = torch.full((4, 20, 2), 4.0), torch.ones(4, 20, dtype=torch.bool)
    visible[1:, :6] = False
    tracks_of(clip, queries, xy, visible)
    assert not caplog.text
    visible[2:, :18] = False
    tracks_of(clip, queries, xy, visible)
    assert "12 of 14 visible points are lost between frames 1 and 2, as at a cut" in caplog.text
