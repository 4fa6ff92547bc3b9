"""The motion of layers as a field, so that it can be measured like any other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..fields.arrays import FloatArray, IndexArray
from ..fields.motion_field import MotionField, field_on_canvas, grid_centres
from ..fields.scattered import GRID
from ..geometry import Size
from ..images import check_image
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .analysis import take_apart
from .deformation import Deformation
from .inverse_map import inverse_map
from .layered_picture import Layer, LayeredPicture
from .motion import LayersInMotion, move_layers
from .window import Window

# Coverage is computed for so many places along the side of a cell.
PLACES_PER_CELL = 2


@dataclass(frozen=True)
class LayersDensifier:
    """A Densifier: the picture is taken apart into layers, and every place moves with the mesh of
    the topmost layer that covers half of it or more.

    Attributes:
        grid: columns and rows of the field.
    """

    grid: Size = GRID

    def __call__(self, image: Tensor, tracks: Tracks, progress: Progress = silent) -> MotionField:
        """See Densifier. progress is called per frame."""
        check_image(image, canvas=tracks.size)
        frames = tracks.num_frames

        def tick(done: int = 0, total: int = 0) -> None:
            progress(0, frames)

        layered = take_apart(image, tracks, progress=tick)
        motion = move_layers(layered, tracks, tick)
        field = field_of(layered, motion, frames, self.grid)
        progress(frames, frames)
        return field


def field_of(
    layered: LayeredPicture, motion: LayersInMotion, frames: int, grid: Size
) -> MotionField:
    """The dense motion of layers.

    Args:
        layered: the picture.
        motion: of its layers.
        frames: T.
        grid: columns and rows of the field.

    Returns:
        The field, visible where a place is on the canvas and no layer above covers it.
    """
    size = layered.size
    centres = grid_centres(grid, size).reshape(-1, 2).double().numpy()
    column, row = np.minimum(centres.astype(np.int64), np.array(size) - 1).T
    ground = motion.plate.mesh.locate(centres)
    things = []
    for layer, deformation in zip(layered.layers, motion.layers, strict=True):
        inside = np.flatnonzero(layer.alpha[row, column] >= 0.5)
        if len(deformation.mesh.triangles):
            things.append(_Thing(layer, deformation, inside, centres))
    shift = np.zeros((frames, len(centres), 2), np.float32)
    visible = np.ones((frames, len(centres)), np.float32)
    for frame in range(frames):
        moved = ground.at(motion.plate.positions[frame])
        for thing in things:
            # What lies below is hidden where the layer is now.
            visible[frame] *= 1 - thing.alpha_at(frame, moved, size, grid)
            visible[frame, thing.inside] = 1
            moved[thing.inside] = thing.places.at(thing.deformation.positions[frame])
        shift[frame] = moved - centres
    # Soft rims cover in part, also at rest.
    visible[:1] = 1
    shape = (frames, grid.height, grid.width)
    field = field_on_canvas(torch.from_numpy(shift).view(*shape, 2), size)
    shown = field.visible * torch.from_numpy(visible).view(shape)
    return MotionField(field.displacement, shown, field.confidence, size)


class _Thing:
    """A layer with a mesh, at the places of a field.

    Args:
        layer, deformation: of it.
        inside: (K,) indices of the places that move with it.
        places: (P, 2) pixels.
    """

    def __init__(
        self, layer: Layer, deformation: Deformation, inside: IndexArray, places: FloatArray
    ) -> None:
        self.layer, self.deformation, self.inside = layer, deformation, inside
        self.places = deformation.mesh.locate(places[inside])

    def alpha_at(self, frame: int, places: FloatArray, size: Size, grid: Size) -> FloatArray:
        """(P,) the opacity of the layer in a frame at places (P, 2) of that frame."""
        wide, high = (
            min(side * PLACES_PER_CELL, full) for side, full in zip(grid, size, strict=True)
        )
        scale = np.array([wide, high]) / np.array(size)
        mesh, positions = self.deformation.mesh, self.deformation.positions[frame]
        window = Window(0, 0, wide, high)
        source, triangle = inverse_map(positions * scale, mesh.vertices, mesh.triangles, window)
        column, row = np.clip(np.floor(places * scale), 0, [wide - 1, high - 1]).astype(np.int64).T
        came = source[row, column]
        x, y = np.clip(np.floor(came), 0, np.array(size) - 1).astype(np.int64).T
        return np.where(triangle[row, column] >= 0, self.layer.alpha[y, x], 0)
