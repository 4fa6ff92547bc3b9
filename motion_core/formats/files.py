"""Track files are written completely or not at all."""

from __future__ import annotations

from pathlib import Path

from ..atomic_write import atomic_write
from ..errors import FormatError

MAX_TABLE_BYTES = 64 << 20


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
