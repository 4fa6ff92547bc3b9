"""The errors a caller can act on. Each message says what was expected, what came, what to do."""

from __future__ import annotations


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
