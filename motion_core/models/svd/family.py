"""Stable Video Diffusion as a family of the sampling protocols, steered by MotionPro.

Without control the prediction is Stable Video Diffusion's own, bit for bit: the modulation is not
in the network and its LoRA not in the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import ShapeError
from ...geometry import Size
from ...masks import mask_on_canvas
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ...tracks.select import select
from ..protocols import Branch, ControlOutput, GenerationRequest, GenerationResult
from ..registry import TrackModel
from .adapter import MotionAdapter, Signals
from .condition import MaskRule, checked_rule, dense_condition, mean_motion, region_condition
from .lora import LoraWeights, MergedOnce
from .pictures import CELL_PX, decoded, picture_embedding, picture_latents
from .schedule import edm_scheduler
from .settings import AS_RELEASED, SPARSE, ControlSettings, SvdSettings

LATE = (
    "MotionPro follows what is seen in the first frame; {} of the tracks appear later and do not "
    "steer."
)
WORDS = "Stable Video Diffusion reads no words: the prompt changes nothing."


class MotionPro(nn.Module):
    """All weights of a run: diffusers' U-Net and temporal autoencoder, transformers' CLIP vision
    model with projection, and MotionPro's own."""

    def __init__(
        self, unet: Any, vae: Any, image_encoder: Any, adapter: MotionAdapter, lora: LoraWeights
    ) -> None:
        super().__init__()
        self.unet, self.vae, self.image_encoder = unet, vae, image_encoder
        self.adapter, self.lora = adapter, lora


@dataclass(frozen=True, eq=False)
class SvdCondition:
    """What does not depend on the noisy latents.

    latents: (1, T, 4, h, w) of the picture, repeated. embedding: (1, 1, D) of the picture. ids:
    (1, 3), fps, motion bucket and noise on the picture.
    """

    request: GenerationRequest
    latents: Tensor
    embedding: Tensor
    ids: Tensor
    progress: Progress


@dataclass(frozen=True, eq=False)
class PreparedControl:
    """What tracks ask of the network in a run.

    motion_bucket: how much they move in all, or None to leave that to the settings.
    """

    signals: Signals
    weights: MergedOnce
    motion_bucket: float | None


@dataclass(frozen=True, eq=False)
class MotionResiduals:
    """PreparedControl at a strength; None is no steering at all."""

    steering: PreparedControl | None
    strength: float = 1.0

    def scaled(self, strength: float) -> MotionResiduals:
        """The same with its influence multiplied: modulation and LoRA alike."""
        return replace(self, strength=self.strength * strength)


class SvdFamily:
    """A VideoModel whose latents are (1, T, 4, H/8, W/8) and whose words are the picture."""

    def __init__(self, network: MotionPro, settings: SvdSettings = AS_RELEASED) -> None:
        self.network, self.settings = network, settings

    def scheduler(self) -> Any:
        """Euler over EDM noise levels; see schedule.py."""
        return edm_scheduler()

    def condition(self, request: GenerationRequest, progress: Progress = silent) -> SvdCondition:
        """The picture's latents and its embedding.

        Raises ShapeError or ValueError for sides that the network cannot halve, and for another
        number of frames than it makes.
        """
        self._check_request(request)
        settings, network = self.settings, self.network
        latents = picture_latents(network.vae, request.image, settings.augment)
        repeated = latents[:, None].expand(-1, settings.frames, -1, -1, -1)
        embedding = picture_embedding(network.image_encoder, request.image)
        ids = torch.tensor([[settings.fps, settings.motion_bucket, settings.augment]])
        place = self._place
        return SvdCondition(
            request, repeated.to(place), embedding.to(place), ids.to(place), progress
        )

    def noise(self, condition: SvdCondition, generator: torch.Generator) -> Tensor:
        """White noise."""
        return torch.randn(condition.latents.shape, generator=generator).to(self._place)

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: SvdCondition,
        calls: Sequence[tuple[Branch, ControlOutput | None]],
    ) -> list[Tensor]:
        """v-predictions, one per call. A branch without words is not told of the picture.

        Raises ValueError for an adapter: MotionPro's LoRA comes and goes with the control.
        """
        found = []
        for branch, residuals in calls:
            if branch.adapter is not None:
                raise ValueError(f"svd has no adapters; got {branch.adapter!r}.")
            assert residuals is None or isinstance(residuals, MotionResiduals)
            told = 1.0 if branch.text else 0.0
            given = torch.cat([latents, told * condition.latents], dim=2)
            with self._steered(residuals) as (weights, bucket):
                arguments = (given, timestep, told * condition.embedding, condition.ids)
                found.append(self._unet(arguments, weights, bucket))
        return found

    def preview(self, latents: Tensor, condition: SvdCondition) -> Tensor:
        """The last frame, decoded alone, with noise toned down to the strength of a picture's."""
        last = latents[:, -1:]
        return decoded(self.network.vae, last / last.std().clamp(min=1.0), 1)[0]

    def decode(
        self,
        latents: Tensor,
        condition: SvdCondition,
        tracks: Tracks,
        progress: Progress = silent,
    ) -> GenerationResult:
        """The frames; where tracks went has to be measured."""
        frames = decoded(self.network.vae, latents, self.settings.decode_at_once, progress)
        late = int((tracks.visible.any(0) & ~tracks.visible[0]).sum())
        notes = (LATE.format(late),) if late else ()
        told = condition.request.prompt or condition.request.negative
        return GenerationResult(frames, notes=notes + ((WORDS,) if told else ()))

    @property
    def multiple(self) -> int:
        """What the sides of a picture must be multiples of."""
        return CELL_PX * 2 ** (len(self.network.unet.config.block_out_channels) - 1)

    @property
    def _place(self) -> torch.device:
        return next(self.network.unet.parameters()).device

    def _check_request(self, request: GenerationRequest) -> None:
        if request.frames != self.settings.frames:
            raise ShapeError(
                f"this model makes {self.settings.frames} frames at once; the request wants "
                f"{request.frames}. Retime the tracks (Retime Tracks) and ask for as many frames."
            )
        if any(side % self.multiple for side in request.size):
            width, height = (
                max(1, round(side / self.multiple)) * self.multiple for side in request.size
            )
            raise ShapeError(
                f"this model makes pictures whose sides are multiples of {self.multiple} pixels; "
                f"got {request.size}. Bring the picture to {Size(width, height)} and fit the "
                "tracks to it (Transform Tracks); it was trained on 512x320, 512x512 and 320x512."
            )

    @contextmanager
    def _steered(
        self, residuals: MotionResiduals | None
    ) -> Iterator[tuple[dict[str, Tensor], float | None]]:
        """The weights to lay over the U-Net and the motion bucket, while it is modulated."""
        if residuals is None or residuals.steering is None or residuals.strength == 0.0:
            yield {}, None
            return
        steering, strength = residuals.steering, residuals.strength
        with self.network.adapter.steering(self.network.unet, steering.signals, strength):
            yield steering.weights.at(strength), steering.motion_bucket

    def _unet(
        self, arguments: tuple[Tensor, ...], weights: dict[str, Tensor], bucket: float | None
    ) -> Tensor:
        given, timestep, embedding, ids = arguments
        if bucket is not None:
            ids = torch.stack([ids[:, 0], torch.full_like(ids[:, 1], bucket), ids[:, 2]], dim=1)
        dtype = self.network.unet.dtype
        asked = (given.to(dtype), timestep, embedding.to(dtype), ids)
        return torch.func.functional_call(self.network.unet, weights, asked).sample.float()


