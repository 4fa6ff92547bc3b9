"""AnimateDiff as a family of the sampling protocols.

Tracks steer it through control branches, of Image Conductor (conductor.py) or of a
Track-ControlNet (track_net.py); without them the prediction is the base's own, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ...errors import ShapeError
from ...geometry import Size
from ...progress import Progress, silent
from ...tracks.model import Tracks
from ..protocols import (
    Branch,
    ControlOutput,
    FeatureTraits,
    GenerationRequest,
    GenerationResult,
    SharedKeys,
)
from ..taps import layer_output
from .branch import Signals, SparseBranch, summed
from .condition import CELL_PX
from .folder import TOKENS
from .pictures import decoded, first_frame, picture_latents, words_of
from .settings import AS_RELEASED, AnimateDiffSettings, ddim_scheduler

WORDLESS_BASE = (
    "No text encoder was given, so the clip was made without words; put text_encoder and tokenizer "
    "of Stable Diffusion 1.5 beside the model."
)


class AnimateDiff(nn.Module):
    """The weights of the base.

    unet: a UNetMotionModel that normalises per frame. vae: an AutoencoderKL. image: SparseCtrl's
    network for the first frame, without which the picture is not seen. text_encoder: CLIP's text
    model of Stable Diffusion 1.5, or None.
    """

    def __init__(
        self, unet: Any, vae: Any, image: SparseBranch | None, text_encoder: Any = None
    ) -> None:
        super().__init__()
        self.unet, self.vae, self.image, self.text_encoder = unet, vae, image, text_encoder


class PreparedControl(Protocol):
    """What a control prepared for a run."""

    motion: str | None

    def signals(self, timestep: Tensor, words: Tensor, adapter: str | None) -> Signals:
        """What the tracks add to one clip. words: (1, L, D). adapter: of the branch."""
        ...


@dataclass(frozen=True, eq=False)
class ControlResiduals:
    """PreparedControl at a strength; None is no steering at all."""

    steering: PreparedControl | None
    strength: float = 1.0

    def scaled(self, strength: float) -> ControlResiduals:
        """The same with its influence multiplied."""
        return replace(self, strength=self.strength * strength)


@dataclass(frozen=True, eq=False)
class AnimateDiffCondition:
    """What does not depend on the noisy latents.

    words: (1, L, D) of the prompt and of what is not wanted. picture: (T, C, h, w) features of the
    first frame, or None. shape: of the latents. progress: whom to tell.
    """

    request: GenerationRequest
    words: dict[bool, Tensor]
    picture: Tensor | None
    shape: tuple[int, ...]
    progress: Progress


class AnimateDiffFamily:
    """A VideoModel whose latents are (1, 4, T, H/8, W/8)."""

    def __init__(
        self,
        network: AnimateDiff,
        tokenizer: Any = None,
        settings: AnimateDiffSettings = AS_RELEASED,
    ) -> None:
        self.network, self.tokenizer, self.settings = network, tokenizer, settings

    def scheduler(self) -> Any:
        """DDIM; see settings.py."""
        return ddim_scheduler()

    def condition(
        self, request: GenerationRequest, progress: Progress = silent
    ) -> AnimateDiffCondition:
        """The words, and the features of the first frame.

        Raises ShapeError for sides that are no whole cells, for more frames than the motion
        modules can count, and for a prompt where there is no text encoder.
        """
        self._check_request(request)
        words = {True: self._words(request.prompt), False: self._words(request.negative)}
        width, height = (side // CELL_PX for side in request.size)
        channels = self.network.unet.config.in_channels
        return AnimateDiffCondition(
            request,
            words,
            self._picture(request),
            (1, channels, request.frames, height, width),
            progress,
        )

    def noise(self, condition: AnimateDiffCondition, generator: torch.Generator) -> Tensor:
        """White noise."""
        return torch.randn(condition.shape, generator=generator).to(self._weight.device)

    def predict(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: AnimateDiffCondition,
        calls: Sequence[tuple[Branch, ControlOutput | None]],
    ) -> list[Tensor]:
        """Predictions of the noise, one per call.

        What the first frame adds is computed once for all branches with the same words. An adapter
        changes what the tracks add: without tracks it changes nothing.
        Raises ValueError for an adapter that the control does not have.
        """
        _check_adapters(calls)
        pictures = self._of_picture(timestep, condition, {branch.text for branch, _ in calls})
        told = [condition.words[branch.text] for branch, _ in calls]
        added = []
        for (branch, residuals), words in zip(calls, told, strict=True):
            steered = _of_tracks(residuals, timestep, words, branch.adapter)
            found = (pictures.get(branch.text), steered)
            added.append(summed(part for part in found if part is not None))
        if self.settings.is_batched and _alike(added):
            return list(self._unet(latents, timestep, told, added))
        asked = zip(told, added, strict=True)
        return [self._unet(latents, timestep, [words], [part])[0] for words, part in asked]

    def preview(self, latents: Tensor, condition: AnimateDiffCondition) -> Tensor:
        """The last frame, decoded alone."""
        return decoded(self.network.vae, latents[:, :, -1:], 1)[0]

    def decode(
        self,
        latents: Tensor,
        condition: AnimateDiffCondition,
        tracks: Tracks,
        progress: Progress = silent,
    ) -> GenerationResult:
        """The frames; where tracks went has to be measured."""
        frames = decoded(self.network.vae, latents, self.settings.decode_at_once, progress)
        has_words = self.network.text_encoder is not None
        return GenerationResult(frames, notes=() if has_words else (WORDLESS_BASE,))

    @property
    def traits(self) -> FeatureTraits:
        """Blocks of the U-Net; MOFT reads the second of the way up."""
        ups = [f"up_blocks.{i}" for i in range(len(self.network.unet.up_blocks))]
        layers = (*ups[1:2], *ups[:1], *ups[2:], "mid_block")
        return FeatureTraits(layers, 1, self.network.unet, is_eulerian=True, shares_attention=True)

    def features(
        self,
        latents: Tensor,
        timestep: Tensor,
        condition: AnimateDiffCondition,
        layer: str,
        keys: SharedKeys | None = None,
    ) -> Tensor:
        """(T, C, h, w) float32, a block's output. Keys are shared in the way up from its second
        block. Raises ValueError for a layer that is not in traits.layers."""
        if layer not in self.traits.layers:
            raise ValueError(f"this model's layers are {self.traits.layers}; got {layer!r}.")
        with torch.no_grad():
            picture = self._of_picture(timestep, condition, {True}).get(True)
        asked = self._asked(latents, timestep, [condition.words[True]], [picture])
        unet = self.network.unet
        shared = None if keys is None else (_spatial_self_attention(unet), keys)
        return layer_output(unet, layer, *asked, shared).float()

    def encode_video(
        self, video: Tensor, condition: AnimateDiffCondition, follow: Callable[[], Tracks]
    ) -> Tensor:
        """(1, 4, T, h, w), the scaled modes of the frames."""
        frames = []
        for index, image in enumerate(video):
            frames.append(picture_latents(self.network.vae, image))
            condition.progress(index + 1, len(video))
        return torch.stack(frames, dim=1)[None].to(self._weight.device)

    def inverse_scheduler(self) -> Any:
        """DDIM inversion with the noise of scheduler()."""
        from diffusers.schedulers.scheduling_ddim_inverse import DDIMInverseScheduler

        known = set(DDIMInverseScheduler._get_init_keys(DDIMInverseScheduler))
        config = {name: value for name, value in self.scheduler().config.items() if name in known}
        return DDIMInverseScheduler(**config)

    def frames_of(self, latents: Tensor) -> Tensor:
        """Their third axis counts them."""
        return torch.arange(latents.shape[2], device=latents.device).view(1, 1, -1, 1, 1)

    @property
    def _weight(self) -> Tensor:
        return next(self.network.unet.parameters())

    def _check_request(self, request: GenerationRequest) -> None:
        most = self.network.unet.config.motion_max_seq_length
        if request.frames > most:
            raise ShapeError(
                f"this model counts up to {most} frames and was trained on 16; the request wants "
                f"{request.frames}. Retime the tracks (Retime Tracks) and ask for as many frames."
            )
        if any(side % CELL_PX for side in request.size):
            width, height = (max(1, round(side / CELL_PX)) * CELL_PX for side in request.size)
            raise ShapeError(
                f"this model makes pictures whose sides are multiples of {CELL_PX} pixels; got "
                f"{request.size}. Bring the picture to {Size(width, height)} and fit the tracks to "
                "it (Transform Tracks); Image Conductor was trained on 384x256."
            )

    def _words(self, text: str) -> Tensor:
        encoder, weight = self.network.text_encoder, self._weight
        if encoder is not None and (self.tokenizer is not None or not text.strip()):
            return words_of(self.tokenizer, encoder, text).to(weight.device, weight.dtype)
        if text.strip():
            what = "text encoder" if encoder is None else "tokenizer"
            raise ValueError(
                f"there is no {what} to read {text!r} with. Leave the prompt empty, or put "
                "text_encoder and tokenizer of Stable Diffusion 1.5 beside the model."
            )
        return weight.new_zeros(1, TOKENS, self.network.unet.config.cross_attention_dim)

    def _picture(self, request: GenerationRequest) -> Tensor | None:
        if self.network.image is None:
            return None
        latents = picture_latents(self.network.vae, request.image)
        return self.network.image.features(first_frame(latents, request.frames))

    def _of_picture(
        self, timestep: Tensor, condition: AnimateDiffCondition, texts: set[bool]
    ) -> dict[bool, Signals]:
        """What the first frame adds, by whether the prompt is told."""
        image, picture = self.network.image, condition.picture
        if image is None or picture is None:
            return {}
        return {text: image(picture, timestep, condition.words[text]) for text in texts}

    def _unet(
        self,
        latents: Tensor,
        timestep: Tensor,
        words: Sequence[Tensor],
        added: Sequence[Signals | None],
    ) -> Tensor:
        """Noise in as many clips as there are words."""
        given, more = self._asked(latents, timestep, words, added)
        return self.network.unet(*given, **more).sample.float()[:, None]

    def _asked(
        self,
        latents: Tensor,
        timestep: Tensor,
        words: Sequence[Tensor],
        added: Sequence[Signals | None],
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments of the U-Net."""
        dtype, frames = self._weight.dtype, latents.shape[2]
        given = latents.to(dtype).expand(len(words), -1, -1, -1, -1)
        told = torch.cat(list(words)).repeat_interleave(frames, dim=0)
        parts = [part for part in added if part is not None]
        more: dict[str, Any] = {"encoder_hidden_states": told}
        if parts:
            skips = zip(*(part.down for part in parts), strict=True)
            more["down_block_additional_residuals"] = [torch.cat(skip).to(dtype) for skip in skips]
            more["mid_block_additional_residual"] = torch.cat([part.mid for part in parts]).to(
                dtype
            )
        return (given, timestep), more


