"""EXR depth passes: channel choice, data windows, files of FFmpeg and damaged files."""

from __future__ import annotations

import struct
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from motion_core.depth import exr
from motion_core.depth.exr import choose_depth_channel, read_exr
from motion_core.depth.sources import DepthReading, read_depth
from motion_core.errors import FormatError, MissingExtraError

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
    channels: dict[str, np.ndarray],
    *,
    compression: int = 0,
    version: int = 2,
    left: int = 0,
    top: int = 0,
    display: tuple[int, int, int, int] | None = None,
) -> bytes:
    kinds = {np.dtype("<u4"): 0, np.dtype("<f2"): 1, np.dtype("<f4"): 2}
    height, width = next(iter(channels.values())).shape
    window = left, top, left + width - 1, top + height - 1
    names = sorted(channels)
    listed = b"".join(
        n.encode() + b"\0" + struct.pack("<iIii", kinds[channels[n].dtype], 0, 1, 1) for n in names
    )
    attributes = {
        b"channels\0chlist\0": listed + b"\0",
        b"compression\0compression\0": bytes([compression]),
        b"dataWindow\0box2i\0": struct.pack("<4i", *window),
        b"displayWindow\0box2i\0": struct.pack("<4i", *(display or window)),
        b"lineOrder\0lineOrder\0": b"\0",
        b"pixelAspectRatio\0float\0": struct.pack("<f", 1.0),
        b"screenWindowCenter\0v2f\0": struct.pack("<2f", 0.0, 0.0),
        b"screenWindowWidth\0float\0": struct.pack("<f", 1.0),
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
    for name in ("Z", "ViewLayer.Depth.Z", "depth", "ViewLayer.Depth.V", "ViewLayer.Mist.Z"):
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
    ("names", "expected"),
    [
        ("Depth.V Normal.X Normal.Y Normal.Z", "Depth.V"),
        ("V.Depth.Z V.Position.X V.Position.Y V.Position.Z V.Mist.Z", "V.Depth.Z"),
        ("R G B A Z", "Z"),
        ("Y Z", "Z"),
        ("R G B depth.R depth.G depth.B", "depth.R depth.G depth.B"),
        ("R G B", "R G B"),
        ("A B G R", "R G B"),
        ("R G B layer.V", "layer.V"),
        ("Combined.R Combined.G Combined.B Combined.A Mist.Z", "Mist.Z"),
        ("Motion.X Motion.Y Motion.V", "Motion.V"),
        ("Y", "Y"),
        ("R", "R"),
        ("ZDEPTH", "ZDEPTH"),
    ],
)
def test_the_depth_pass_wins_over_vectors_and_colours(names: str, expected: str) -> None:
    assert choose_depth_channel(names.split()) == expected.split()


@pytest.mark.parametrize(
    "names",
    [
        "X Y Z",
        "R G B Normal.X Normal.Y Normal.Z",
        "Left.Depth.Z Right.Depth.Z",
        "Z Depth.V",
        "Combined.R Combined.G Combined.B Other.R Other.G Other.B",
        "Y V",
        "R A",
    ],
)
def test_without_one_depth_pass_the_channels_are_listed(names: str) -> None:
    with pytest.raises(FormatError, match="expected one depth channel") as caught:
        choose_depth_channel(names.split())
    assert names.replace(" ", ", ") in str(caught.value)


def test_a_colour_picture_is_no_depth(tmp_path: Path) -> None:
    (tmp_path / "rgb.exr").write_bytes(_by_hand({"R": DEPTH, "G": DEPTH, "B": DEPTH + 1}))
    with pytest.raises(FormatError, match="R, G, B hold a colour"):
        read_exr(tmp_path / "rgb.exr")


def test_a_cropped_data_window_lies_in_the_display_window(tmp_path: Path) -> None:
    path = tmp_path / "cropped.exr"
    path.write_bytes(_by_hand({"Z": DEPTH}, left=4, top=7, display=(0, 0, 59, 49)))
    values = read_exr(path)
    assert values.shape == (50, 60)
    assert np.array_equal(values[7:44, 4:25], DEPTH)
    assert np.isnan(values).sum() == values.size - DEPTH.size
    depth = read_depth(path)
    assert int(depth.valid.sum()) == DEPTH.size


def test_overscan_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "overscan.exr"
    path.write_bytes(_by_hand({"Z": DEPTH}, left=-3, top=-5, display=(0, 0, 9, 19)))
    assert np.array_equal(read_exr(path), DEPTH[5:25, 3:13])


