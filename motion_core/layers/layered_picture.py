"""A picture as ordered layers: what each shows, and which tracks move it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ShapeError
from ..fields.arrays import BoolArray, FloatArray, IndexArray
from ..geometry import Size


@dataclass(frozen=True, eq=False)
class Layer:
    """One thing of a picture, at rest in frame 0.

    Attributes:
        alpha: (H, W) float32 0..1, the opacity of the thing at every pixel.
        colour: (H, W, 3) float32 0..1, the thing's own colours, unmixed from the background at its
            soft edge; continued outwards where alpha is zero, so that filtering never takes in the
            background.
        tracks: (K,) indices of the tracks that move it.
    """

    alpha: FloatArray
    colour: FloatArray
    tracks: IndexArray


@dataclass(frozen=True, eq=False)
class LayeredPicture:
    """A picture taken apart. Composited back to front over the plate, the layers give the picture.

    Attributes:
        layers: the things, back to front.
        plate: (H, W, 3) float32 0..1, the background, filled where things cover it.
        filled: (H, W) bool, where the plate is filled, not seen in the picture.
        background_tracks: (K,) indices of the tracks that lie on the background.
        looks: (h, w, C) what places look like (`track_outlines.looks_of`), where tracks were
            measured in a clip and contradict each other; None for drawn ones, which are followed.

    Raises:
        ShapeError: the parts are not of one size.
    """

    layers: tuple[Layer, ...]
    plate: FloatArray
    filled: BoolArray
    background_tracks: IndexArray
    looks: FloatArray | None = None

    def __post_init__(self) -> None:
        shape = self.plate.shape[:2]
        for index, layer in enumerate(self.layers):
            if layer.alpha.shape != shape or layer.colour.shape != (*shape, 3):
                raise ShapeError(
                    f"Layer {index} must be {shape[1]} x {shape[0]} pixels like the plate; got"
                    f" alpha {layer.alpha.shape} and colour {layer.colour.shape}."
                )
        if self.filled.shape != shape:
            raise ShapeError(f"filled must be {shape}; got {self.filled.shape}.")

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        height, width = self.plate.shape[:2]
        return Size(width, height)

    def composited(self) -> FloatArray:
        """(H, W, 3) float32: all layers at rest over the plate."""
        picture = self.plate.astype(np.float32)
        for layer in self.layers:
            alpha = layer.alpha[..., None]
            picture = picture + alpha * (layer.colour - picture)
        return picture
