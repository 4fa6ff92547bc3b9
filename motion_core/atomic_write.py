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
        FileNotFoundError: The folder of the target does not exist.
        IsADirectoryError: The target is a folder.
        OSError: The file cannot be written; the error names the target.
    """
    _check_parent(target)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder; give a file name", str(target))
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
        FileNotFoundError: The folder that shall hold the target does not exist.
        FileExistsError: The target exists.
    """
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


def _check_parent(target: Path) -> None:
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} into.")


def _temporary_name(target: Path) -> Path:
    # The name is cut so that it stays below the 255 bytes that file systems allow.
    return target.with_name(f".{target.name[:40]}.{secrets.token_hex(6)}.part")


def _concerns(error: OSError, temporary: Path) -> bool:
    """Whether an error was raised by writing the temporary file."""
    if error.filename is None:
        return error.errno in _DISK_ERRORS
    return error.errno is not None and os.fspath(error.filename) == str(temporary)
