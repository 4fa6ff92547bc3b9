"""Locks between processes, which the system releases when their holder ends, however it ends."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)


@contextmanager
def file_lock(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock of a file while the block runs.

    Where the file system has no locks, or the file cannot be created, the block runs without one
    and the log says so.

    Args:
        path: A file that serves as the lock alone. It is created, stays behind, and means nothing
            without a holder. Its folder must exist.
        wait_seconds: How long to wait for another holder.

    Raises:
        BlockingIOError: Another holder still has it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout as error:
        raise BlockingIOError(errno.EAGAIN, "another process holds the lock", str(path)) from error
    except (OSError, NotImplementedError) as error:
        logger.warning("there is no lock %s (%s); do not write from two processes.", path, error)
    try:
        yield
    finally:
        lock.release()
