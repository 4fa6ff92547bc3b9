"""Small inputs that claim much: each is refused or read within the limits of time and memory."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from .arrays import npy
from .judge import judge
from .mutations import packed
from .picture_targets import image_seeds
from .target import all_targets

TARGETS = {target.name: target for target in all_targets()}


def zeros(shape: tuple[int, ...], dtype: str) -> bytes:
    """A .npy of zeros, written without an array of that size."""
    head = npy(np.zeros((1,) * len(shape), dtype))[:128]
    old = str((1,) * len(shape)).encode()
    new = str(shape).encode()
    head = head[:127].replace(old, new)[:127].rstrip().ljust(127) + b"\n"
    return head + b"\0" * (int(np.prod(shape)) * np.dtype(dtype).itemsize)


def npz(**members: bytes) -> bytes:
    """A deflated .npz."""
    named = [(f"{name}.npy", data) for name, data in members.items()]
    return packed(named, zipfile.ZIP_DEFLATED)


@cache
def tapvid() -> bytes:
    """A third of a megabyte that unpacks to 80 million positions."""
    return npz(points=zeros((8000, 10000, 2), "<f2"), occluded=zeros((8000, 10000), "|b1"))


def cotracker() -> bytes:
    """The same as CoTracker's."""
    arrays = {"tracks": zeros((1, 10000, 8000, 2), "<f2")}
    return npz(**arrays, visibility=zeros((1, 10000, 8000), "|b1"))


def own() -> bytes:
    """The same as this pack's."""
    return npz(
        motion_tracks_version=npy(np.array(1)),
        xy=zeros((10000, 7000, 2), "<f4"),
        visible=zeros((10000, 7000), "|b1"),
        ids=zeros((7000,), "<i8"),
        size=npy(np.array([64, 48])),
    )


def lying_npy() -> bytes:
    """745 GiB in 128 bytes."""
    head = npy(np.zeros((1, 1), np.float32))[:128]
    return head.replace(b"(1, 1)", b"(100000, 2000000)").replace(b" " * 11, b"", 1) + b"\0" * 4


def png(width: int, height: int, kind: bytes) -> bytes:
    """A PNG whose header states a size of which nothing is stored. kind: bits and colour type."""
    header = b"IHDR" + struct.pack(">II", width, height) + kind + b"\0\0\0"
    data = b"IDAT" + zlib.compress(b"")
    parts = [struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p))
             for p in (header, data, b"IEND")]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif() -> bytes:
    """A GIF whose screen is 65535 pixels a side."""
    content = bytearray(image_seeds("GIF")[0])
    content[6:10] = b"\xff\xff\xff\xff"
    return bytes(content)


def safetensors() -> bytes:
    """A header of 9 exabytes."""
    return struct.pack("<Q", 1 << 62) + b"{}"


def pickled() -> bytes:
    """A zip of torch whose pickle unpacks to 256 MB."""
    return packed([("a/data.pkl", b"\0" * (256 << 20))], zipfile.ZIP_DEFLATED)


def layers() -> bytes:
    """A checkpoint of Stable Diffusion with block 199,999 of an autoencoder."""
    names = ["first_stage_model.encoder.down.0.block.199999.conv1.bias",
             "cond_stage_model.transformer.text_model.encoder.layers.199999.mlp.fc1.bias",
             "model.diffusion_model.out.2.bias",
             "model.diffusion_model.input_blocks.199999.0.op.weight"]  # fmt: skip
    header = {
        name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * n, 4 * n + 4]}
        for n, name in enumerate(names)
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * 16


def deep(opening: bytes) -> bytes:
    """Brackets a hundred thousand deep."""
    return opening * 100_000


def digits() -> bytes:
    """A number of a million digits."""
    return b'{"version": ' + b"9" * 1_000_000 + b"}"


BOMBS: list[tuple[str, Callable[[], bytes]]] = [
    ("tracks_tapvid", tapvid),
    ("tracks_cotracker", cotracker),
    ("tracks_motion_npz", own),
    ("tracks_wan_move", lying_npy),
    ("tracks_csv", lambda: b"frame,track,x,y,visible\n1000000000,0,1,2,1\n"),
    ("depth_npy", lying_npy),
    ("depth_png", lambda: png(20_000, 20_000, b"\x10\0")),
    ("depth_exr", lambda: struct.pack("<iI", 20000630, 2) + b"a\0b\0" + struct.pack("<i", -4)),
    ("image_png", lambda: png(8, 0xFF0006, b"\x08\x03")),
    ("image_png", lambda: png(16_000, 8_000, b"\x08\x02")),
    ("image", gif),
    ("video", lambda: b"YUV4MPEG2 W65000 H65000 F25:1 C420jpeg\nFRAME\n" + b"\0" * 999),
    ("safetensors", safetensors),
    ("pickle_zip", pickled),
    ("weights_sd15", layers),
    ("json_object", lambda: deep(b'{"a":')),
    ("camera_json", lambda: deep(b"[")),
    ("camera_json", digits),
    ("document", lambda: deep(b"[")),
    ("document", digits),
    ("text_poses", lambda: deep(b"[")),
    ("text_coordinates", lambda: deep(b"[")),
    ("training_log", lambda: deep(b"[") + b"\n"),
    ("folder_depth_anything", lambda: deep(b"[")),
]


@pytest.mark.parametrize(
    ("name", "make"), BOMBS, ids=[f"{number}-{name}" for number, (name, _) in enumerate(BOMBS)]
)
def test_a_bomb_is_refused_within_the_limits(name: str, make: Callable[[], bytes]) -> None:
    target = TARGETS[name]
    assert judge(target, target.decode(make())).is_refused


def test_the_bombs_of_arrays_are_real() -> None:
    with zipfile.ZipFile(io.BytesIO(tapvid())) as archive:
        assert archive.getinfo("points.npy").file_size == 128 + 320_000_000
    assert len(tapvid()) < 1_000_000
