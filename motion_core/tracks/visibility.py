"""When a point counts as seen.

No other operation on tracks changes ``visible`` because of where a point lies: moving, cropping or
fitting may carry points outside the canvas, and ``hide_outside`` is the one place that hides them.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .arguments import whole_number
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


def show_only(tracks: Tracks, start: int, stop: int) -> Tracks:
    """The same tracks, invisible outside frames start <= frame < stop.

    Raises TypeError or ValueError unless 0 <= start <= stop <= T.
    """
    stop = whole_number("stop", stop, most=tracks.num_frames)
    start = whole_number("start", start, most=stop)
    frame = torch.arange(tracks.num_frames, device=tracks.device)
    shown = (frame >= start) & (frame < stop)
    return replace(tracks, visible=tracks.visible & shown[:, None])
