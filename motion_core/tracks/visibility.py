"""Which points lie on the canvas.

No other operation on tracks changes ``visible`` because of where a point lies: moving, cropping or
fitting may carry points outside the canvas, and ``hide_outside`` is the one place that hides them.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from .model import Tracks


def inside_canvas(tracks: Tracks) -> Tensor:
    """(T, N) bool: whether each position lies on the canvas, 0 <= x < width and 0 <= y < height.

    Looks at positions only; where a point is invisible the answer means nothing.
    """
    x, y = tracks.xy.unbind(dim=-1)
    return (x >= 0) & (x < tracks.size.width) & (y >= 0) & (y < tracks.size.height)


def hide_outside(tracks: Tracks) -> Tracks:
    """The same tracks, invisible wherever they lie outside the canvas. Positions are kept."""
    return replace(tracks, visible=tracks.visible & inside_canvas(tracks))
