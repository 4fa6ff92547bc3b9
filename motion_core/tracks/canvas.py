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
    """The tracks as if their image were resized to another size.

    Args:
        tracks: Tracks of any canvas.
        size: The new canvas.
        mode: "stretch" fills each axis. "cover" keeps the aspect ratio and fills the canvas, so
            that parts of the image fall outside. "contain" keeps the aspect ratio and shows the
            whole image between bars. The last two are centred.

    Raises:
        TypeError, ValueError: `mode` is unknown or `size` is no valid canvas.
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
    """The tracks on a rectangle cut from their canvas.

    Points outside the rectangle keep their positions and their ``visible``; see hide_outside.

    Args:
        tracks: Tracks of any canvas.
        left: x of the rectangle's left edge, in whole pixels.
        top: y of the rectangle's top edge, in whole pixels.
        size: Size of the rectangle, the new canvas.

    Raises:
        TypeError: A value is not a whole number.
        CanvasError: The rectangle does not lie on the canvas.
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

    Args:
        tracks: Tracks of any canvas.
        left: Pixels added on the left; `top`, `right` and `bottom` likewise.

    Raises:
        TypeError, ValueError: A border is not a whole number of 0 or more, or the canvas grows
            beyond its largest side.
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
    """The tracks scaled and rotated about a point, then shifted; the canvas stays.

    Args:
        tracks: Tracks of any canvas.
        dx: Shift to the right in pixels.
        dy: Shift downwards in pixels.
        rotate_deg: Clockwise rotation on the screen, in degrees.
        scale: Scale factor above 0.
        about: The fixed point (x, y) in pixels; None is the centre of the canvas.

    Raises:
        TypeError, ValueError: A value is not a finite number, or `scale` is not above 0.
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
