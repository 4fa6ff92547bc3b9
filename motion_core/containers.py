"""Detection of truncated video files from the lengths that their outermost elements state.

A decoder may stop at the end of a truncated file without an error, as if the video ended there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

EBML, SEGMENT = bytes.fromhex("1a45dfa3"), bytes.fromhex("18538067")
# The outermost boxes of MP4 and QuickTime files (ISO/IEC 14496-12, section 4.2).
BOXES = frozenset(
    b"ftyp styp moov moof mdat free skip wide sidx ssix mfra meta uuid udta pdin prft emsg".split()
)
BOX_HEAD, LONG_BOX_HEAD = 8, 16
# Far more than a real video has; a crafted file may hold millions.
MAX_BOXES = 200_000


def missing_bytes(source: Path | BinaryIO) -> int | None:
    """The number of bytes that a Matroska, WebM, MP4 or QuickTime file lacks by its stated length.

    Args:
        source: The file, or one that is open, whose position stays.

    None for other files, and for files that state no length. Raises OSError if the file cannot be
    read.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return missing_bytes(file)
    position = source.tell()
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    head = source.read(BOX_HEAD)
    source.seek(0)
    if head[:4] == EBML:
        end = _segment_end(source)
    elif head[4:] in BOXES:
        end = _boxes_end(source, size)
    else:
        end = None
    source.seek(position)
    return None if end is None else max(0, end - size)


def _segment_end(file: BinaryIO) -> int | None:
    """Where the Segment of a Matroska file ends, its second element (RFC 9559, section 5.1)."""
    file.seek(len(EBML))
    header = _length(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(len(SEGMENT)) != SEGMENT:
        return None
    whole = _length(file)
    return None if whole is None else file.tell() + whole


def _length(file: BinaryIO) -> int | None:
    """An element's data size (RFC 8794, section 6); None when it is left open or broken."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    count = 9 - first[0].bit_length()
    bits = (1 << 7 * count) - 1
    value = int.from_bytes(first + file.read(count - 1), "big") & bits
    return None if value == bits else value


def _boxes_end(file: BinaryIO, size: int) -> int | None:
    position = 0
    for _ in range(MAX_BOXES):
        if position + BOX_HEAD > size:
            return position
        file.seek(position)
        head = file.read(LONG_BOX_HEAD)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        # A length of 0 means up to the end of the file. Other bytes after a box are trailing data.
        if length < BOX_HEAD or kind not in BOXES:
            return position
        position += length
    return None
