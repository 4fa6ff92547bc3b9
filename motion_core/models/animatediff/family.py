"""AnimateDiff as a family of the sampling protocols.

A control branch adds residuals to the U-Net: Image Conductor's (models/image_conductor) or that of
a Track-ControlNet (control.py). Without one the prediction is the base's own, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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
from ..sd15.encoding import CELL_PX, decode_video, encode_image, encode_prompt
from ..sd15.folder import TOKENS
from ..taps import layer_output
from .branch import SparseBranch, first_frame_condition
from .control_output import AnimateDiffControlOutput, UNetResiduals, summed
from .settings import AS_RELEASED, AnimateDiffSettings, ddim_scheduler

NO_TEXT_ENCODER = (
    "No text encoder was given, so the video was made without a prompt; put text_encoder and "
    "tokenizer of Stable Diffusion 1.5 beside the model."
)


class AnimateDiff(nn.Module):
    """The weights of the base.

    Args:
        unet: A UNetMotionModel that normalises per frame.
        vae: An AutoencoderKL.
        image: SparseCtrl's network for the first frame; without it the image is not used.
        text_encoder: CLIP's text model of Stable Diffusion 1.5, or None.
    """

    def __init__(
        self, unet: Any, vae: Any, image: SparseBranch | None, text_encoder: Any = None
    ) -> None:
        super().__init__()
        self.unet, self.vae, self.image, self.text_encoder = unet, vae, image, text_encoder


@dataclass(frozen=True, eq=False)
class AnimateDiffCondition:
    """What does not depend on the noisy latents.

    Attributes:
        request: What was asked for.
        prompt_embeds: (1, L, D) of the prompt.
        negative_prompt_embeds: (1, L, D) of the negative prompt.
        image_features: (T, C, h, w) of the first frame in SparseCtrl's network, or None.
        shape: Of the latents.
        progress: Of the run.
    """

    request: GenerationRequest
    prompt_embeds: Tensor
    negative_prompt_embeds: Tensor
    image_features: Tensor | None
    shape: tuple[int, ...]
    progress: Progress

    def embeds(self, text: bool) -> Tensor:
        """(1, L, D) for a branch with or without text."""
        return self.prompt_embeds if text else self.negative_prompt_embeds


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
        return ddim_scheduler(self.settings.prediction)

    def condition(
        self, request: GenerationRequest, progress: Progress = silent
    ) -> AnimateDiffCondition:
        """The prompt embeddings, and the features of the first frame.

        Raises:
            ShapeError: For sides that are not multiples of 8 pixels, and for more frames than the
                motion modules have positions.
            ValueError: For a prompt without a text encoder.
        """
        self._check_request(request)
        width, height = (side // CELL_PX for side in request.size)
        channels = self.network.unet.config.in_channels
        return AnimateDiffCondition(
            request,
            self.prompt_embeds(request.prompt),
            self.prompt_embeds(request.negative),
            self._image_features(request),
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

        What the first frame adds is computed once for all branches with the same prompt. An
        adapter changes what the tracks add: without tracks it changes nothing.

        Raises ValueError for an adapter that the control does not have.
        """
        _check_adapters(calls)
        from_image = self._image_residuals(
            timestep, condition, {branch.text for branch, _ in calls}
        )
        embeds = [condition.embeds(branch.text) for branch, _ in calls]
        added = []
        for (branch, output), prompt_embeds in zip(calls, embeds, strict=True):
            from_tracks = _track_residuals(output, timestep, prompt_embeds, branch.adapter)
            both = (from_image.get(branch.text), from_tracks)
            added.append(summed(part for part in both if part is not None))
        if self.settings.is_batched and _all_or_none(added):
            return list(self._unet(latents, timestep, embeds, added))
        pairs = zip(embeds, added, strict=True)
        return [self._unet(latents, timestep, [embed], [part])[0] for embed, part in pairs]

    def preview(self, latents: Tensor, condition: AnimateDiffCondition) -> Tensor:
        """The last frame, decoded alone."""
        return decode_video(self.network.vae, latents[:, :, -1:], 1)[0]

    def decode(
        self,
        latents: Tensor,
        condition: AnimateDiffCondition,
        tracks: Tracks,
        progress: Progress = silent,
    ) -> GenerationResult:
        """The frames; where the tracks went has to be measured by a tracker."""
        frames = decode_video(self.network.vae, latents, self.settings.decode_at_once, progress)
        has_text = self.network.text_encoder is not None
        return GenerationResult(frames, notes=() if has_text else (NO_TEXT_ENCODER,))

    @property
    def traits(self) -> FeatureTraits:
        """Blocks of the U-Net; the second upsampling block, which MOFT reads, comes first."""
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
        """(T, C, h, w) float32, a block's output. Keys are shared from the second upsampling block
        on. Raises ValueError for a layer that is not in traits.layers."""
        if layer not in self.traits.layers:
            raise ValueError(f"this model's layers are {self.traits.layers}; got {layer!r}.")
        with torch.no_grad():
            residuals = self._image_residuals(timestep, condition, {True}).get(True)
        arguments = self._arguments(latents, timestep, [condition.prompt_embeds], [residuals])
        unet = self.network.unet
        shared = None if keys is None else (_spatial_self_attention(unet), keys)
        return layer_output(unet, layer, *arguments, shared).float()

    def encode_video(
        self, video: Tensor, condition: AnimateDiffCondition, follow: Callable[[], Tracks]
    ) -> Tensor:
        """(1, 4, T, h, w), the scaled modes of the frames."""
        frames = []
        for index, image in enumerate(video):
            frames.append(encode_image(self.network.vae, image))
            condition.progress(index + 1, len(video))
        return torch.stack(frames, dim=1)[None].to(self._weight.device)

    def inverse_scheduler(self) -> Any:
        """DDIM inversion with the noise of scheduler()."""
        from diffusers.schedulers.scheduling_ddim_inverse import DDIMInverseScheduler

        known = set(DDIMInverseScheduler._get_init_keys(DDIMInverseScheduler))
        config = {name: value for name, value in self.scheduler().config.items() if name in known}
        return DDIMInverseScheduler(**config)

    def frames_of(self, latents: Tensor) -> Tensor:
        """Index of the frame along the third axis."""
        return torch.arange(latents.shape[2], device=latents.device).view(1, 1, -1, 1, 1)

    @property
    def _weight(self) -> Tensor:
        return next(self.network.unet.parameters())

    def _check_request(self, request: GenerationRequest) -> None:
        most = self.network.unet.config.motion_max_seq_length
        if request.frames > most:
            raise ShapeError(
                f"this model makes up to {most} frames and was trained on 16; the request wants "
                f"{request.frames}. Retime the tracks (Retime Tracks) and ask for as many frames."
            )
        if any(side % CELL_PX for side in request.size):
            width, height = (max(1, round(side / CELL_PX)) * CELL_PX for side in request.size)
            raise ShapeError(
                f"this model makes images whose sides are multiples of {CELL_PX} pixels; got "
                f"{request.size}. Bring the image to {Size(width, height)} and fit the tracks to "
                "it (Transform Tracks); Image Conductor was trained on 384x256."
            )

    def prompt_embeds(self, prompt: str) -> Tensor:
        """(1, L, D) of a prompt; zeros for an empty one without a text encoder.

        Raises ValueError for a prompt that nothing can read.
        """
        encoder, weight = self.network.text_encoder, self._weight
        if encoder is not None and (self.tokenizer is not None or not prompt.strip()):
            return encode_prompt(self.tokenizer, encoder, prompt).to(weight.device, weight.dtype)
        if prompt.strip():
            what = "text encoder" if encoder is None else "tokenizer"
            raise ValueError(
                f"there is no {what} to read {prompt!r} with. Leave the prompt empty, or put "
                "text_encoder and tokenizer of Stable Diffusion 1.5 beside the model."
            )
        return weight.new_zeros(1, TOKENS, self.network.unet.config.cross_attention_dim)

    def _image_features(self, request: GenerationRequest) -> Tensor | None:
        if self.network.image is None:
            return None
        latents = encode_image(self.network.vae, request.image)
        return self.network.image.features(first_frame_condition(latents, request.frames))

    def _image_residuals(
        self, timestep: Tensor, condition: AnimateDiffCondition, texts: set[bool]
    ) -> dict[bool, UNetResiduals]:
        """What the first frame adds, by Branch.text."""
        image, features = self.network.image, condition.image_features
        if image is None or features is None:
            return {}
        return {text: image(features, timestep, condition.embeds(text)) for text in texts}

    def _unet(
        self,
        latents: Tensor,
        timestep: Tensor,
        embeds: Sequence[Tensor],
        added: Sequence[UNetResiduals | None],
    ) -> Tensor:
        """(B, 1, C, T, h, w), the noise predicted for B prompt embeddings."""
        positional, keyword = self._arguments(latents, timestep, embeds, added)
        return self.network.unet(*positional, **keyword).sample.float()[:, None]

    def _arguments(
        self,
        latents: Tensor,
        timestep: Tensor,
        embeds: Sequence[Tensor],
        added: Sequence[UNetResiduals | None],
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments of the U-Net."""
        dtype, frames = self._weight.dtype, latents.shape[2]
        batch = latents.to(dtype).expand(len(embeds), -1, -1, -1, -1)
        hidden_states = torch.cat(list(embeds)).repeat_interleave(frames, dim=0)
        keyword: dict[str, Any] = {"encoder_hidden_states": hidden_states}
        parts = [part for part in added if part is not None]
        if parts:
            skips = zip(*(part.down_block_residuals for part in parts), strict=True)
            middle = torch.cat([part.mid_block_residual for part in parts])
            keyword["down_block_additional_residuals"] = [
                torch.cat(residuals).to(dtype) for residuals in skips
            ]
            keyword["mid_block_additional_residual"] = middle.to(dtype)
        return (batch, timestep), keyword


def _spatial_self_attention(unet: Any) -> list[str]:
    """Names of the spatial self-attention layers from the second upsampling block on, whose keys
    MOFT takes from a clip that is not guided."""
    return [
        name
        for name, _ in unet.named_modules()
        if name.endswith(".attn1")
        and name.startswith("up_blocks.")
        and not name.startswith("up_blocks.0.")
        and ".attentions." in name
    ]


def _track_residuals(
    output: ControlOutput | None, timestep: Tensor, prompt_embeds: Tensor, adapter: str | None
) -> UNetResiduals | None:
    assert output is None or isinstance(output, AnimateDiffControlOutput)
    return None if output is None else output.residuals(timestep, prompt_embeds, adapter)


def _check_adapters(calls: Sequence[tuple[Branch, ControlOutput | None]]) -> None:
    """Camera-free guidance compares a motion with the bare model, not with itself."""
    named = {branch.adapter for branch, _ in calls if branch.adapter is not None}
    for branch, output in calls:
        if branch.adapter is None and isinstance(output, AnimateDiffControlOutput):
            motion = None if output.prepared is None else output.prepared.motion
            if motion in named:
                raise ValueError(
                    f"guidance compares the motion {motion!r} with the model without it, but the "
                    "control lays it over every prediction. Choose no motion for the control."
                )


def _all_or_none(added: Sequence[UNetResiduals | None]) -> bool:
    """Whether every branch has residuals, or none has."""
    return len({part is None for part in added}) == 1
