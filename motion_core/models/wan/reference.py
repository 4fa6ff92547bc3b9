"""The definitions of both latent copies as plain loops, for tests."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...geometry import Size
from ...raster.reference import reference_cell
from ...tracks.model import Tracks
from .latents import FRAME_STRIDE, START_IMAGE, KnownFrames


def reference_copy(
    latent: Tensor,
    tracks: Tracks,
    weights: Tensor | None = None,
    known: KnownFrames = START_IMAGE,
) -> Tensor:
    """Wan-Move: cell after cell, track after track; see copied_latent."""
    _, frames, height, width = latent.shape
    grid = Size(width, height)
    moved = latent.clone()
    for frame in range(known.start, frames - int(known.end)):
        for track in range(tracks.num_points):
            starts = [
                (anchor, reference_cell(tracks, grid, anchor * FRAME_STRIDE, track))
                for anchor in range(known.start)
            ]
            found = [(anchor, cell) for anchor, cell in starts if cell is not None]
            end = reference_cell(tracks, grid, frame * FRAME_STRIDE, track)
            if not found or end is None:
                continue
            anchor, start = found[0]
            weight = 1.0 if weights is None else float(weights[track])
            was, source = latent[:, frame, end[1], end[0]], latent[:, anchor, start[1], start[0]]
            moved[:, frame, end[1], end[0]] = torch.lerp(was, source, weight)
    return moved


def reference_soft_copy(
    latent: Tensor,
    tracks: Tracks,
    weights: Tensor | None = None,
    temperature: float = 220.0,
    known: KnownFrames = START_IMAGE,
) -> tuple[Tensor, Tensor]:
    """ATI with the two tracks that weigh most, in float64; see soft_copied_latent.

    Args:
        latent: (C, T', h, w).
        tracks: (T, N).
        weights: (N,) 0..1, or None for 1.
        temperature: Of the weight by squared distance.
        known: The frames that hold pictures.

    Returns:
        The mask (T', h, w) and the edited latent.
    """
    source, mask = latent.double(), torch.ones(latent.shape[1:], dtype=torch.float64)
    result = source.clone()
    _, frames, height, width = latent.shape
    anchors = [_anchor(tracks, track, known) for track in range(tracks.num_points)]
    for frame in range(known.start, frames - int(known.end)):
        for row in range(height):
            for column in range(width):
                cell = (_rim(column, width, height), _rim(row, height, width))
                weighted = []
                for track in range(tracks.num_points):
                    weight = _weight(tracks, frame, track, cell, temperature)
                    weight *= 0.0 if anchors[track] is None else 1.0
                    weight *= 1.0 if weights is None else float(weights[track])
                    weighted.append((-weight, track))
                best = sorted(weighted)[:2]
                total = -sum(weight for weight, _ in best)
                value = source[:, frame, row, column] * (1 - min(total, 1.0))
                for weight, track in best:
                    value = value - weight * _feature(source, tracks, track, anchors[track] or 0)
                result[:, frame, row, column] = value
                mask[frame, row, column] = total
    return mask, result


def _anchor(tracks: Tracks, track: int, known: KnownFrames) -> int | None:
    """The first known latent frame in which a track is visible."""
    for anchor in range(known.start):
        if bool(tracks.visible[anchor * FRAME_STRIDE, track]):
            return anchor
    return None


def _rim(index: int, side: int, other: int) -> float:
    """Where a cell lies on one axis, in halves of the short side from the middle."""
    end = side / min(side, other)
    return -end + 2 * end * index / (side - 1) if side > 1 else -end


def _weight(
    tracks: Tracks, frame: int, track: int, cell: tuple[float, float], temperature: float
) -> float:
    frames = range((frame - 1) * FRAME_STRIDE + 1, frame * FRAME_STRIDE + 1)
    visible = [frame for frame in frames if bool(tracks.visible[frame, track])]
    if not visible:
        return 0.0
    distance = 0.0
    for axis in range(2):
        side, short = tracks.size[axis], min(tracks.size)
        places = [
            (float(tracks.xy[index, track, axis]) - side / 2) / short * 2 for index in visible
        ]
        distance += (sum(places) / (len(visible) + 1e-5) - cell[axis]) ** 2
    return math.exp(-temperature * distance)


def _feature(latent: Tensor, tracks: Tracks, track: int, anchor: int) -> Tensor:
    """A known frame's latent, bilinear between the centres of cells; zero beyond the outermost."""
    _, _, height, width = latent.shape
    place = tracks.xy[anchor * FRAME_STRIDE, track]
    x = min(max(float(place[0]) / tracks.size.width, 0.0), 1.0) * width - 0.5
    y = min(max(float(place[1]) / tracks.size.height, 0.0), 1.0) * height - 0.5
    feature = torch.zeros_like(latent[:, 0, 0, 0])
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                near = (1 - abs(y - row)) * (1 - abs(x - column))
                feature += near * latent[:, anchor, row, column]
    return feature
