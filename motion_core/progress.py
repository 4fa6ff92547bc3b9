"""How long work reports itself and is stopped."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called after each finished piece of work; it may raise to stop the work.

    Whatever it raises travels to the caller unchanged, and the work leaves nothing half done.
    """

    def __call__(self, done: int, total: int) -> None: ...


def silent(done: int, total: int) -> None:
    """A Progress that shows nothing and never stops the work."""
