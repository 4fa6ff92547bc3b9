"""The drawn motion as a value: what a MOTION document says, already checked.

Space is 0..1 of the canvas width and height and may leave that range; lengths (radius, spacing)
are fractions of the canvas' short side. ``start`` and ``end`` are fractions of the clip. Times
inside a layer (``TimedPoint.t``, ``RegionKey.t``) are fractions of the layer's own window
[start, end], so moving or stretching a layer in time edits two numbers and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..geometry import Size
from .layer import Layer


@dataclass(frozen=True)
class MotionDocument:
    """A whole drawing.

    Attributes:
        drawn_on: The size of the picture it was drawn over. Its aspect decides arc lengths, so
            timing does not change when the document is sampled at another size.
        layers: The layers, the bottom one first.
    """

    drawn_on: Size
    layers: tuple[Layer, ...] = ()