@pytest.mark.parametrize("name", ["NO", "RLE", "ZIPS", "PIZ"])
def test_every_lossless_compression_is_read(tmp_path: Path, name: str) -> None:
    OpenEXR = pytest.importorskip("OpenEXR")
    path = tmp_path / "z.exr"
    header = {
        "compression": getattr(OpenEXR, f"{name}_COMPRESSION"),
        "type": OpenEXR.scanlineimage,
    }
    OpenEXR.File(header, {"Z": DEPTH}).write(str(path))
    assert np.array_equal(read_exr(path), DEPTH)


def test_multi_part_files_are_refused(tmp_path: Path) -> None:
    OpenEXR = pytest.importorskip("OpenEXR")
    path = tmp_path / "parts.exr"
    parts = [OpenEXR.Part({"name": name}, {"Z": DEPTH}) for name in ("left", "right")]
    OpenEXR.File(parts).write(str(path))
    with pytest.raises(FormatError, match="multi-part EXR is not read"):
        read_exr(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PNG and so on", "not an OpenEXR"),
        (b"\x76", "damaged"),
        (b"", "empty"),
        (_by_hand({"Z": DEPTH})[:-40], "NO compression.* cut short"),
        (_by_hand({"Z": DEPTH})[:60], "damaged"),
        (_by_hand({"Z": DEPTH}, compression=4), "PIZ compression.*save the file again with ZIP"),
        (_by_hand({"A": DEPTH, "B": DEPTH}), "expected one depth channel.* A, B"),
        (struct.pack("<iI", 20000630, 2) + b"\0", "damaged"),
        (struct.pack("<iI", 20000630, 2) + b"a\0b\0" + struct.pack("<i", -4), "damaged"),
        (_by_hand({"Z": DEPTH}, display=(0, 0, 60000, 60000)), "display window is 60001x60001"),
        (_by_hand({"Z": DEPTH}, display=(5, 5, 2, 2)), "display window|damaged"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "bad.exr").write_bytes(data)
    with pytest.raises(FormatError, match=f"bad.exr: .*({message})"):
        read_exr(tmp_path / "bad.exr")


@pytest.mark.parametrize("sides", [(100_000, 100_000), (30_000, 2_000), (2**31 - 1, 1)])
def test_sizes_are_checked_before_pixels_are_read(
    tmp_path: Path, sides: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(_by_hand({"Z": DEPTH}))
    at = data.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    data[at : at + 16] = struct.pack("<4i", 0, 0, sides[0] - 1, sides[1] - 1)
    (tmp_path / "huge.exr").write_bytes(data)
    monkeypatch.setattr(exr, "_read_channels", lambda *args: pytest.fail("pixels were read"))
    with pytest.raises(FormatError, match="huge.exr"):
        read_exr(tmp_path / "huge.exr")


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "z.exr").write_bytes(_by_hand({"Z": DEPTH}))
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(MissingExtraError, match="pip install OpenEXR"):
        read_exr(tmp_path / "z.exr")


@pytest.mark.parametrize(
    "name",
    ["Mist", "ViewLayer.Mist.Z", "disparity", "Disparity.Y", "inverse_depth", "A", "V.Alpha.V"]
    + ["ViewLayer.AO.X", "ViewLayer.IndexOB.X", "matte"],
)
def test_a_pass_of_other_numbers_is_no_metric_depth(tmp_path: Path, name: str) -> None:
    path = tmp_path / "pass.exr"
    shares = DEPTH / DEPTH.max()
    path.write_bytes(_by_hand({name: shares}))
    with pytest.raises(FormatError, match=f"pass.exr: channel {name} is no pass of distances"):
        read_depth(path)
    # Where the meaning is stated, the same numbers are read.
    assert read_depth(path, DepthReading("linear")).z.shape == DEPTH.shape


@pytest.mark.parametrize(
    ("name", "is_logged"),
    [("Cam A.Depth.Z", False), ("Index.Depth.V", False), ("distance", False), ("Y", True)],
)
def test_a_channel_of_unknown_meaning_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, is_logged: bool
) -> None:
    path = tmp_path / "pass.exr"
    path.write_bytes(_by_hand({name: DEPTH}))
    assert read_depth(path).kind == "metric"
    assert (f"channel {name} is taken for distances" in caplog.text) is is_logged


@pytest.mark.parametrize("sampling", [(2, 2), (1, 2)])
def test_a_subsampled_depth_channel_is_refused(tmp_path: Path, sampling: tuple[int, int]) -> None:
    path = tmp_path / "sub.exr"
    whole = struct.pack("<iIii", 2, 0, 1, 1)
    assert whole in (data := _by_hand({"Z": DEPTH}))
    path.write_bytes(data.replace(whole, struct.pack("<iIii", 2, 0, *sampling)))
    with pytest.raises(FormatError, match="sub.exr: .*(channel Z is subsampled|damaged)"):
        read_depth(path)
