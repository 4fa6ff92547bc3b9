"""Track files are written completely or not at all."""

from __future__ import annotations

from pathlib import Path

from ..atomic_write import atomic_write, check_target
from ..errors import FormatError

MAX_TABLE_BYTES = 64 << 20


def check_writable(path: Path) -> None:
    """Raises FormatError unless a file can be created at `path`; see check_target."""
    try:
        check_target(path)
    except (ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FormatError(f"cannot be written: {reason}") from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file completely or not at all. Raises FormatError as check_writable does."""
    check_writable(path)
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
