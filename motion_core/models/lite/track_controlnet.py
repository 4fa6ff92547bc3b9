"""The Track-ControlNet of lite: a trainable copy of the base's encoder that reads tracks.

After Motion Prompting, section 4.2: copied encoder, zero-initialised outputs and a new first layer.
That layer reads maps of the tracks instead of the random-ID volume; docs/training.md says why.
"""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass, replace
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import ShapeError
from ...fields.motion_field import MotionField
from ...progress import Progress, silent
from ...tracks.model import Tracks, empty_tracks, make_tracks
from ...tracks.select import select
from ...tracks.start import fill_gaps
from .base import LiteBase, LiteControlOutput
from .latents import coloured_noise, field_to_latents, resample_frames, time_factor
from .layers import zero_conv
from .track_batch import make_track_batch
from .track_correction import TrackAttention, TrackCorrection, make_correction
from .track_maps import rasterize_tracks, region_maps

INPUTS = ("tracks", "region")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PreparedControl:
    """What control computes once per run.

    Attributes:
        embedding: (B, W, G, G) added to the first layer's output for the noisy latents.
        target: (B, C, G, G) latents of the motion that the tracks ask for.
        active: Broadcasts over (B, C, G, G): 0 where no track counts, else 1.
        correction: At the tracks; None in training, and where nothing needs to be corrected.
    """

    embedding: Tensor
    target: Tensor
    active: Tensor
    correction: TrackCorrection | None = None


class FieldEstimator(Protocol):
    """The one-step model that control builds on (`Lite`)."""

    def field_and_attention(
        self,
        image: Tensor,
        tracks: Tracks,
        weights: Tensor | None = None,
        progress: Progress = silent,
    ) -> tuple[MotionField, TrackAttention]:
        """Dense motion in one step, and the attention of cells to tracks.

        Args:
            image: (H, W, 3) 0..1.
            tracks: (T, N) on the image's canvas.
            weights: (N,) 0..1, how much each track counts; None for 1.
            progress: Called per part of the work.
        """
        ...

    def image_features(self, image: Tensor) -> Tensor:
        """The base's features (1, F, G, G) of a picture."""
        ...


