"""Jobs that kill their process or fail, imported by worker processes as tests.curation.jobs."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path


def kill(job: tuple[str, Path]) -> str:
    """The name of a job; "once" kills its process the first time, "always" every time."""
    name, marker = job
    if name == "always" or (name == "once" and not marker.exists()):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def fail(job: tuple[str, Path]) -> str:
    """Fails as on a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x")
