"""Frame rates of files whose frames are unevenly spaced, and metadata in other encodings."""

from __future__ import annotations

import logging
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from motion_core.errors import FormatError
from motion_core.image_files import read_image
from motion_core.video import OpenVideo, read_video, write_video


def gif(path: Path, durations: list[int]) -> Path:
    frames = [Image.fromarray(np.full((8, 8, 3), 20 * n, np.uint8)) for n in range(len(durations))]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations)
    return path


def test_a_held_last_frame_does_not_change_the_rate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        frames, fps = read_video(gif(tmp_path / "even.gif", [40] * 8))
        assert (len(frames), fps) == (8, 25.0)
        assert not caplog.text
        frames, fps = read_video(gif(tmp_path / "held.gif", [40] * 7 + [2000]))
    assert (len(frames), fps) == (8, 25.0)
    assert "held.gif: its frames are unevenly spaced" in caplog.text


def test_a_pause_in_the_middle_does_not_either(tmp_path: Path) -> None:
    _, fps = read_video(gif(tmp_path / "pause.gif", [40, 40, 40, 1000, 40, 40, 40, 40]))
    assert fps == 25.0


@pytest.mark.parametrize("rate", [8.0, 24000 / 1001, 30.0, 60.0])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_even_clips_keep_the_exact_rate(tmp_path: Path, rate: float, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_video(path, torch.zeros(6, 16, 16, 3), rate)
    assert read_video(path)[1] == pytest.approx(rate, rel=1e-6)


def test_rounded_times_are_no_uneven_ones() -> None:
    # Milliseconds, as Matroska stores them.
    times = [round(1000 * n / 60) / 1000 for n in range(20)]
    assert OpenVideo(iter(()), 60.0, 0, times).rate() == 60.0


def test_metadata_that_is_not_utf8_is_ignored(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Titel"
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = 16
        for _ in range(2):
            picture = np.zeros((16, 16, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    assert b"Titel" in content
    path.write_bytes(content.replace(b"Titel", b"T\xeft\xffl"))
    assert len(read_video(path)[0]) == 2


def test_an_image_of_too_few_bytes_for_its_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("P", (8, 6)).save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = (12_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(FormatError, match="states 12000x12000 pixels"):
        read_image(path)
    content[16:24] = (11_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(FormatError, match="bytes are too few for the 11000x11000 pixels"):
        read_image(path)
