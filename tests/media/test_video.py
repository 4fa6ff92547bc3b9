from __future__ import annotations

import math
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from motion_core import video as video_module
from motion_core.errors import FormatError, ShapeError
from motion_core.video import read_video, write_video

from .pictures import color_bars, leftovers, moving_ramp, shared_file


class Stopped(Exception):
    pass


@pytest.mark.parametrize("suffix", [".mp4", ".MOV", ".mkv", ".m4v"])
def test_what_is_written_comes_back(tmp_path: Path, suffix: str) -> None:
    ramp = moving_ramp(7, 48, 64)
    path = tmp_path / f"ramp{suffix}"
    write_video(path, ramp, 24)
    frames, fps = read_video(path)
    assert frames.shape == (7, 48, 64, 3)
    assert frames.dtype == torch.uint8
    assert fps == 24
    error = (frames.float() / 255 - ramp).abs()
    assert float(error.mean()) < 0.01
    assert leftovers(tmp_path) == [path.name]


def test_colors_survive_and_are_stored_as_players_expect(tmp_path: Path) -> None:
    path = tmp_path / "bars.mp4"
    bars = color_bars()
    write_video(path, bars[None].expand(3, -1, -1, -1), 10)
    frames, _ = read_video(path)
    middle = frames[1, 16, 8::16].int()
    assert int((middle - bars[16, 8::16].int()).abs().max()) <= 3
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == "yuv420p"
    # BT.709 within 16..235: red is 16 + 219 * 0.2126, white 235.
    luma = frame.to_ndarray()[16]
    assert frame.colorspace == 1
    assert abs(int(luma[8]) - 63) <= 1
    assert abs(int(luma[5 * 16 + 8]) - 235) <= 1


def test_bytes_and_floats_write_the_same(tmp_path: Path) -> None:
    ramp = (moving_ramp(2, 16, 16) * 255).round()
    write_video(tmp_path / "a.mp4", ramp.to(torch.uint8), 10)
    write_video(tmp_path / "b.mp4", ramp.double() / 255, 10)
    write_video(tmp_path / "c.mp4", ramp / 255 * 1.0001 + 1e-4, 10)
    read = [read_video(tmp_path / f"{name}.mp4")[0] for name in "abc"]
    assert torch.equal(read[0], read[1])
    assert torch.equal(read[0], read[2])


def test_odd_sides_grow_by_a_repeated_pixel(tmp_path: Path) -> None:
    picture = torch.zeros(33, 31, 3)
    picture[-1], picture[:, -1] = 1, 1
    write_video(tmp_path / "odd.mp4", picture[None], 10)
    frames, _ = read_video(tmp_path / "odd.mp4")
    assert frames.shape == (1, 34, 32, 3)
    assert int(frames[0, 33].min()) > 200
    assert int(frames[0, :, 31].min()) > 200
    assert int(frames[0, :30, :28].max()) < 60


def test_a_single_pixel_is_a_video(tmp_path: Path) -> None:
    write_video(tmp_path / "dot.mp4", torch.ones(1, 1, 1, 3), 1)
    frames, fps = read_video(tmp_path / "dot.mp4")
    assert (frames.shape, fps) == ((1, 2, 2, 3), 1)
    assert int(frames.min()) > 250


@pytest.mark.parametrize(
    ("fps", "wanted"),
    [
        (23.976, Fraction(2997, 125)),
        (30000 / 1001, Fraction(30000, 1001)),
        (16, Fraction(16)),
        (0.5, Fraction(1, 2)),
    ],
)
def test_frame_rates_stay_exact(tmp_path: Path, fps: float, wanted: Fraction) -> None:
    path = tmp_path / "rate.mp4"
    write_video(path, torch.zeros(5, 16, 16, 3), fps)
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == wanted
    assert read_video(path)[1] == pytest.approx(float(wanted), abs=1e-9)


def test_only_the_first_frames_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "ramp.mp4"
    write_video(path, moving_ramp(9, 16, 16), 8)
    few, _ = read_video(path, max_frames=4)
    assert torch.equal(few, read_video(path)[0][:4])
    assert len(read_video(path, max_frames=100)[0]) == 9
    for count in (0, -1):
        with pytest.raises(ValueError, match="max_frames must be 1 or more"):
            read_video(path, max_frames=count)
    with pytest.raises(TypeError):
        read_video(path, max_frames=2.5)  # pyright: ignore[reportArgumentType]


def test_progress_counts_and_what_it_raises_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ramp.mp4"
    calls: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        calls.append((done, total))
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        write_video(path, moving_ramp(9, 16, 16), 8, stop)
    assert calls == [(1, 9), (2, 9), (3, 9)]
    assert leftovers(tmp_path) == []
    write_video(path, moving_ramp(9, 16, 16), 8)
    with pytest.raises(Stopped):
        read_video(path, progress=stop)
    assert calls[3:] == [(1, 9), (2, 9), (3, 9)]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "keep.mp4"
    write_video(path, torch.zeros(2, 16, 16, 3), 8)
    before = path.read_bytes()
    bad = torch.zeros(2, 16, 16, 3)
    bad[1, 0, 0, 0] = math.nan
    with pytest.raises(ValueError, match="frame 1 holds NaN"):
        write_video(path, bad, 8)
    assert path.read_bytes() == before
    assert leftovers(tmp_path) == ["keep.mp4"]


