"""Regular files read with a limit, as bytes or as text; every text file is read here."""

from __future__ import annotations

import codecs
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import FormatError

MAX_FILE_BYTES = 1 << 30
MARK = "\ufeff"
# The four bytes of UTF-32 begin with the two of UTF-16.
ENCODING_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Which of the first four bytes are not zero, where no mark tells the encoding.
UNMARKED_ENCODINGS = {
    b"\1\0\1\0": "utf-16-le",
    b"\0\1\0\1": "utf-16-be",
    b"\1\0\0\0": "utf-32-le",
    b"\0\0\0\1": "utf-32-be",
}


def check_readable(path: Path, limit: int = MAX_FILE_BYTES) -> int:
    """The size in bytes of a regular file.

    Raises FormatError for a missing file, a folder, a device, a pipe, a loop of links, an empty
    file or one larger than `limit` bytes.
    """
    try:
        info = path.stat()
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"cannot open the file ({reason}); check its path.") from error
    if not stat.S_ISREG(info.st_mode):
        kind = "a folder" if stat.S_ISDIR(info.st_mode) else "not a regular file"
        raise FormatError(f"expected a file but this is {kind}; give a file's path.")
    if info.st_size == 0:
        raise FormatError("the file is empty (0 bytes); write it again.")
    if info.st_size > limit:
        raise FormatError(
            f"the file has {info.st_size:,} bytes but at most {limit:,} are read; split it."
        )
    return info.st_size


def read_head(path: Path, count: int = 4096) -> bytes:
    """The first `count` bytes of a regular file. Raises FormatError like check_readable."""
    check_readable(path)
    with _opened(path) as file:
        return file.read(count)


def read_bytes(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """All bytes of a regular file. Raises FormatError like check_readable."""
    check_readable(path, limit)
    with _opened(path) as file:
        return file.read(limit + 1)


def read_text(path: Path, limit: int) -> str:
    """A file of at most `limit` bytes as text, without its byte order mark.

    Raises FormatError like check_readable and decode_text.
    """
    return decode_text(read_bytes(path, limit))


def decode_text(data: bytes, errors: str = "strict") -> str:
    """Text from UTF-8, UTF-16 or UTF-32, without a byte order mark, its lines ended by "\\n".

    UTF-16 and UTF-32 are recognised by their mark, or by the zero bytes of their first character,
    which plain text begins with in none of the others.

    Args:
        data: The bytes of a file, or its first bytes.
        errors: "strict", or "replace" for a beginning that may end inside a character.

    Raises:
        FormatError: The bytes are no such text.
    """
    marks = (entry for entry in ENCODING_MARKS if data.startswith(entry[0]))
    mark, encoding = next(marks, (b"", _unmarked_encoding(data)))
    try:
        text = data[len(mark) :].decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise FormatError(
            f"byte {len(mark) + error.start}: expected UTF-8 text; save the file as UTF-8."
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unmarked_encoding(data: bytes) -> str:
    """The encoding of text whose first character is ASCII, as those of all formats are."""
    return UNMARKED_ENCODINGS.get(bytes(bool(byte) for byte in data[:4]), "utf-8")


def without_mark(text: str) -> str:
    """Pasted text without the byte order mark that may have been copied with it."""
    return text.removeprefix(MARK)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise FormatError(f"cannot open the file ({error.strerror}); check its rights.") from error
    with file:
        yield file
