"""Files on disk: only regular files are read, and files are written completely or not at all."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from pathlib import Path

from ..atomic_write import atomic_write
from ..errors import FormatError

MAX_FILE_BYTES = 1 << 30
MAX_TABLE_BYTES = 64 << 20


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
        raise FormatError(f"expected a track file but this is {kind}; give a file's path.")
    if info.st_size == 0:
        raise FormatError("the file is empty (0 bytes); write it again.")
    if info.st_size > limit:
        raise FormatError(
            f"the file has {info.st_size:,} bytes but at most {limit:,} are read; "
            "split it or keep fewer tracks."
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
    """A UTF-8 file of at most `limit` bytes as text, without its byte order mark.

    Raises FormatError like check_readable, and for bytes that are not UTF-8.
    """
    data = read_bytes(path, limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"byte {error.start}: expected UTF-8 text; save the file as UTF-8."
        ) from error


def check_writable(path: Path) -> None:
    """Raises FormatError unless a file can be created at `path`.

    That is so when the folder is missing, the path is a folder, or the name holds a NUL character.
    """
    if "\0" in path.name:
        raise FormatError("a file name cannot hold a NUL character; give another one.")
    if not path.parent.is_dir():
        raise FormatError(f"folder {path.parent} does not exist; create it first.")
    if path.is_dir():
        raise FormatError(f"{path} is a folder; give a file name to write to.")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file completely or not at all. Raises FormatError as check_writable does."""
    check_writable(path)
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def first_line(error: BaseException) -> str:
    """The first line of another library's error, at most 80 characters."""
    return (str(error).splitlines() or [type(error).__name__])[0][:80]


@contextmanager
def _opened(path: Path):
    try:
        file = path.open("rb")
    except OSError as error:
        raise FormatError(f"cannot open the file ({error.strerror}); check its rights.") from error
    with file:
        yield file
