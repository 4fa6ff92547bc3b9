"""Lite: dense motion from a picture and tracks."""

from __future__ import annotations

import logging
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import ShapeError
from ...fields.motion_field import MotionField, resting_field
from ...geometry import Size
from ...images import check_image
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ...tracks.select import select
from ...tracks.start import thin_evenly, track_starts
from .base import LiteBase
from .bilateral_solver import cell_colours, smooth_edge_aware
from .control_encoder import ControlEncoder, Estimate, estimate_field
from .track_batch import TrackBatch, make_track_batch, unit_px
from .track_controlnet import LiteTrackControlNet
from .track_correction import TrackAttention, make_attention

# More tracks than this add nothing to a field of 4096 cells, and cost minutes.
MAX_TRACKS = 4096
# An expected error of this many units halves the confidence: 1/80 of the side of a square picture.
HALF_CONFIDENCE_UNITS = 0.1

logger = logging.getLogger(__name__)


class Lite(nn.Module):
    """All parts of the model. `field` is the one-step regressor.

    Attributes:
        encoder: The control encoder.
        base, control: The generative half, or None if the weights do not hold it.
    """

    def __init__(self, encoder: ControlEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.base: LiteBase | None = None
        self.control: LiteTrackControlNet | None = None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.encoder.cell_centres.device

    def preprocess(self, image: Tensor) -> Tensor:
        """A picture (H, W, 3) 0..1 as the networks read it: (1, 3, 4G, 4G), -1..1."""
        side = 4 * self.encoder.config.grid
        planes = image.detach().to(self.device, torch.float32).permute(2, 0, 1)[None]
        small = functional.interpolate(
            planes, (side, side), mode="bilinear", antialias=True, align_corners=False
        )
        return small.clamp(0, 1) * 2 - 1

    @torch.no_grad()
    def image_features(self, image: Tensor) -> Tensor:
        """The base's features (1, F, G, G) of a picture (H, W, 3) 0..1. Needs a base."""
        assert self.base is not None
        return self.base.image_encoder.features(self.preprocess(image))

    def field(
        self,
        image: Tensor,
        tracks: Tracks,
        weights: Tensor | None = None,
        progress: Progress = silent,
    ) -> MotionField:
        """The dense motion that tracks ask of a picture, in one step.

        Any number of frames and any shape of picture is served; both are measured on a square grid
        of the model's size.

        Args:
            image: (H, W, 3) float 0..1.
            tracks: On the same canvas, any T and N. Without any visible track nothing moves. Of
                more than MAX_TRACKS an even choice is read, with a log line.
            weights: (N,) 0..1, how much each track counts, or None for 1.
            progress: See estimate_field.

        Returns:
            A field on the model's grid, on the model's device.

        Raises:
            TypeError, ShapeError, ValueError: The image is no picture, or the weights do not fit.
            CanvasError: The tracks were measured on another canvas.
        """
        return self.field_and_attention(image, tracks, weights, progress)[0]

    def field_and_attention(
        self,
        image: Tensor,
        tracks: Tracks,
        weights: Tensor | None = None,
        progress: Progress = silent,
    ) -> tuple[MotionField, TrackAttention]:
        """The result of `field`, and the attention of cells to tracks."""
        check_image(image, canvas=tracks.size)
        keep = tracks.visible.any(dim=0)
        if weights is not None:
            if weights.shape != (tracks.num_points,):
                raise ShapeError(
                    f"weights must be (N,) = ({tracks.num_points},); got {tuple(weights.shape)}."
                )
            keep = keep & (weights.to(keep.device) > 0)
        index = _evenly(tracks, keep)
        weights = None if weights is None else weights.to(index.device)[index]
        chosen = select(tracks, index)
        track_batch = _weighted(make_track_batch([chosen]), chosen, weights).to(self.device)
        if not len(index):
            grid = self.encoder.config.grid
            still = resting_field(tracks.num_frames, Size(grid, grid), tracks.size)
            no_attention = track_batch.start.new_zeros(1, grid * grid, 1)
            return _to(still, self.device), make_attention(track_batch, no_attention)
        picture = self.preprocess(image)
        fields, attention = self.batch_fields(picture, track_batch, tracks.size, progress)
        return fields[0], attention

    @torch.no_grad()
    def batch_fields(
        self, picture: Tensor, track_batch: TrackBatch, size: Size, progress: Progress = silent
    ) -> tuple[list[MotionField], TrackAttention]:
        """The fields of B scenes on canvases of one size.

        Args:
            picture: (B, 3, 4G, 4G), as the networks read it.
            track_batch: B track sets.
            size: Of the canvases.
            progress: See estimate_field.
        """
        features = self.encoder.features(picture)
        half = half_units(size).to(self.device)
        estimate = estimate_field(self.encoder, features, track_batch, half, progress)
        fields = [_smoothed_field(estimate, row, picture, size) for row in range(len(picture))]
        return fields, make_attention(track_batch, estimate.attention)


def half_units(size: Size) -> Tensor:
    """(2,) units from the middle of a canvas to its right and to its bottom."""
    return torch.tensor([size.width, size.height]) / (2 * unit_px(size))


def _smoothed_field(estimate: Estimate, row: int, picture: Tensor, size: Size) -> MotionField:
    """One row of an estimate of all cells as a field, smoothed where confidence is low.

    picture: (B, 3, 4G, 4G), as the networks read it. size: of the canvas.
    """
    frames, grid = estimate.visible.shape[-1], picture.shape[-1] // 4
    shape = (grid, grid, frames)
    moved = estimate.displacement[row] * unit_px(size)
    displacement = moved.view(*shape, 2).permute(2, 0, 1, 3)
    visible = estimate.visible[row].sigmoid().view(shape).permute(2, 0, 1).clone()
    visible[0] = 1
    expected = estimate.error[row].exp().view(grid, grid)
    confidence = 1 / (1 + (expected / HALF_CONFIDENCE_UNITS) ** 2)
    colours = cell_colours(picture[row : row + 1], grid)
    return MotionField(
        smooth_edge_aware(displacement, confidence, colours), visible, confidence, size
    )


def _evenly(tracks: Tracks, keep: Tensor) -> Tensor:
    """(K,) indices of the tracks to keep, at most MAX_TRACKS: one of every cell of the canvas,
    then a second of every cell, and so on."""
    index = keep.nonzero().squeeze(1)
    if len(index) <= MAX_TRACKS:
        return index
    logger.info("%d tracks are thinned evenly to %d.", len(index), MAX_TRACKS)
    start = track_starts(tracks).xy[index]
    return index[thin_evenly(start, max(tracks.size), MAX_TRACKS)]


def _weighted(track_batch: TrackBatch, tracks: Tracks, weights: Tensor | None) -> TrackBatch:
    """The batch of one track set with its confidence multiplied by weights (N,)."""
    if weights is None or not tracks.num_points:
        return track_batch
    visible = tracks.visible.any(dim=0)
    weights = weights.to(track_batch.confidence)[visible]
    return replace(track_batch, confidence=track_batch.confidence * weights[None, :, None])


def _to(field: MotionField, device: torch.device) -> MotionField:
    parts = (field.displacement, field.visible, field.confidence)
    displacement, visible, confidence = (part.to(device) for part in parts)
    return MotionField(displacement, visible, confidence, field.size)
