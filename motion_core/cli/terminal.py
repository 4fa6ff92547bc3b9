"""Messages and progress on stderr while a command works."""

from __future__ import annotations

import sys
import time

from ..progress import Progress

# How the command line is called.
PROGRAM = "python -m motion_core"
INTERVAL_S = 0.1


def echo(text: str) -> None:
    """Write one line to stderr. Names of files may hold bytes that are no characters."""
    plain = text.encode("utf-8", "backslashreplace").decode("utf-8")
    sys.stderr.write(f"{plain}\n")
    sys.stderr.flush()


def meter(label: str) -> Progress:
    """A Progress that keeps one line of the terminal up to date; silent where stderr is a file."""
    if not sys.stderr.isatty():
        return lambda done, total: None
    shown_at = 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown_at
        now = time.monotonic()
        if done < total and now - shown_at < INTERVAL_S:
            return
        shown_at = now
        sys.stderr.write(f"\r{label} {done}/{total}" + ("\n" if done >= total else ""))
        sys.stderr.flush()

    return show
