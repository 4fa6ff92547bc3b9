"""Limits of one expansion, and messages that name the layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import CanvasError, DocumentError, ShapeError
from ...geometry import Size, checked_size
from ...tracks.arguments import whole_number
from ..fields import describe
from ..layer import Layer

MAX_FRAMES = 10_000
MAX_DOTS = 1_000_000
MAX_POSITIONS = 100_000_000

_KEPT = (CanvasError, DocumentError, ShapeError)


def checked_clip(frames: int, size: Size) -> tuple[int, Size]:
    """Check a number of frames, 1..10,000, and a canvas.

    Raises:
        TypeError: `frames` is not a whole number.
        ValueError: `frames` is out of range, or the canvas is not valid.
    """
    frames = whole_number("frames", frames, least=1)
    if frames > MAX_FRAMES:
        raise ValueError(f"frames must be {MAX_FRAMES:,} or less; got {frames:,}. Ask for fewer.")
    return frames, checked_size(*size)


def check_count(count: float, frames: int, remedy: str, *, before: int = 0) -> None:
    """Check the number of dots and positions.

    Args:
        count: Number of dots.
        frames: Number of frames.
        remedy: End of the message, what to do.
        before: Dots of the layers before it, which count as well.

    Raises:
        ValueError: More dots or positions than fit.
    """
    count += before
    if before:
        remedy = f"this counts the layers before it; {remedy}"
    if count > MAX_DOTS:
        raise ValueError(f"about {count:.3g} dots are more than {MAX_DOTS:,}; {remedy}.")
    if count * frames > MAX_POSITIONS:
        raise ValueError(
            f"{count:,.0f} dots through {frames:,} frames are more than {MAX_POSITIONS:,} "
            f"positions; {remedy}, or ask for fewer frames."
        )


def in_range(field: str, value: float, *, above_zero: bool) -> float:
    """Check that a field of a layer is finite and not negative.

    Args:
        field: Its name, for the message.
        value: Its value.
        above_zero: Whether 0 is refused as well.

    Raises:
        ValueError: The value is out of range.
    """
    if not math.isfinite(value) or value < 0 or (above_zero and value == 0):
        least = "above 0" if above_zero else "0 or more"
        raise ValueError(f'"{field}" must be a finite number, {least}; got {value}.')
    return float(value)


@contextmanager
def naming(layer: Layer) -> Iterator[None]:
    """Prefix the message of a ValueError raised inside with the layer.

    Subclasses of ValueError keep their class.
    """
    try:
        yield
    except ValueError as error:
        kind = type(error) if type(error) in _KEPT else ValueError
        raise kind(f"{layer_label(layer)}: {error}") from error


def layer_label(layer: Layer) -> str:
    """The layer in messages: its kind, its name if it has one, and its id."""
    name = f"{describe(layer.name)}, " if layer.name else ""
    return f"{layer.kind} layer ({name}id {describe(layer.id)})"
