"""Video files cut short, also where one frame ends and the next begins."""

from __future__ import annotations

import logging
from pathlib import Path

import av
import pytest
import torch

from motion_core import containers
from motion_core.containers import missing_bytes
from motion_core.errors import FormatError
from motion_core.video import read_video, write_video

FRAMES = 12
# Suffix: format, codec, options of the writer.
WRITERS = {
    ".mkv": ("matroska", "libx264", {}),
    ".webm": ("webm", "libvpx", {}),
    ".mp4": ("mp4", "libx264", {"movflags": "faststart"}),
    ".m4v": ("mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
    ".live.mkv": ("matroska", "libx264", {"live": "1"}),
    ".flv": ("flv", "flv1", {}),
}


def written(folder: Path, kind: str) -> Path:
    container_format, codec, options = WRITERS[kind]
    path = folder / f"clip{kind}"
    frames = torch.rand(FRAMES, 32, 48, 3, generator=torch.Generator().manual_seed(0))
    with av.open(str(path), "w", format=container_format, options=options) as container:
        stream = container.add_stream(codec, rate=8)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for picture in (frames * 255).to(torch.uint8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture.numpy(), "rgb24")))
        container.mux(stream.encode(None))
    return path


def packets(path: Path) -> list[tuple[int, int]]:
    """Where each frame begins and ends."""
    with av.open(str(path)) as container:
        return [(one.pos, one.pos + one.size) for one in container.demux(video=0) if one.size]


@pytest.mark.parametrize("kind", [".mkv", ".webm", ".mp4", ".m4v"])
def test_a_file_that_ends_with_a_whole_frame_is_still_cut_short(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind)
    whole, ends = path.read_bytes(), [end for _, end in packets(path)]
    assert (missing_bytes(path), len(read_video(path)[0])) == (0, FRAMES)
    for end in (ends[-2], ends[5], len(whole) - 1):
        path.write_bytes(whole[:end])
        assert missing_bytes(path)
        with pytest.raises(FormatError, match="cut short"):
            read_video(path)


def test_matroska_says_exactly_how_much_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, ".mkv")
    path.write_bytes(path.read_bytes()[:-321])
    with pytest.raises(FormatError, match="its last 321 bytes are missing"):
        read_video(path, max_frames=2)


@pytest.mark.parametrize("kind", [".mkv", ".mp4"])
def test_what_somebody_appended_does_not_matter(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind)
    path.write_bytes(path.read_bytes() + b"a note of some editor" * 9)
    assert missing_bytes(path) == 0
    assert len(read_video(path)[0]) == FRAMES


def test_a_recording_of_open_length_is_read_to_its_end(tmp_path: Path) -> None:
    path = written(tmp_path, ".live.mkv")
    assert missing_bytes(path) is None
    assert len(read_video(path)[0]) == FRAMES


def test_a_cut_that_only_the_duration_shows_is_logged(tmp_path: Path, caplog) -> None:
    path = written(tmp_path, ".flv")
    with caplog.at_level(logging.WARNING):
        assert len(read_video(path)[0]) == FRAMES
        assert not caplog.text
        path.write_bytes(path.read_bytes()[: packets(path)[7][0]])
        assert len(read_video(path)[0]) == 7
    assert "it may be cut short" in caplog.text


def test_sizes_of_every_length_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "made.mkv"
    header = containers.EBML + b"\x80" + containers.SEGMENT
    for size, wanted in ((b"\x85", 5), (b"\x40\x05", 5), (b"\x01" + b"\0" * 6 + b"\x05", 5)):
        path.write_bytes(header + size)
        assert missing_bytes(path) == wanted
    for size in (b"\xff", b"\x7f\xff", b"\x00", b""):
        path.write_bytes(header + size)
        assert missing_bytes(path) is None
    path.write_bytes(containers.EBML + b"\x80" + b"else")
    assert missing_bytes(path) is None


def test_boxes_of_every_length_are_understood(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "made.mp4"
    ftyp = (8).to_bytes(4, "big") + b"ftyp"
    for rest, wanted in (
        ((20).to_bytes(4, "big") + b"mdat" + b"12345", 7),
        ((1).to_bytes(4, "big") + b"mdat" + (40).to_bytes(8, "big"), 24),
        ((0).to_bytes(4, "big") + b"mdat" + b"to the end", 0),
        ((3).to_bytes(4, "big") + b"free", 0),
        (b"abc", 0),
    ):
        path.write_bytes(ftyp + rest)
        assert missing_bytes(path) == wanted
    monkeypatch.setattr(containers, "MAX_BOXES", 10)
    path.write_bytes(ftyp * 11)
    assert missing_bytes(path) is None


def test_our_own_files_are_whole(tmp_path: Path) -> None:
    for suffix in (".mkv", ".mp4", ".mov", ".m4v"):
        write_video(tmp_path / f"own{suffix}", torch.zeros(3, 16, 16, 3), 8)
        assert missing_bytes(tmp_path / f"own{suffix}") == 0
    (tmp_path / "empty.mp4").write_bytes(b"")
    assert missing_bytes(tmp_path / "empty.mp4") is None
