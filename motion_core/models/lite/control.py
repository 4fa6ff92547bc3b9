"""The Track-ControlNet of lite: a trainable copy of the base's encoder that reads tracks.

Motion Prompting, section 4.2: copied encoder, zero-initialised outputs, a new first layer for the
random-ID volume. Where we depart from it, docs/training.md says why.
"""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import ShapeError
from ...geometry import Size
from ...progress import Progress, silent
from ...raster.ids import IdEmbedding
from ...raster.sparse import sparse_id_volume
from ...tracks.model import Tracks, make_tracks
from .base import LiteBase, LiteResiduals
from .evidence import evidence_of
from .field import MotionField
from .identity import VOLUME_SIDE, IdReader, far_apart, matched_tracks
from .latents import latents_of, retimed
from .told import region_maps, told_maps

INPUTS = ("ids", "region")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What control computes once per run.

    added: (1, W, G, G) for the encoder copy's first layer. guess: (1, C, G, G) latents of the
    motion the tracks ask for. features: of the picture, (1, F, G, G). is_empty: nothing to follow.
    """

    added: Tensor
    guess: Tensor
    features: Tensor
    is_empty: bool


class Regressor(Protocol):
    """What control asks of the model it belongs to (`Lite`)."""

    def field(
        self,
        image: Tensor,
        tracks: Tracks,
        weights: Tensor | None = None,
        progress: Progress = silent,
    ) -> MotionField:
        """Dense motion in one step."""
        ...

    def features(self, image: Tensor) -> Tensor:
        """(1, F, G, G) of a picture."""
        ...


class LiteControl(nn.Module):
    """Steers a frozen base by tracks. At its initialisation it changes nothing, bit for bit.

    input: "ids" reads the random-ID volume through cosine attention; "region" reads region-wise
    displacement and mask (MotionPro, 2505.20287) instead.
    """

    def __init__(self, base: LiteBase, lite: Regressor, input: str = "ids") -> None:
        """lite: gives the one-step field. Raises ValueError for an unknown input layer."""
        super().__init__()
        if input not in INPUTS:
            raise ValueError(f"input must be one of: {', '.join(INPUTS)}; got {input!r}.")
        self.config, self.input = base.config, input
        self.encoder = copy.deepcopy(base.encoder).requires_grad_(True)
        self.reader = IdReader()
        # Not learned here; outside of the module's tree, so that it is saved once.
        self._lite = (lite,)
        width, channels = self.config.widths[0], self.config.channels
        self.stem = nn.Sequential(
            nn.Conv2d(2 * channels + 1 + self.config.features, width, 1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, 1, 1),
        )
        self.zeros = nn.ModuleList([_zero_conv(one, one) for one in self.config.widths])
        self.when = nn.Linear(self.config.time, width)
        self.gate = _zero_conv(width, 2)

    def prepare(
        self,
        image: Tensor,
        tracks: Tracks,
        weights: Tensor | None = None,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Prepared:
        """Everything that does not depend on the noisy latents, once per run.

        image: (H, W, 3) 0..1. tracks: on its canvas; another number of frames than the model's is
        resampled in time, with a log line. weights: (N,) 0..1 or None. seed: of the random ids.
        Raises what Lite.field raises.
        """
        lite = self._lite[0]
        frames = self.config.frames
        if tracks.num_frames not in (0, frames):
            logger.info(
                "tracks of %d frames are resampled to the model's %d.", tracks.num_frames, frames
            )
        field = lite.field(image, tracks, weights, progress)
        is_empty = not bool(tracks.visible.any())
        if weights is not None and tracks.num_points:
            is_empty = is_empty or not bool((weights > 0).any())
        features = lite.features(image)
        told = self.told(fitted(tracks, frames), seed).to(features)
        guess = latents_of(field, frames).to(features)
        sure = field.confidence[None, None].to(features)
        return Prepared(self.heard(told, guess, sure, features), guess, features, is_empty)

    def heard(self, told: Tensor, guess: Tensor, sure: Tensor, features: Tensor) -> Tensor:
        """(B, W, G, G) what tracks add to the first layer: the new first layer itself.

        told, guess: (B, C, G, G). sure: (B, 1, G, G), how far the guess is to be trusted, 0..1.
        """
        return self.stem(torch.cat([told, guess, sure, features], dim=1))

    def told(self, tracks: Tracks, seed: int) -> Tensor:
        """(1, C, G, G): what the input layer reads of tracks, as latents are laid out."""
        tracks = tracks.to(self.reader.project.weight.device)
        if self.input == "region":
            return region_maps(tracks, self.config.grid)
        if tracks.num_points:
            rows = IdEmbedding()
            codes = rows.encode(far_apart(rows, tracks.num_points, seed)).to(tracks.device)
            volume = sparse_id_volume(tracks, Size(VOLUME_SIDE, VOLUME_SIDE), codes)
            tracks = matched_tracks(self.reader, volume, tracks.size)
        return told_maps(evidence_of([tracks]), self.config.grid)

    def residuals(self, prepared: Prepared, noisy: Tensor, tau: Tensor) -> LiteResiduals:
        """What the tracks add to the base's prediction at one step.

        noisy: (B, C, G, G). tau: (B,). Without tracks everything added is zero.
        """
        if noisy.shape[1] != self.config.channels:
            raise ShapeError(
                f"latents have {self.config.channels} channels here; got {noisy.shape[1]}."
            )
        share = noisy.new_zeros(1) if prepared.is_empty else noisy.new_ones(1)
        return self.added((prepared.added, prepared.guess, prepared.features), noisy, tau, share)

    def added(
        self, known: tuple[Tensor, Tensor, Tensor], noisy: Tensor, tau: Tensor, share: Tensor
    ) -> LiteResiduals:
        """The residuals of a batch. known: first layer's addition, guess and features. share:
        (1,) or (B, 1, 1, 1), 0 where there is nothing to follow."""
        first, guess, features = known
        maps, time = self.encoder(noisy, tau, features, first)
        skips = tuple(zero(one) * share for zero, one in zip(self.zeros, maps, strict=True))
        return LiteResiduals(skips, self._gates(maps[0], time) * share, guess)

    def _gates(self, full: Tensor, time: Tensor) -> Tensor:
        """(B, C, G, G) -1..1: one gate for motion and one for visibility, by place and noise."""
        heard = functional.silu(full + self.when(time)[..., None, None])
        frames = self.config.frames - 1
        motion, seen = torch.tanh(self.gate(heard)).split(1, dim=1)
        return torch.cat([motion.repeat(1, 2 * frames, 1, 1), seen.repeat(1, frames, 1, 1)], dim=1)


def fitted(tracks: Tracks, frames: int) -> Tracks:
    """Tracks with a model's number of frames: positions in between are interpolated."""
    if tracks.num_frames == frames:
        return tracks
    xy = retimed(tracks.xy, frames)
    visible = retimed(tracks.visible.float(), frames) > 0.99
    return make_tracks(xy, tracks.size, visible=visible, ids=tracks.ids)


def _zero_conv(channels: int, out: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels, out, 1)
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
