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
from .base import LiteBase, LiteControlOutput
from .latents import coloured_noise, latents_of, retimed, time_factor
from .layers import zero_conv
from .track_batch import filled, make_track_batch
from .track_correction import TrackAttention, TrackCorrection, make_correction
from .track_maps import rasterize_tracks, region_maps

INPUTS = ("tracks", "region")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What control computes once per run.

    added: (B, W, G, G) to what the first layer makes of the noisy latents. guess: (B, C, G, G)
    latents of the motion the tracks ask for. share: broadcasts over (B, C, G, G), 0 where there is
    nothing to follow, else 1. grip: how tracks hold what moves with them; None in training, and
    where nothing needs to be held.
    """

    added: Tensor
    guess: Tensor
    share: Tensor
    correction: TrackCorrection | None = None


class Regressor(Protocol):
    """What control asks of the model it belongs to (`Lite`)."""

    def answer(
        self,
        image: Tensor,
        tracks: Tracks,
        weights: Tensor | None = None,
        progress: Progress = silent,
    ) -> tuple[MotionField, TrackAttention]:
        """Dense motion in one step, and which places listen to which tracks."""
        ...

    def features(self, image: Tensor) -> Tensor:
        """(1, F, G, G): what the base sees in a picture."""
        ...


class LiteTrackControlNet(nn.Module):
    """Steers a frozen base by tracks. At its initialisation it changes nothing, bit for bit.

    input: "tracks" reads displacement and visibility where tracks start; "region" reads
    region-wise displacement and mask (MotionPro, 2505.20287) instead.
    """

    def __init__(self, base: LiteBase, lite: Regressor, input: str = "tracks") -> None:
        """lite: gives the one-step field. Raises ValueError for an unknown input layer."""
        super().__init__()
        if input not in INPUTS:
            raise ValueError(f"input must be one of: {', '.join(INPUTS)}; got {input!r}.")
        self.config, self.input = base.config, input
        self.encoder = copy.deepcopy(base.encoder).requires_grad_(True)
        self.encoder.first = _narrow(base.encoder.first, self.config.channels)
        self.encoder.near[-1] = _narrow(cast(nn.Conv2d, base.encoder.near[-1]))
        # Not learned here; outside of the module's tree, so that it is saved once.
        self._lite = (lite,)
        width, channels = self.config.widths[0], self.config.channels
        self.stem = nn.Sequential(
            nn.Conv2d(2 * channels + 1 + self.config.features, width, 1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, 1, 1),
        )
        self.zeros = nn.ModuleList([zero_conv(one, one) for one in self.config.widths])
        self.when = nn.Linear(self.config.time, width)
        self.gate = zero_conv(width, 2)

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
        resampled in time, with a log line. weights: (N,) 0..1 or None. seed: of the noise of
        `trust`. Raises what Lite.field raises.
        """
        lite = self._lite[0]
        frames = self.config.frames
        if tracks.num_frames not in (0, frames):
            logger.info(
                "tracks of %d frames are resampled to the model's %d.", tracks.num_frames, frames
            )
        tracks = fitted(tracks, frames)
        field, attention = lite.answer(image, tracks, weights, progress)
        features = lite.features(image)
        track_maps = self.track_maps(tracks).to(features)
        guess = latents_of(field, frames).to(features)
        sure = field.confidence[None, None].to(features)
        added = self.heard(track_maps, guess, sure, features)
        prepared = Prepared(added, guess, attention.any_heard())
        return replace(prepared, correction=make_correction(attention, self.trust(prepared, seed)))

    def trust(self, prepared: Prepared, seed: int = 0) -> Tensor:
        """(B, 1, G*G) 0..1: how far control leans to the guess where noise is all there is. As
        firmly the tracks hold on to it in the other steps.

        It cannot be learned in those: in training the truth is behind the noise, and the base does
        well to believe in it; in a run what the base made up before is behind it.
        """
        factor = time_factor(self.config.frames).to(prepared.guess)
        generator = torch.Generator().manual_seed(seed)
        noise = coloured_noise(tuple(prepared.guess.shape), factor, generator)
        lean = self.residuals(prepared, noise, noise.new_ones(1)).gate
        return lean[:, :1].flatten(2).clamp(0, 1)

    def heard(self, track_maps: Tensor, guess: Tensor, sure: Tensor, features: Tensor) -> Tensor:
        """(B, W, G, G) what tracks add to the first layer: the new first layer itself.

        track_maps, guess: (B, C, G, G). sure: (B, 1, G, G) 0..1, the confidence of the guess.
        """
        return self.stem(torch.cat([track_maps, guess, sure, features], dim=1))

    def track_maps(self, tracks: Tracks) -> Tensor:
        """(1, C, G, G): what the input layer reads of tracks, laid out as latents are."""
        if self.input == "region":
            return region_maps(tracks, self.config.grid)
        return rasterize_tracks(make_track_batch([tracks]), self.config.grid)

    def residuals(self, prepared: Prepared, noisy: Tensor, tau: Tensor) -> LiteControlOutput:
        """What the tracks add to the base's prediction at one step.

        noisy: (B, C, G, G). tau: (B,). Without tracks everything added is zero.
        """
        if noisy.shape[1] != self.config.channels:
            raise ShapeError(
                f"latents have {self.config.channels} channels here; got {noisy.shape[1]}."
            )
        share = prepared.share
        maps, time = self.encoder(noisy, tau, prepared.added)
        skips = tuple(zero(one) * share for zero, one in zip(self.zeros, maps, strict=True))
        gate = self._gates(maps[0], time)[:, (0, 0, 1)] * share
        return LiteControlOutput(skips, gate, prepared.guess, prepared.correction)

    def _gates(self, full: Tensor, time: Tensor) -> Tensor:
        """(B, 2, G, G) -1..1: a gate for motion and one for visibility, by place and noise."""
        heard = functional.silu(full + self.when(time)[..., None, None])
        return torch.tanh(self.gate(heard))


def fitted(tracks: Tracks, frames: int) -> Tracks:
    """Tracks with a model's number of frames: positions in between are interpolated.

    Seen is what is seen on both sides, or, lest a track is lost that shows in a few frames only,
    near by.
    """
    if tracks.num_frames == frames:
        return tracks
    if not bool(tracks.visible.any()):
        return empty_tracks(frames, tracks.size)
    xy = retimed(filled(tracks.xy, tracks.visible), frames)
    seen = tracks.visible.float()
    visible = retimed(seen, frames) > 0.99
    lost = ~visible.any(dim=0)
    if bool(lost.any()):
        visible[:, lost] = functional.adaptive_max_pool1d(seen[:, lost].T[None], frames)[0].T > 0
    return make_tracks(xy, tracks.size, visible=visible, ids=tracks.ids)


def _narrow(wide: nn.Conv2d, channels: int | None = None) -> nn.Conv2d:
    """A layer without its neighbourhood, which is dear on the full grid: it reads a cell at a time,
    of the first `channels` maps, or of all. (The picture comes with what is added.)"""
    channels = channels or wide.in_channels
    one = nn.Conv2d(channels, wide.out_channels, 1)
    with torch.no_grad():
        one.weight.copy_(wide.weight[:, :channels].sum(dim=(2, 3), keepdim=True))
        torch.as_tensor(one.bias).copy_(torch.as_tensor(wide.bias))
    return one
