"""EXR against FFmpeg's encoder, and against files laid out by hand."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from motion_core.depth.exr import read_exr
from motion_core.depth.sources import read_depth
from motion_core.errors import FormatError

DEPTH = (np.random.default_rng(0).random((37, 21)) * 50 + 0.1).astype(np.float32)


def _ffmpeg(path: Path, values: np.ndarray, pixels: str, compression: str) -> None:
    av = pytest.importorskip("av")
    context = av.CodecContext.create("exr", "w")
    context.width, context.height, context.pix_fmt = values.shape[1], values.shape[0], pixels
    context.time_base = Fraction(1)
    context.options = {"compression": compression, "format": "float"}
    frame = av.VideoFrame(values.shape[1], values.shape[0], pixels)
    for plane in frame.planes:
        rows = np.zeros((values.shape[0], plane.line_size // 4), np.float32)
        rows[:, : values.shape[1]] = values
        plane.update(rows.tobytes())
    frame.pts = 0
    packets = [*context.encode(frame), *context.encode(None)]
    path.write_bytes(b"".join(bytes(packet) for packet in packets))


@pytest.mark.parametrize("pixels", ["grayf32le", "gbrpf32le"])
@pytest.mark.parametrize("compression", ["none", "zip1", "zip16"])
def test_what_ffmpeg_writes_is_read(tmp_path: Path, pixels: str, compression: str) -> None:
    path = tmp_path / "depth.exr"
    _ffmpeg(path, DEPTH, pixels, compression)
    assert np.array_equal(read_exr(path), DEPTH)


def _by_hand(
    channels: dict[str, np.ndarray], *, compression: int = 0, version: int = 2, top: int = 0
) -> bytes:
    kinds = {np.dtype("<u4"): 0, np.dtype("<f2"): 1, np.dtype("<f4"): 2}
    height, width = next(iter(channels.values())).shape
    names = sorted(channels)
    listed = b"".join(
        n.encode() + b"\0" + struct.pack("<iIii", kinds[channels[n].dtype], 0, 1, 1) for n in names
    )
    attributes = {
        b"channels\0chlist\0": listed + b"\0",
        b"compression\0compression\0": bytes([compression]),
        b"dataWindow\0box2i\0": struct.pack("<4i", 0, top, width - 1, top + height - 1),
    }
    head = struct.pack("<iI", 20000630, version)
    for key, value in attributes.items():
        head += key + struct.pack("<i", len(value)) + value
    head += b"\0"
    lines = [b"".join(channels[n][y].tobytes() for n in names) for y in range(height)]
    blocks = [struct.pack("<ii", top + y, len(line)) + line for y, line in enumerate(lines)]
    places, at = [], len(head) + 8 * height
    for block in blocks:
        places.append(at)
        at += len(block)
    return head + struct.pack(f"<{height}Q", *places) + b"".join(blocks)


def test_the_depth_channel_is_found_among_others(tmp_path: Path) -> None:
    path = tmp_path / "layers.exr"
    noise = DEPTH[::-1].copy()
    for name in ("Z", "ViewLayer.Depth.Z", "depth", "ViewLayer.Depth.V"):
        channels = {"A": noise.astype("<f2"), name: DEPTH, "ViewLayer.Normal.X": noise}
        path.write_bytes(_by_hand(channels, top=5))
        assert np.array_equal(read_exr(path), DEPTH), name


def test_half_whole_and_lone_channels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "one.exr"
    path.write_bytes(_by_hand({"anything": DEPTH.astype("<f2")}))
    assert np.array_equal(read_exr(path), DEPTH.astype(np.float16).astype(np.float32))
    path.write_bytes(_by_hand({"Z": DEPTH.astype("<u4")}))
    assert np.array_equal(read_exr(path), DEPTH.astype(np.uint32).astype(np.float32))


def test_an_exr_becomes_metric_depth_with_its_sky_invalid(tmp_path: Path) -> None:
    values = DEPTH.copy()
    values[0] = np.inf
    (tmp_path / "z.exr").write_bytes(_by_hand({"Z": values}))
    depth = read_depth(tmp_path / "z.exr")
    assert depth.kind == "metric"
    assert not depth.valid[0].any()
    assert depth.valid[1:].all()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PNG and so on", "not an OpenEXR"),
        (b"\x76", "damaged"),
        (_by_hand({"Z": DEPTH})[:-40], "damaged"),
        (_by_hand({"Z": DEPTH})[:60], "damaged"),
        (_by_hand({"Z": DEPTH}, compression=4), "PIZ is not read; save with ZIP"),
        (_by_hand({"Z": DEPTH}, version=2 | 0x200), "tiled"),
        (_by_hand({"Z": DEPTH}, version=2 | 0x1000), "multi-part"),
        (_by_hand({"A": DEPTH, "B": DEPTH}), "no depth channel .* A, B"),
        (struct.pack("<iI", 20000630, 2) + b"\0", "lacks channels"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "bad.exr").write_bytes(data)
    with pytest.raises(FormatError, match=f"bad.exr: .*{message}"):
        read_exr(tmp_path / "bad.exr")


def test_a_block_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    data = _by_hand({"Z": DEPTH[:1]}, compression=2)
    squeezed = zlib.compress(b"\0" * 7)
    cut = data[: -len(DEPTH[0].tobytes()) - 4]
    (tmp_path / "short.exr").write_bytes(cut + struct.pack("<i", len(squeezed)) + squeezed)
    with pytest.raises(FormatError, match="wrong length"):
        read_exr(tmp_path / "short.exr")
