"""Endpoint errors of dense motion against the truth, by place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ShapeError
from ..geometry import Size
from ..tracks.model import Tracks

PLACES = ("frame", "object", "boundary", "background")


@dataclass(frozen=True, eq=False)
class Truth:
    """The true motion on a grid of the picture.

    Attributes:
        displacement: (T, G, G, 2) pixels from frame 0.
        visible: (T, G, G) bool.
        layers: (G, G) whole numbers, which surface each cell shows in frame 0; 0 is the background.
    """

    displacement: Tensor
    visible: Tensor
    layers: Tensor


def place_masks(truth: Truth, tracks: Tracks) -> dict[str, Tensor]:
    """Masks (G, G) bool by name, one for each of PLACES.

    "object" is the surfaces above the background on which a visible track starts, "boundary" the
    cells that have another surface within one cell, "background" layer 0.
    """
    layers = truth.layers
    cells = _start_cells(tracks, layers.shape[0])
    tracked = layers[cells[:, 1], cells[:, 0]].unique()
    return {
        "frame": torch.ones_like(layers, dtype=torch.bool),
        "object": torch.isin(layers, tracked[tracked > 0]),
        "boundary": boundary(layers),
        "background": layers == 0,
    }


def boundary(layers: Tensor) -> Tensor:
    """(G, G) bool: cells that differ from one of the eight cells around."""
    padded = torch.nn.functional.pad(layers[None, None].float(), (1, 1, 1, 1), mode="replicate")
    most = torch.nn.functional.max_pool2d(padded, 3, 1)
    least = -torch.nn.functional.max_pool2d(-padded, 3, 1)
    return (most != least)[0, 0]


def dense_errors(displacement: Tensor, truth: Truth, tracks: Tracks) -> dict[str, float]:
    """Mean endpoint error in pixels per place, over what is visible in frames 1..T-1.

    Args:
        displacement: (T, G, G, 2) pixels, on the grid of the truth.
        truth: the true motion.
        tracks: determine which objects count, see place_masks.

    Returns:
        By place of PLACES; NaN for a place without a visible cell.

    Raises:
        ShapeError: the shapes differ.
    """
    if displacement.shape != truth.displacement.shape:
        raise ShapeError(
            f"the field must be {tuple(truth.displacement.shape)} as the truth is; got "
            f"{tuple(displacement.shape)}."
        )
    error = (displacement - truth.displacement).norm(dim=-1)[1:]
    visible = truth.visible[1:]
    errors = {}
    for name, mask in place_masks(truth, tracks).items():
        counts = visible & mask
        errors[name] = float(error[counts].mean()) if bool(counts.any()) else float("nan")
    return errors


def track_error(displacement: Tensor, tracks: Tracks) -> float:
    """Mean endpoint error in pixels between tracks and a field sampled at their starts.

    The mean is over visible points of frames 1..T-1, of tracks that are visible in frame 0. The
    field is sampled bilinearly.

    Args:
        displacement: (T, G, G, 2) pixels.
        tracks: on the same canvas.

    Returns:
        Pixels; NaN if no point counts.
    """
    counts = tracks.visible[1:] & tracks.visible[0]
    if not bool(counts.any()):
        return float("nan")
    moved = read_field(displacement, tracks.xy[0], tracks.size)
    error = (moved - (tracks.xy - tracks.xy[0])).norm(dim=-1)[1:]
    return float(error[counts].mean())


def visible_accuracy(visible: Tensor, truth: Truth) -> float:
    """Fraction of cells and frames 1..T-1 whose visibility (T, G, G), above one half, is right."""
    return float(((visible > 0.5) == truth.visible)[1:].float().mean())


def read_field(field: Tensor, points: Tensor, size: Size) -> Tensor:
    """(T, N, 2) bilinear values of a field (T, G, G, 2) at pixels (N, 2) of a canvas."""
    grid = (points / points.new_tensor(size) * 2 - 1).expand(len(field), 1, -1, -1)
    values = torch.nn.functional.grid_sample(
        field.movedim(-1, 1), grid, padding_mode="border", align_corners=False
    )
    return values[:, :, 0].transpose(1, 2)


def _start_cells(tracks: Tracks, grid: int) -> Tensor:
    """(K, 2) columns and rows of the cells in which visible tracks start."""
    start = tracks.xy[0][tracks.visible[0]] / tracks.xy.new_tensor(tracks.size)
    return (start * grid).floor().long().clamp(0, grid - 1)
