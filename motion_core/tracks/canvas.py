"""Tracks on another canvas, and moved about on their own.

Everything here changes positions and the canvas and leaves ``visible`` alone, so that going there
and back loses nothing: ``crop`` undoes ``pad``, and ``pad`` undoes ``crop``. Points may end up
outside the canvas; ``hide_outside`` hides them when that is wanted.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from ..errors import CanvasError
from ..geometry import Size, checked_size
from .arguments import finite_number, positive_number, whole_number
from .model import Tracks


def scale_to(tracks: Tracks, size: Size) -> Tracks:
    """The same motion on a canvas of another size, each axis stretched to fill it.

    Raises TypeError or ValueError for a bad size.
    """
    size = checked_size(*size)
    factor = [size.width / tracks.size.width, size.height / tracks.size.height]
    return replace(tracks, xy=tracks.xy * tracks.xy.new_tensor(factor), size=size)


def fit(
    tracks: Tracks, size: Size, mode: Literal["stretch", "cover", "contain"] = "stretch"
) -> Tracks:
    """The tracks as their picture would be brought to another size.

    "stretch" fills each axis; "cover" keeps the aspect and fills the canvas, so that parts of the
    picture fall outside; "contain" keeps the aspect and shows the whole picture between bars.
    Both are centred. Raises ValueError for an unknown mode or a bad size.
    """
    size = checked_size(*size)
    if mode == "stretch":
        return scale_to(tracks, size)
    if mode not in ("cover", "contain"):
        raise ValueError(f"mode must be 'stretch', 'cover' or 'contain'; got {mode!r}.")
    ratios = size.width / tracks.size.width, size.height / tracks.size.height
    factor = max(ratios) if mode == "cover" else min(ratios)
    return replace(
        tracks, xy=(tracks.xy - _middle(tracks)) * factor + _centre_of(tracks, size), size=size
    )


def crop(tracks: Tracks, left: int, top: int, size: Size) -> Tracks:
    """The tracks on a rectangle cut from their canvas; its top-left corner is at (left, top).

    Points outside the rectangle keep their positions and their ``visible``; see hide_outside.
    Raises TypeError for values that are not whole pixels, CanvasError when the rectangle does not
    lie on the canvas.
    """
    size = checked_size(*size)
    left = whole_number("left", left, least=None)
    top = whole_number("top", top, least=None)
    fits = 0 <= left <= tracks.size.width - size.width
    if not (fits and 0 <= top <= tracks.size.height - size.height):
        raise CanvasError(
            f"a crop of {size} at ({left}, {top}) does not lie on the canvas of {tracks.size}. "
            "Choose a smaller rectangle, or pad() first."
        )
    return replace(tracks, xy=tracks.xy - tracks.xy.new_tensor([left, top]), size=size)


def pad(tracks: Tracks, left: int = 0, top: int = 0, right: int = 0, bottom: int = 0) -> Tracks:
    """The tracks on their canvas grown by whole pixels on each side.

    Raises TypeError or ValueError for a border that is not a whole number of 0 or more, or when the
    canvas grows beyond its largest side.
    """
    left, right = whole_number("left", left), whole_number("right", right)
    top, bottom = whole_number("top", top), whole_number("bottom", bottom)
    size = checked_size(tracks.size.width + left + right, tracks.size.height + top + bottom)
    return replace(tracks, xy=tracks.xy + tracks.xy.new_tensor([left, top]), size=size)


def flip(tracks: Tracks, direction: Literal["horizontal", "vertical"]) -> Tracks:
    """The tracks mirrored: "horizontal" swaps left and right, "vertical" top and bottom.

    Raises ValueError for another direction.
    """
    x, y = tracks.xy.unbind(dim=-1)
    if direction == "horizontal":
        x = tracks.size.width - x
    elif direction == "vertical":
        y = tracks.size.height - y
    else:
        raise ValueError(f"direction must be 'horizontal' or 'vertical'; got {direction!r}.")
    return replace(tracks, xy=_paired(x, y))


def transform(
    tracks: Tracks,
    *,
    dx: float = 0.0,
    dy: float = 0.0,
    rotate_deg: float = 0.0,
    scale: float = 1.0,
    about: tuple[float, float] | None = None,
) -> Tracks:
    """The tracks scaled and turned about a point, then shifted; the canvas stays.

    dx, dy: pixels right and down. rotate_deg: clockwise as seen on the screen. scale: above 0.
    about: the fixed point in pixels; None is the canvas centre.
    Raises TypeError or ValueError for values that are not finite numbers, or scale not above 0.
    """
    shift = tracks.xy.new_tensor([finite_number("dx", dx), finite_number("dy", dy)])
    angle = math.radians(math.remainder(finite_number("rotate_deg", rotate_deg), 360.0))
    factor = positive_number("scale", scale)
    pivot = _middle(tracks) if about is None else tracks.xy.new_tensor(_point("about", about))
    cosine, sine = factor * math.cos(angle), factor * math.sin(angle)
    x, y = (tracks.xy - pivot).unbind(dim=-1)
    turned = _paired(cosine * x - sine * y, sine * x + cosine * y)
    return replace(tracks, xy=turned + (pivot + shift))


def _centre_of(tracks: Tracks, size: Size) -> Tensor:
    return tracks.xy.new_tensor([size.width / 2, size.height / 2])


def _middle(tracks: Tracks) -> Tensor:
    return _centre_of(tracks, tracks.size)


def _paired(x: Tensor, y: Tensor) -> Tensor:
    return torch.stack((x, y), dim=-1)


def _point(name: str, value: Any) -> list[float]:
    if not hasattr(value, "__len__") or len(value) != 2:
        raise TypeError(f"{name} must be (x, y) in pixels; got {value!r}.")
    return [finite_number(name, float(one)) for one in value]
