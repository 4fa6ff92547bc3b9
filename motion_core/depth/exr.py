"""OpenEXR, as far as depth passes need it: one part, scan lines, uncompressed or ZIP.

The wheels of OpenCV carry no EXR decoder that can be counted on, so the format's own document is
followed here (openexr.com, "OpenEXR File Layout").
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FormatError

MAGIC = 20000630
TILED, DEEP, MULTIPART = 0x200, 0x800, 0x1000
# Scan lines in a block, by compression: none, ZIPS and ZIP. Names of what is refused.
BLOCK_LINES = {0: 1, 2: 1, 3: 16}
REFUSED = {1: "RLE", 4: "PIZ", 5: "PXR24", 6: "B44", 7: "B44A", 8: "DWAA", 9: "DWAB"}
DTYPES = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}
# Where depth is kept, best first; layers ("ViewLayer.Depth.Z") are told by their last word.
DEPTH_CHANNELS = ("z", "depth", "y", "v", "r")


@dataclass(frozen=True)
class _Header:
    channels: tuple[tuple[str, np.dtype], ...]
    compression: int
    width: int
    height: int
    top: int
    end: int


def read_exr(path: Path) -> np.ndarray:
    """(H, W) float32 of a file's depth channel: Z, depth, Y, V, R, or its only one.

    Raises FormatError for anything else than a one-part scan-line file that is not compressed or
    compressed with ZIP, and for a file that is cut short.
    """
    data = path.read_bytes()
    try:
        header = _read_header(data)
        name, offset, dtype = _depth_channel(header)
        return _read_channel(data, header, offset, dtype).astype(np.float32)
    except FormatError as error:
        raise FormatError(f"{path.name}: {error}") from error
    except (struct.error, IndexError, ValueError, zlib.error, UnicodeDecodeError) as error:
        raise FormatError(f"{path.name}: the EXR file is damaged or cut short.") from error


def _read_header(data: bytes) -> _Header:
    magic, version = struct.unpack_from("<iI", data)
    if magic != MAGIC:
        raise FormatError("not an OpenEXR file.")
    if version & (TILED | DEEP | MULTIPART):
        raise FormatError("tiled, deep and multi-part EXR is not read; save one scan-line image.")
    attributes, at = {}, 8
    while data[at] != 0:
        name, at = _text(data, at)
        _, at = _text(data, at)
        (length,) = struct.unpack_from("<i", data, at)
        attributes[name] = data[at + 4 : at + 4 + length]
        at += 4 + length
    missing = {"channels", "compression", "dataWindow"} - attributes.keys()
    if missing:
        raise FormatError(f"the EXR header lacks {', '.join(sorted(missing))}.")
    compression = attributes["compression"][0]
    if compression not in BLOCK_LINES:
        name = REFUSED.get(compression, str(compression))
        raise FormatError(f"EXR compression {name} is not read; save with ZIP or none.")
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    channels = _read_channels(attributes["channels"])
    return _Header(channels, compression, right - left + 1, bottom - top + 1, top, at + 1)


def _read_channels(data: bytes) -> tuple[tuple[str, np.dtype], ...]:
    channels, at = [], 0
    while data[at] != 0:
        name, at = _text(data, at)
        kind, _, across, down = struct.unpack_from("<iIii", data, at)
        if (across, down) != (1, 1) or kind not in DTYPES:
            raise FormatError(f"EXR channel {name} is subsampled or of an unknown type.")
        channels.append((name, DTYPES[kind]))
        at += 16
    return tuple(channels)


def _depth_channel(header: _Header) -> tuple[str, int, np.dtype]:
    """Name, place in a line (bytes for each pixel column before it) and type of the channel."""
    last_words = [name.rsplit(".", 1)[-1].lower() for name, _ in header.channels]
    for wanted in DEPTH_CHANNELS:
        if wanted in last_words:
            chosen = last_words.index(wanted)
            break
    else:
        if len(last_words) != 1:
            names = ", ".join(name for name, _ in header.channels)
            raise FormatError(f"no depth channel (Z, depth, Y, V or R) among {names}.")
        chosen = 0
    offset = sum(dtype.itemsize for _, dtype in header.channels[:chosen])
    name, dtype = header.channels[chosen]
    return name, offset, dtype


def _read_channel(data: bytes, header: _Header, offset: int, dtype: np.dtype) -> np.ndarray:
    lines = BLOCK_LINES[header.compression]
    blocks = -(-header.height // lines)
    line_bytes = header.width * sum(kind.itemsize for _, kind in header.channels)
    values = np.full((header.height, header.width), np.nan, dtype=np.float32)
    for place in struct.unpack_from(f"<{blocks}Q", data, header.end):
        y, length = struct.unpack_from("<ii", data, place)
        first = y - header.top
        count = min(lines, header.height - first)
        block = _unpacked(data[place + 8 : place + 8 + length], line_bytes * count)
        rows = np.frombuffer(block, np.uint8).reshape(count, line_bytes)
        start = offset * header.width
        mine = rows[:, start : start + header.width * dtype.itemsize]
        values[first : first + count] = np.ascontiguousarray(mine).view(dtype)
    return values


def _unpacked(block: bytes, length: int) -> bytes:
    """Undo ZIP: inflate, add up the differences, and put the two halves' bytes in turn."""
    if len(block) == length:  # a block that would not shrink is stored as it is
        return block
    coded = np.frombuffer(zlib.decompress(block), np.uint8)
    if len(coded) != length:
        raise FormatError("an EXR block has the wrong length.")
    steps = coded.copy()
    steps[1:] -= np.uint8(128)
    flat = np.cumsum(steps, dtype=np.uint8)
    half = (length + 1) // 2
    out = np.empty(length, np.uint8)
    out[0::2], out[1::2] = flat[:half], flat[half:]
    return out.tobytes()


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("utf-8"), end + 1
