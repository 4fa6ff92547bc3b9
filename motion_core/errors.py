"""The errors a caller can act on. Each message says what was expected, what came, what to do."""

from __future__ import annotations

from collections.abc import Sequence


class ShapeError(ValueError):
    """A tensor or array has the wrong shape."""


class CanvasError(ValueError):
    """Two things that must share a canvas were measured on different ones."""


class DocumentError(ValueError):
    """A MOTION document breaks its schema; the message names the layer and the field."""


class FormatError(ValueError):
    """A file or string is not in the format it claims; the message names file and position."""


class CanvasUnknownError(FormatError):
    """A file does not store the canvas its pixels are measured on, and no size was given."""


class OutOfMemoryError(MemoryError):
    """Memory ran out or would run out; the message says what to make smaller."""


class MissingExtraError(ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""


def listed(names: Sequence[str], limit: int = 12) -> str:
    """Names as readable text, cut after `limit`."""
    shown = ", ".join(repr(name[:40]) for name in list(names)[:limit])
    return shown + (", ..." if len(names) > limit else "") if names else "none"


def first_line(error: BaseException) -> str:
    """The first line of another library's error, at most 80 characters."""
    return (str(error).splitlines() or [type(error).__name__])[0][:80]
