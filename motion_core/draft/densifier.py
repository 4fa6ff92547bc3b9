"""The draft's motion as a field, so that it can be measured and rendered like any other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..fields.arrays import FloatArray
from ..fields.motion_field import MotionField, field_on_canvas, grid_centres
from ..fields.scattered import GRID
from ..geometry import Size
from ..images import image_array
from ..progress import Progress, silent
from ..tracks.model import Tracks
from .backward_field import BackwardField
from .layered_motion import LEAST_ALPHA, LayeredMotion

# Iterations that invert a backward field at a place.
INVERSION_STEPS = 12


@dataclass(frozen=True)
class LayeredDensifier:
    """A Densifier: every place moves with the topmost layer that it belongs to, as the draft
    completes that layer's motion; places of no layer move with the background.

    Attributes:
        grid: columns and rows of the field.
    """

    grid: Size = GRID

    def __call__(self, image: Tensor, tracks: Tracks, progress: Progress = silent) -> MotionField:
        """See Densifier. progress is called per frame."""
        picture = image_array(image, tracks.size)
        total = tracks.num_frames
        layered = LayeredMotion(picture, tracks, lambda: progress(0, total))
        centres = grid_centres(self.grid, tracks.size).reshape(-1, 2).numpy()
        column, row = centres.astype(np.int64).T
        alphas = [alpha[row, column] for alpha in layered.alphas]
        shift = np.zeros((total, len(centres), 2), np.float32)
        for frame in range(total):
            shift[frame] = _displacement(layered, alphas, centres, frame)
            progress(frame + 1, total)
        columns, rows = self.grid
        return field_on_canvas(torch.from_numpy(shift).view(total, rows, columns, 2), tracks.size)


def _displacement(
    layered: LayeredMotion, alphas: list[FloatArray], places: FloatArray, frame: int
) -> FloatArray:
    """(P, 2) how far places of the picture have gone. alphas: (P,) per layer, at the places."""
    background = layered.background_field(frame)
    below = _inverted(background, places)
    shift = below
    for layer, alpha in zip(layered.layers.over, alphas, strict=True):
        inside = np.flatnonzero(alpha > 0)
        full = _inverted(layered.layer_field(layer, frame, background), places[inside])
        part = alpha[inside, None]
        shift = shift.copy()
        # A soft layer takes its places along in part, over what lies below all layers.
        taken = below[inside] + part * (full - below[inside])
        shift[inside] = np.where(part >= LEAST_ALPHA, taken, shift[inside])
    return shift


def _inverted(field: BackwardField | None, places: FloatArray) -> FloatArray:
    """(P, 2) forward displacements of places (P, 2): the fixed point of a backward field."""
    shift = np.zeros_like(places)
    if field is None:
        return shift
    for _ in range(INVERSION_STEPS):
        shift = field.at(places + shift).astype(np.float32)
    return shift
