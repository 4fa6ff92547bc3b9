"""The networks of a Wan image-to-video run, and what each of them encodes or decodes."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import FormatError
from ...progress import Progress, silent
from .latents import FRAME_STRIDE, latent_frames

# Length of a prompt for UMT5 in tokens.
MAX_TOKENS = 512
# Of the images that CLIP was trained on.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class PromptEncoder(Protocol):
    """A text encoder."""

    def encode(self, prompt: str) -> Tensor:
        """(1, 512, D), embeddings of a prompt."""
        ...


class Umt5PromptEncoder:
    """Wan's own text encoder: UMT5 with 512 tokens, zero after the last token of the prompt."""

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        self.encoder, self.tokenizer = encoder, tokenizer

    def encode(self, prompt: str) -> Tensor:
        """(1, 512, D); a longer prompt is truncated."""
        tokens = self.tokenizer(
            [" ".join(html.unescape(prompt).split())],
            padding="max_length",
            max_length=MAX_TOKENS,
            truncation=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        mask = tokens.attention_mask.to(self.encoder.device)
        embeds = self.encoder(tokens.input_ids.to(self.encoder.device), mask).last_hidden_state
        return embeds * mask[..., None].to(embeds.dtype)


@dataclass(frozen=True, eq=False)
class WanParts:
    """The networks of diffusers' WanImageToVideoPipeline.

    Attributes:
        transformer: WanTransformer3DModel that reads mask and image beside the noise.
        vae: AutoencoderKLWan.
        scheduler: The released one, whose settings every run takes.
        text: Encodes prompts; None for a run without them.
        image_encoder: CLIPVisionModel, for transformers that read its embeddings.

    Raises:
        FormatError: When they do not belong together.
    """

    transformer: Any
    vae: Any
    scheduler: Any
    text: PromptEncoder | None = None
    image_encoder: Any = None

    def __post_init__(self) -> None:
        reads, channels = self.transformer.config.in_channels, self.channels
        if reads != 2 * channels + FRAME_STRIDE:
            raise FormatError(
                f"this Wan transformer reads {reads} channels, but image-to-video reads noise, "
                f"mask and image: {2 * channels + FRAME_STRIDE}. Take an image-to-video model "
                "such as Wan2.1-I2V-14B (text-to-video and Wan2.2-TI2V-5B have no place for a "
                "image's latent)."
            )
        if self.transformer.config.image_dim is not None and self.image_encoder is None:
            raise FormatError(
                "this Wan transformer looks at the image through CLIP: the folder image_encoder "
                "of its release is needed too."
            )

    @property
    def channels(self) -> int:
        """C, of a latent."""
        return self.vae.config.z_dim

    @property
    def multiple(self) -> int:
        """What both sides of a picture must be multiples of."""
        return self.vae.config.scale_factor_spatial * max(self.transformer.config.patch_size[1:])

    def network(self) -> nn.Module:
        """All weights in one module, for a host that moves them between devices."""
        networks = {"transformer": self.transformer, "vae": self.vae}
        if self.image_encoder is not None:
            networks["image_encoder"] = self.image_encoder
        if isinstance(self.text, Umt5PromptEncoder):
            networks["text_encoder"] = self.text.encoder
        return nn.ModuleDict(networks)


def encode_prompt(parts: WanParts, prompt: str) -> Tensor:
    """(1, 512, D) of a prompt on the transformer's device; zeros without a text encoder."""
    transformer = parts.transformer
    if parts.text is not None:
        return parts.text.encode(prompt).to(transformer.device, transformer.dtype)
    return torch.zeros(
        1,
        MAX_TOKENS,
        transformer.config.text_dim,
        device=transformer.device,
        dtype=transformer.dtype,
    )


def encode_image(parts: WanParts, image: Tensor) -> Tensor | None:
    """CLIP's embeddings of an image.

    The image is resized to CLIP's square without keeping its proportions, as Wan was trained;
    diffusers would crop it.

    Args:
        parts: The networks.
        image: (H, W, 3) 0..1.

    Returns:
        (1, P, D) image_embeds; None for a transformer that reads none.
    """
    transformer = parts.transformer
    if transformer.config.image_dim is None:
        return None
    encoder = parts.image_encoder
    side = encoder.config.image_size
    planes = image.permute(2, 0, 1)[None].float()
    square = functional.interpolate(planes, (side, side), mode="bicubic", align_corners=False)
    mean, deviation = (
        square.new_tensor(one).view(1, 3, 1, 1) for one in (CLIP_MEAN, CLIP_DEVIATION)
    )
    pixels = ((square - mean) / deviation).to(encoder.device, encoder.dtype)
    image_embeds = encoder(pixel_values=pixels, output_hidden_states=True).hidden_states[-2]
    return image_embeds.to(transformer.device, transformer.dtype)


def encode_first_frame(parts: WanParts, image: Tensor, frames: int, progress: Progress) -> Tensor:
    """The latent of a first frame followed by empty frames.

    Args:
        parts: Wan's networks.
        image: (H, W, 3) 0..1.
        frames: T.
        progress: Called per piece that the autoencoder finishes.

    Returns:
        (C, T', H/8, W/8) float32, normalised by the autoencoder's mean and deviation.
    """
    vae = parts.vae
    video = torch.zeros(3, frames, *image.shape[:2], device=vae.device, dtype=vae.dtype)
    video[:, 0] = image.permute(2, 0, 1).to(video) * 2 - 1
    return _encoded(parts, video, progress)


def encode_video(parts: WanParts, video: Tensor, progress: Progress = silent) -> Tensor:
    """The latent (C, T', H/8, W/8) float32 of a video (T, H, W, 3) 0..1, normalised likewise.

    Raises ValueError for a number of frames other than 4k+1.
    """
    latent_frames(len(video))
    planes = video.permute(3, 0, 1, 2).to(parts.vae.device, parts.vae.dtype)
    return _encoded(parts, planes * 2 - 1, progress)


def _encoded(parts: WanParts, planes: Tensor, progress: Progress) -> Tensor:
    """The normalised latent of planes (3, T, H, W) -1..1."""
    vae = parts.vae
    pieces = (planes.shape[1] - 1) // FRAME_STRIDE + 1
    with _stepwise(vae, vae.encoder, pieces, progress):
        latent = vae.encode(planes[None]).latent_dist.mode()[0].float()
    mean, deviation = _scale(vae, latent)
    return (latent - mean) / deviation


def decode_video(parts: WanParts, latent: Tensor, progress: Progress) -> Tensor:
    """(T, H, W, 3) float32 0..1 from a latent (C, T', H, W)."""
    vae = parts.vae
    mean, deviation = _scale(vae, latent)
    raw = (latent * deviation + mean)[None].to(vae.device, vae.dtype)
    with _stepwise(vae, vae.decoder, latent.shape[1], progress):
        video = vae.decode(raw, return_dict=False)[0]
    return (video[0].permute(1, 2, 3, 0).float() / 2 + 0.5).clamp(0, 1)


def _scale(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = (
        like.new_tensor(list(values)).view(-1, 1, 1, 1)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, deviation


@contextmanager
def _stepwise(vae: Any, half: nn.Module, total: int, progress: Progress) -> Iterator[None]:
    """Reports every piece that one half of the autoencoder finishes, and clears its cache."""
    done = 0

    def count(*_: Any) -> None:
        nonlocal done
        done += 1
        # With tiling there are more pieces than frames; their number is not known here.
        progress(min(done, total), total)

    handle = half.register_forward_hook(count)
    try:
        yield
    finally:
        handle.remove()
        vae.clear_cache()
