"""Lite: a picture and tracks in, dense motion out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import FormatError, ShapeError
from ...fields.motion_field import MotionField, resting_field
from ...geometry import Size
from ...images import check_image
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ...tracks.select import select
from .base import LiteBase
from .bilateral_solver import cell_colours, smooth_edge_aware
from .control_encoder import ControlEncoder, Estimate, estimate_field
from .image_encoder import EncoderConfig
from .track_batch import TrackBatch, make_track_batch, unit_px
from .track_controlnet import LiteTrackControlNet
from .track_correction import TrackAttention, make_attention
from .unet import BaseConfig
from .weights import SHIPPED, fill_module, read_weights

# More tracks than this say nothing new to a field of 4096 cells, and cost minutes.
MOST_TRACKS = 4096
# An expected error of this many units halves the confidence: 1/80 of the side of a square picture.
HALF_CONFIDENCE_UNITS = 0.1

logger = logging.getLogger(__name__)


class Lite(nn.Module):
    """The model as it is used. `field` is the one-step regressor.

    base, control: the generative half, or None when the weights hold none.
    """

    def __init__(self, encoder: ControlEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.base: LiteBase | None = None
        self.control: LiteTrackControlNet | None = None

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.encoder.at.device

    def picture(self, image: Tensor) -> Tensor:
        """(H, W, 3) 0..1 to what the networks read: (1, 3, 4G, 4G), -1..1."""
        side = 4 * self.encoder.config.grid
        planes = image.detach().to(self.device, torch.float32).permute(2, 0, 1)[None]
        small = functional.interpolate(
            planes, (side, side), mode="bilinear", antialias=True, align_corners=False
        )
        return small.clamp(0, 1) * 2 - 1

    @torch.no_grad()
    def features(self, image: Tensor) -> Tensor:
        """(H, W, 3) 0..1 to what the base sees in it, (1, F, G, G). Needs a base."""
        assert self.base is not None
        return self.base.eyes.features(self.picture(image))

    def field(
        self,
        image: Tensor,
        tracks: Tracks,
        weights: Tensor | None = None,
        progress: Progress = silent,
    ) -> MotionField:
        """The dense motion that tracks ask of a picture, in one step.

        image: (H, W, 3) float 0..1. tracks: on the same canvas, any T and N; without any that is
        ever visible nothing moves; of more than MOST_TRACKS an even choice is read, with a log
        line. weights: (N,) 0..1, how much each track counts, or None. progress: see estimate_field.
        Returns a field on the model's grid, on the model's device. Any number of frames and any
        shape of picture is served; both are measured on a square grid of the model's size.
        Raises TypeError, ShapeError, ValueError for what is no picture or weights, CanvasError
        for another canvas.
        """
        return self.answer(image, tracks, weights, progress)[0]

    def answer(
        self,
        image: Tensor,
        tracks: Tracks,
        weights: Tensor | None = None,
        progress: Progress = silent,
    ) -> tuple[MotionField, TrackAttention]:
        """The same field, and which places listen to which tracks."""
        check_image(image, canvas=tracks.size)
        keep = tracks.visible.any(dim=0)
        if weights is not None:
            if weights.shape != (tracks.num_points,):
                raise ShapeError(
                    f"weights must be (N,) = ({tracks.num_points},); got {tuple(weights.shape)}."
                )
            keep = keep & (weights.to(keep.device) > 0)
        few = _evenly(tracks, keep)
        weights = None if weights is None else weights.to(few.device)[few]
        told = select(tracks, few)
        track_batch = _weighted(make_track_batch([told]), told, weights).to(self.device)
        if not len(few):
            grid = self.encoder.config.grid
            still = resting_field(tracks.num_frames, Size(grid, grid), tracks.size)
            nobody = track_batch.place.new_zeros(1, grid * grid, 1)
            return _to(still, self.device), make_attention(track_batch, nobody)
        fields, attention = self.fields(self.picture(image), track_batch, tracks.size, progress)
        return fields[0], attention

    @torch.no_grad()
    def fields(
        self, picture: Tensor, track_batch: TrackBatch, size: Size, progress: Progress = silent
    ) -> tuple[list[MotionField], TrackAttention]:
        """The answers to B scenes on canvases of one size: what `answer` and training share.

        picture: (B, 3, 4G, 4G), as the networks read it. evidence: of B track sets.
        """
        features = self.encoder.features(picture)
        half = half_units(size).to(self.device)
        estimate = estimate_field(self.encoder, features, track_batch, half, progress)
        fields = [_smoothed_field(estimate, row, picture, size) for row in range(len(picture))]
        return fields, make_attention(track_batch, estimate.shares)


def _smoothed_field(estimate: Estimate, row: int, picture: Tensor, size: Size) -> MotionField:
    """One row of what the encoder says of every cell, as a field whose doubtful places lean on
    their neighbours. picture: (B, 3, 4G, 4G), as the networks read it. size: of the canvas."""
    frames, grid = estimate.visible.shape[-1], picture.shape[-1] // 4
    shape = (grid, grid, frames)
    moved = estimate.moved[row] * unit_px(size)
    displacement = moved.view(*shape, 2).permute(2, 0, 1, 3)
    visible = estimate.visible[row].sigmoid().view(shape).permute(2, 0, 1).clone()
    visible[0] = 1
    expected = estimate.error[row].exp().view(grid, grid)
    confidence = 1 / (1 + (expected / HALF_CONFIDENCE_UNITS) ** 2)
    colours = cell_colours(picture[row : row + 1], grid)
    return MotionField(
        smooth_edge_aware(displacement, confidence, colours), visible, confidence, size
    )


def load_lite(path: Path | str | None = None, device: torch.device | str = "cpu") -> Lite:
    """The model from a file of weights, ready to use.

    path: None for the weights that the pack ships. Raises FileNotFoundError or FormatError that
    says what to do for a file that is missing, truncated, foreign or of another size.
    """
    path = SHIPPED if path is None else Path(path)
    tensors, config = read_weights(path)
    try:
        lite = _built(config)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path} has a config that cannot be read: {error}.") from error
    for part in ("encoder", "base", "control"):
        module = getattr(lite, part)
        if module is not None:
            fill_module(module, tensors, part)
    return lite.to(device).eval()


def _built(config: dict[str, Any]) -> Lite:
    lite = Lite(ControlEncoder(EncoderConfig(**config["encoder"])))
    if "base" in config:
        lite.base = LiteBase(lite.encoder, base_config(config["base"]))
        base, eyes = lite.base.config, lite.encoder.config
        if (base.grid, base.features) != (eyes.grid, eyes.width):
            raise ValueError("base and encoder have grids or features of different size")
    if lite.base is not None and "control" in config:
        lite.control = LiteTrackControlNet(lite.base, lite, config["control"]["input"])
    return lite


def half_units(size: Size) -> Tensor:
    """(2,) units from the middle of a canvas to its right and to its bottom."""
    return torch.tensor([size.width, size.height]) / (2 * unit_px(size))


def base_config(told: dict[str, Any]) -> BaseConfig:
    """The sizes of a base, as json.loads gives them."""
    return BaseConfig(**{**told, "widths": tuple(told["widths"])})


def _evenly(tracks: Tracks, keep: Tensor) -> Tensor:
    """(K,) indices of the tracks to keep, at most MOST_TRACKS: one of every cell of the canvas,
    then a second of every cell, and so on."""
    index = keep.nonzero().squeeze(1)
    if len(index) <= MOST_TRACKS:
        return index
    logger.info("%d tracks are thinned evenly to %d.", len(index), MOST_TRACKS)
    first = tracks.visible[:, index].float().argmax(dim=0)
    start = tracks.xy[first, index]
    cell = (start * (64 / max(tracks.size))).floor().clamp(-1, 64).long() + 1
    key, order = torch.sort(cell[:, 1] * 66 + cell[:, 0], stable=True)
    place = torch.arange(len(key), device=key.device)
    is_first = torch.ones_like(key, dtype=torch.bool)
    is_first[1:] = key[1:] != key[:-1]
    rank = place - torch.where(is_first, place, 0).cummax(dim=0).values
    chosen = order[torch.argsort(rank, stable=True)[:MOST_TRACKS]]
    return index[chosen.sort().values]


def _weighted(track_batch: TrackBatch, tracks: Tracks, weights: Tensor | None) -> TrackBatch:
    if weights is None or not tracks.num_points:
        return track_batch
    seen = tracks.visible.any(dim=0)
    trust = track_batch.trust * weights.to(track_batch.trust)[seen][None, :, None]
    return TrackBatch(
        track_batch.place, track_batch.spot, track_batch.moved, trust, track_batch.present
    )


def _to(field: MotionField, device: torch.device) -> MotionField:
    parts = (field.displacement, field.visible, field.confidence)
    displacement, visible, confidence = (part.to(device) for part in parts)
    return MotionField(displacement, visible, confidence, field.size)