class LiteTrackControlNet(nn.Module):
    """Steers a frozen base by tracks. At its initialisation it changes nothing, bit for bit."""

    def __init__(self, base: LiteBase, lite: FieldEstimator, input: str = "tracks") -> None:
        """
        Args:
            base: The base; its encoder is copied.
            lite: Gives the one-step field.
            input: Of the first layer. "tracks": displacement and visibility in the cells where
                tracks start. "region": region-wise displacement and mask (MotionPro, 2505.20287).

        Raises:
            ValueError: The input is unknown.
        """
        super().__init__()
        if input not in INPUTS:
            raise ValueError(f"input must be one of: {', '.join(INPUTS)}; got {input!r}.")
        self.config, self.input = base.config, input
        self.encoder = copy.deepcopy(base.encoder).requires_grad_(True)
        self.encoder.first = _pointwise(base.encoder.first, self.config.channels)
        self.encoder.local_conv[-1] = _pointwise(cast(nn.Conv2d, base.encoder.local_conv[-1]))
        # Not learned here; outside of the module's tree, so that it is saved once.
        self._lite = (lite,)
        width, channels = self.config.widths[0], self.config.channels
        self.condition_embedding = nn.Sequential(
            nn.Conv2d(2 * channels + 1 + self.config.features, width, 1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, 1, 1),
        )
        self.zero_convs = nn.ModuleList([zero_conv(size, size) for size in self.config.widths])
        self.noise_proj = nn.Linear(self.config.time, width)
        self.gate = zero_conv(width, 2)

    def prepare(
        self,
        image: Tensor,
        tracks: Tracks,
        weights: Tensor | None = None,
        seed: int = 0,
        progress: Progress = silent,
    ) -> PreparedControl:
        """Everything that does not depend on the noisy latents, once per run.

        Args:
            image: (H, W, 3) 0..1.
            tracks: On its canvas. Another number of frames than the model's is resampled in time,
                with a log line.
            weights: (N,) 0..1, how much each track counts, or None for 1.
            seed: Of the noise on which `correction_amount` is measured.
            progress: See Lite.field.

        Raises what Lite.field raises.
        """
        lite = self._lite[0]
        frames = self.config.frames
        if tracks.num_frames not in (0, frames):
            logger.info(
                "tracks of %d frames are resampled to the model's %d.", tracks.num_frames, frames
            )
        tracks = resample_tracks(tracks, frames)
        field, attention = lite.field_and_attention(image, tracks, weights, progress)
        features = lite.image_features(image)
        maps = self.track_maps(_with_weight(tracks, weights)).to(features)
        target = field_to_latents(field, frames).to(features)
        confidence = field.confidence[None, None].to(features)
        embedding = self.embed(maps, target, confidence, features)
        prepared = PreparedControl(embedding, target, attention.is_active())
        amount = self.correction_amount(prepared, seed)
        return replace(prepared, correction=make_correction(attention, amount))

    def correction_amount(self, prepared: PreparedControl, seed: int = 0) -> Tensor:
        """The gate for motion in pure noise: (B, 1, G*G) 0..1.

        This part of the residuals is corrected in every step. It cannot be learned at lower noise
        levels: in training the noisy latents contain the truth, and the base does well to rely on
        it; in a run they contain what the base predicted before.
        """
        factor = time_factor(self.config.frames).to(prepared.target)
        generator = torch.Generator().manual_seed(seed)
        noise = coloured_noise(tuple(prepared.target.shape), factor, generator)
        gate = self.residuals(prepared, noise, noise.new_ones(1)).gate
        return gate[:, :1].flatten(2).clamp(0, 1)

    def embed(
        self, track_maps: Tensor, target: Tensor, confidence: Tensor, features: Tensor
    ) -> Tensor:
        """(B, W, G, G) that tracks and picture add to the first layer's output.

        Args:
            track_maps: (B, C, G, G), see `track_maps`.
            target: (B, C, G, G) latents of the one-step field.
            confidence: (B, 1, G, G) 0..1 of that field.
            features: (B, F, G, G) of the pictures.
        """
        inputs = torch.cat([track_maps, target, confidence, features], dim=1)
        return self.condition_embedding(inputs)

    def track_maps(self, tracks: Tracks) -> Tensor:
        """(1, C, G, G): the tracks as the first layer reads them, laid out as latents."""
        if self.input == "region":
            return region_maps(tracks, self.config.grid)
        return rasterize_tracks(make_track_batch([tracks]), self.config.grid)

    def residuals(self, prepared: PreparedControl, noisy: Tensor, tau: Tensor) -> LiteControlOutput:
        """What control adds to the base's prediction at one step; all zero without tracks.

        Args:
            prepared: Of the run.
            noisy: (B, C, G, G) latents.
            tau: (B,) 0..1.
        """
        if noisy.shape[1] != self.config.channels:
            raise ShapeError(
                f"latents have {self.config.channels} channels here; got {noisy.shape[1]}."
            )
        active = prepared.active
        maps, time = self.encoder(noisy, tau, prepared.embedding)
        pairs = zip(self.zero_convs, maps, strict=True)
        residuals = tuple(zero(part) * active for zero, part in pairs)
        gate = self._gates(maps[0], time)[:, (0, 0, 1)] * active
        return LiteControlOutput(residuals, gate, prepared.target, prepared.correction)

    def _gates(self, full: Tensor, time: Tensor) -> Tensor:
        """(B, 2, G, G) -1..1: a gate for motion and one for visibility, by cell and noise level."""
        hidden = functional.silu(full + self.noise_proj(time)[..., None, None])
        return torch.tanh(self.gate(hidden))


def resample_tracks(tracks: Tracks, frames: int) -> Tracks:
    """Tracks resampled to a model's number of frames, linear in between.

    A point is visible between two frames in which it is visible. A track that would become
    invisible in all frames is visible near the frames in which it was visible.
    """
    # This is not the rule of tracks.time.resample, by which a point half a frame before it vanishes
    # is still visible, at its last visible position. The position here is read between filled gaps,
    # and the networks were trained and measured on visible points whose position is known on both
    # sides; the other rule changes their input wherever a track begins or ends.
    if tracks.num_frames == frames:
        return tracks
    if not bool(tracks.visible.any()):
        return empty_tracks(frames, tracks.size)
    xy = resample_frames(fill_gaps(tracks.xy, tracks.visible), frames)
    before = tracks.visible.float()
    visible = resample_frames(before, frames) > 0.99
    lost = ~visible.any(dim=0)
    if bool(lost.any()):
        visible[:, lost] = functional.adaptive_max_pool1d(before[:, lost].T[None], frames)[0].T > 0
    return make_tracks(xy, tracks.size, visible=visible, ids=tracks.ids)


def _with_weight(tracks: Tracks, weights: Tensor | None) -> Tracks:
    """The tracks whose weight is not zero."""
    if weights is None:
        return tracks
    return select(tracks, (weights > 0).nonzero().squeeze(1).to(tracks.device))


def _pointwise(conv: nn.Conv2d, channels: int | None = None) -> nn.Conv2d:
    """A 1x1 convolution with a layer's weights summed over its kernel.

    Kernels are costly on the full grid. channels: how many input maps it reads, or None for all.
    """
    channels = channels or conv.in_channels
    pointwise = nn.Conv2d(channels, conv.out_channels, 1)
    with torch.no_grad():
        pointwise.weight.copy_(conv.weight[:, :channels].sum(dim=(2, 3), keepdim=True))
        torch.as_tensor(pointwise.bias).copy_(torch.as_tensor(conv.bias))
    return pointwise