def _spatial_self_attention(unet: Any) -> list[str]:
    """Names of the layers in which cells of one frame look at each other, in the way up from its
    second block: MOFT lets them look at a clip that is not guided."""
    return [
        name
        for name, _ in unet.named_modules()
        if name.endswith(".attn1")
        and name.startswith("up_blocks.")
        and not name.startswith("up_blocks.0.")
        and ".attentions." in name
    ]


def _of_tracks(
    residuals: ControlOutput | None, timestep: Tensor, words: Tensor, adapter: str | None
) -> Signals | None:
    assert residuals is None or isinstance(residuals, ControlResiduals)
    if residuals is None or residuals.steering is None or residuals.strength == 0.0:
        return None
    found = residuals.steering.signals(timestep, words, adapter)
    return found if residuals.strength == 1.0 else found.scaled(residuals.strength)


def _check_adapters(calls: Sequence[tuple[Branch, ControlOutput | None]]) -> None:
    """Camera-free guidance compares a motion with the bare model, not with itself."""
    named = {branch.adapter for branch, _ in calls if branch.adapter is not None}
    for branch, residuals in calls:
        if branch.adapter is None and isinstance(residuals, ControlResiduals):
            motion = None if residuals.steering is None else residuals.steering.motion
            if motion in named:
                raise ValueError(
                    f"guidance compares the motion {motion!r} with the model without it, but the "
                    "control lays it over every prediction. Choose no motion for the control."
                )


def _alike(added: Sequence[Signals | None]) -> bool:
    """Whether something is added to all of them, or to none."""
    return len({part is None for part in added}) == 1