class MotionProTracks:
    """A TrackControl for SvdFamily. brush: (H, W) bool, what moves beside the tracks, on a canvas
    of the picture's proportions; None for nothing.

    Raises ValueError for a brush on weights that read none, ShapeError for one that is no mask.
    """

    def __init__(
        self,
        network: MotionPro,
        settings: ControlSettings = SPARSE,
        brush: Tensor | None = None,
    ) -> None:
        if brush is not None and settings.is_dense:
            raise ValueError(
                "MotionPro-Dense reads where tracks are visible in place of a mask; disconnect "
                "the mask, or load the sparse weights."
            )
        if brush is not None and (brush.ndim != 2 or brush.dtype != torch.bool):
            raise ShapeError(
                f"a brush must be (H, W) bool; got {tuple(brush.shape)} {brush.dtype}."
            )
        self.network, self.settings, self.brush = network, settings, brush

    def prepare(
        self, tracks: Tracks, weights: Tensor, condition: SvdCondition
    ) -> PreparedControl | None:
        """The condition drawn and encoded, once per run; None when no track counts.

        weights: (N,) 0..1. MotionPro knows no half tracks: those of weight 0 are left out, and of
        two that start in one place the heavier is drawn. What the request lets move counts as brush
        too (MotionPro-Dense has none).
        """
        tracks = _by_weight(tracks, weights)
        if not bool(tracks.visible[:1].any()):
            return None
        request, frames = condition.request, condition.latents.shape[1]
        bucket = None
        if self.settings.is_dense:
            drawn = dense_condition(
                tracks, request.size, frames=frames, progress=condition.progress
            )
            bucket = mean_motion(drawn)
        else:
            drawn = region_condition(
                tracks,
                request.size,
                frames=frames,
                brush=joined_brush(request, self.brush),
                rule=self.settings.rule,
                progress=condition.progress,
            )
        weight = next(self.network.adapter.parameters())
        signals = self.network.adapter.signals(drawn.to(weight.device, weight.dtype))
        return PreparedControl(signals, MergedOnce(self.network.lora, self.network.unet), bucket)

    def residuals(
        self,
        prepared: PreparedControl | None,
        latents: Tensor,
        timestep: Tensor,
        condition: SvdCondition,
    ) -> MotionResiduals:
        """The same at every step."""
        return MotionResiduals(prepared)


def with_mask(
    model: TrackModel, rule: MaskRule = "moving", brush: Tensor | None = None
) -> TrackModel:
    """MotionPro that reads another motion mask. rule: see MaskRule. brush: see MotionProTracks,
    whose errors it raises.

    Raises ValueError for a model that MotionPro does not steer, and for an unknown rule.
    """
    control = model.control
    if not isinstance(control, MotionProTracks):
        raise ValueError(
            f"only MotionPro reads a motion mask; this is {model.family}. Choose motionpro in "
            "Load Track Model, or connect the mask to movable of Track Sampler."
        )
    settings = replace(control.settings, rule=checked_rule(rule))
    return replace(model, control=MotionProTracks(control.network, settings, brush))


def joined_brush(request: GenerationRequest, brush: Tensor | None) -> Tensor | None:
    """(H, W) bool on the request's canvas: what it lets move and what the brush covers.

    Raises CanvasError for a brush of other proportions than the picture.
    """
    if brush is None:
        return request.movable
    painted = mask_on_canvas(brush, request.size, "motion mask")
    return painted if request.movable is None else painted | request.movable.to(painted.device)


def _by_weight(tracks: Tracks, weights: Tensor) -> Tracks:
    """Tracks that count, the heaviest last, since later tracks are drawn over earlier ones."""
    order = torch.argsort(weights, stable=True)
    return select(tracks, order[weights[order] > 0])
