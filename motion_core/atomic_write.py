"""Files and folders that appear complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Of one name, in the file systems of Linux, macOS and Windows.
MAX_NAME_BYTES = 255
# Failures of a whole disk: the system reports them without the name of a file.
_DISK_ERRORS = {errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}


@contextmanager
def atomic_write(target: Path, *, durable: bool = False) -> Iterator[Path]:
    """A temporary path beside `target` that replaces it when the block ends without an error.

    When the block raises, the temporary file is removed and the target stays as it was. Temporary
    names are unique, so two writers of one target never mix: the last one to finish wins. For
    files that belong together, nest one block inside the other.

    Args:
        target: The file to write. Its folder must exist.
        durable: Flush the file to the disk before the rename, so that it survives a power cut.

    Raises:
        ValueError, FileNotFoundError, IsADirectoryError: As check_target.
        OSError: The file cannot be written; the error names the target.
    """
    check_target(target)
    temporary = _temporary_name(target)
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        if _concerns(error, temporary):
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target` that becomes it when the block ends without an error.

    When the block raises, the temporary folder is removed with its content.

    Raises:
        ValueError: The name cannot be one.
        FileNotFoundError: The folder that shall hold the target does not exist.
        FileExistsError: The target exists.
    """
    _check_name(target)
    _check_parent(target)
    if target.exists():
        raise FileExistsError(f"{target} exists; name a new folder or remove it first.")
    temporary = _temporary_name(target)
    temporary.mkdir()
    try:
        yield temporary
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(target: Path, text: str) -> None:
    """Write a UTF-8 file completely or not at all. Raises what atomic_write raises."""
    with atomic_write(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_leftovers(target: Path, age_seconds: float = 3600.0) -> None:
    """Remove temporary files of a target that a killed process has left.

    Args:
        target: As given to atomic_write.
        age_seconds: Younger files may belong to a writer that is still at work, and stay.
    """
    if not target.parent.is_dir():
        return
    oldest = time.time() - age_seconds
    for path in target.parent.glob(f".{glob.escape(target.name[:40])}.*.part"):
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()


def check_target(target: Path) -> None:
    """Check that a file can be created, before long work or before it is written.

    Raises:
        ValueError: Its name holds a NUL or half a character, or is longer than file systems allow.
        FileNotFoundError: Its folder does not exist, or is a loop of links.
        IsADirectoryError: It is a folder.
    """
    _check_name(target)
    _check_parent(target)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder; give a file name", str(target))


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Failures of a whole disk, which the system reports without a name, as those of a file."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _DISK_ERRORS:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _check_name(target: Path) -> None:
    name = target.name
    try:
        count = len(os.fsencode(name))
    except UnicodeEncodeError:
        count = 0
    if not count or "\0" in name:
        raise ValueError(
            f"{name!r:.60} cannot be a file's name: it is empty, or holds a NUL character or half "
            "a one."
        )
    if count > MAX_NAME_BYTES:
        raise ValueError(
            f"the file name {name[:30]!r}... has {count} bytes; file systems allow "
            f"{MAX_NAME_BYTES}. Shorten it."
        )


def _check_parent(target: Path) -> None:
    try:
        is_there = target.parent.is_dir()
    except OSError:  # a name in the path is too long
        is_there = False
    if not is_there:
        raise FileNotFoundError(
            f"there is no folder {str(target.parent)[:200]} to write {target.name} into; "
            "create it first."
        )


def _temporary_name(target: Path) -> Path:
    # The name is cut so that it stays below the 255 bytes that file systems allow.
    return target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.part")


def _concerns(error: OSError, temporary: Path) -> bool:
    """Whether an error was raised by writing the temporary file."""
    if error.filename is None:
        return error.errno in _DISK_ERRORS
    return error.errno is not None and os.fspath(error.filename) == str(temporary)