@pytest.mark.parametrize(
    ("name", "frames", "fps", "error", "says"),
    [
        ("a.mp4", torch.zeros(16, 16, 3), 8, ShapeError, r"\(T, H, W, 3\)"),
        ("a.mp4", torch.zeros(2, 16, 16, 4), 8, ShapeError, r"\(T, H, W, 3\)"),
        ("a.mp4", torch.zeros(0, 16, 16, 3), 8, ShapeError, "at least 1 frames; got 0"),
        ("a.mp4", torch.zeros(1, 0, 16, 3), 8, ShapeError, r"H, W, 3\) RGB; got"),
        ("a.mp4", torch.zeros(1, 16, 16, 3, dtype=torch.int64), 8, TypeError, "uint8, or floating"),
        ("a.mp4", torch.zeros(1, 2, 16386, 3), 8, ValueError, "16384 pixels a side"),
        ("a.mp4", torch.zeros(1, 16, 16, 3), 0, ValueError, "fps must be"),
        ("a.mp4", torch.zeros(1, 16, 16, 3), math.nan, ValueError, "fps must be"),
        ("a.avi", torch.zeros(1, 16, 16, 3), 8, ValueError, r"\.mp4, \.m4v, \.mov, \.mkv"),
        ("a", torch.zeros(1, 16, 16, 3), 8, ValueError, r"got 'a'"),
        ("gone/a.mp4", torch.zeros(1, 16, 16, 3), 8, FileNotFoundError, "no folder"),
    ],
)
def test_bad_writes_are_refused(
    tmp_path: Path, name: str, frames: torch.Tensor, fps: float, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        write_video(tmp_path / name, frames, fps)
    assert leftovers(tmp_path) == []


def bad_videos(good: bytes) -> dict[str, bytes]:
    """Files that call themselves .mp4."""
    return {
        "empty": b"",
        "text": b"this is not a video\n" * 50,
        "zeros": bytes(4096),
        "cut": good[: len(good) * 2 // 3],
        "header alone": good[:200],
        "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ngood.mp4\n#EXT-X-ENDLIST\n",
        "concat script": b"ffconcat version 1.0\nfile good.mp4\n",
    }


@pytest.mark.parametrize("name", bad_videos(b"x" * 999))
def test_what_is_no_whole_video_is_refused(tmp_path: Path, name: str) -> None:
    good = tmp_path / "good.mp4"
    noise = torch.rand(30, 64, 64, 3, generator=torch.Generator().manual_seed(0))
    write_video(good, noise, 8)
    for suffix in (".mp4", ".m3u8"):
        path = tmp_path / f"bad{suffix}"
        path.write_bytes(bad_videos(good.read_bytes())[name])
        with pytest.raises(FormatError, match=rf"bad\{suffix}.*(cut short|single frame|no video)"):
            read_video(path)


def test_missing_files_folders_and_sounds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no file"):
        read_video(tmp_path / "gone.mp4")
    with pytest.raises(FormatError, match="no file"):
        read_video("http://localhost:1/video.mp4")
    with pytest.raises(FormatError, match="is a folder"):
        read_video(tmp_path)
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    with pytest.raises(FormatError, match="holds no video"):
        read_video(sound)


def test_a_video_beyond_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.mp4"
    write_video(path, torch.zeros(9, 16, 16, 3), 8)
    monkeypatch.setattr(video_module, "MAX_PIXELS", 5 * 16 * 16)
    with pytest.raises(FormatError, match="does not fit in memory.*max_frames"):
        read_video(path)
    assert len(read_video(path, max_frames=5)[0]) == 5


# Rows (a, b, c, d) of the matrix in an mp4's track header: p' = (a x + c y, b x + d y), y down.
TURNS = {
    "clockwise": ((0, 1, -1, 0), -1),
    "counterclockwise": ((0, -1, 1, 0), 1),
    "half": ((-1, 0, 0, -1), 2),
    "none": ((1, 0, 0, 1), 0),
}


@pytest.mark.parametrize("name", TURNS)
def test_a_phone_held_upright_gives_an_upright_video(tmp_path: Path, name: str) -> None:
    path = tmp_path / "phone.mp4"
    write_video(path, moving_ramp(3, 32, 48), 8)
    stored, _ = read_video(path)
    (a, b, c, d), turns = TURNS[name]
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    data[matrix : matrix + 36] = struct.pack(
        ">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30
    )
    path.write_bytes(data)
    wanted = torch.from_numpy(np.rot90(stored.numpy(), turns, axes=(1, 2)).copy())
    assert torch.equal(read_video(path)[0], wanted)


def test_real_videos() -> None:
    frames, fps = read_video(shared_file("sa-v/dog.mp4"), max_frames=3)
    assert frames.shape == (3, 720, 1280, 3)
    assert fps == pytest.approx(30000 / 1001)
    assert float(frames.float().std()) > 20
