"""The networks a Wan image-to-video run needs, and what each of them is asked."""

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
from ...progress import Progress
from .latents import FRAME_STRIDE

WORDS = 512
# Of the pictures that CLIP was trained on.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_DEVIATION = (0.26862954, 0.26130258, 0.27577711)


class WanText(Protocol):
    """Reads a prompt."""

    def encode(self, prompt: str) -> Tensor:
        """(1, 512, D) features of the words."""
        ...


class Umt5Text:
    """Wan's own reader: UMT5, 512 places, zero behind the last word."""

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        self.encoder, self.tokenizer = encoder, tokenizer

    def encode(self, prompt: str) -> Tensor:
        """(1, 512, D); a longer prompt is cut."""
        told = self.tokenizer(
            [" ".join(html.unescape(prompt).split())],
            padding="max_length",
            max_length=WORDS,
            truncation=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        mask = told.attention_mask.to(self.encoder.device)
        read = self.encoder(told.input_ids.to(self.encoder.device), mask).last_hidden_state
        return read * mask[..., None].to(read.dtype)


@dataclass(frozen=True, eq=False)
class WanParts:
    """The networks of diffusers' WanImageToVideoPipeline.

    transformer: WanTransformer3DModel that reads mask and picture beside the noise. vae:
    AutoencoderKLWan. scheduler: the released one, whose settings every run takes. text: None for
    a run without words. image_encoder: CLIPVisionModel, for transformers that want one.
    Raises FormatError when they do not belong together.
    """

    transformer: Any
    vae: Any
    scheduler: Any
    text: WanText | None = None
    image_encoder: Any = None

    def __post_init__(self) -> None:
        reads, channels = self.transformer.config.in_channels, self.channels
        if reads != 2 * channels + FRAME_STRIDE:
            raise FormatError(
                f"this Wan transformer reads {reads} channels, but image-to-video reads noise, "
                f"mask and picture: {2 * channels + FRAME_STRIDE}. Take an image-to-video model "
                "such as Wan2.1-I2V-14B (text-to-video and Wan2.2-TI2V-5B have no place for a "
                "picture's latent)."
            )
        if self.transformer.config.image_dim is not None and self.image_encoder is None:
            raise FormatError(
                "this Wan transformer looks at the picture through CLIP: the folder image_encoder "
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
        held = {"transformer": self.transformer, "vae": self.vae}
        if self.image_encoder is not None:
            held["image_encoder"] = self.image_encoder
        if isinstance(self.text, Umt5Text):
            held["text_encoder"] = self.text.encoder
        return nn.ModuleDict(held)


def words(parts: WanParts, prompt: str) -> Tensor:
    """(1, 512, D) of a prompt on the transformer's device; zeros where nothing reads."""
    transformer = parts.transformer
    if parts.text is not None:
        return parts.text.encode(prompt).to(transformer.device, transformer.dtype)
    return torch.zeros(
        1,
        WORDS,
        transformer.config.text_dim,
        device=transformer.device,
        dtype=transformer.dtype,
    )


def seen(parts: WanParts, image: Tensor) -> Tensor | None:
    """(1, P, D) CLIP's features of a picture (H, W, 3) 0..1, or None when nobody asks for them.

    The picture is squeezed to CLIP's square, as Wan was trained; diffusers would crop it.
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
    found = encoder(pixel_values=pixels, output_hidden_states=True).hidden_states[-2]
    return found.to(transformer.device, transformer.dtype)


def picture_latent(parts: WanParts, image: Tensor, frames: int, progress: Progress) -> Tensor:
    """(C, T', H, W) float32: the latent of a picture (H, W, 3) 0..1 before empty frames."""
    vae = parts.vae
    video = torch.zeros(1, 3, frames, *image.shape[:2], device=vae.device, dtype=vae.dtype)
    video[0, :, 0] = image.permute(2, 0, 1).to(video) * 2 - 1
    pieces = (frames - 1) // FRAME_STRIDE + 1
    with _stepwise(vae, vae.encoder, pieces, progress):
        latent = vae.encode(video).latent_dist.mode()[0].float()
    mean, deviation = _scale(vae, latent)
    return (latent - mean) / deviation


def film(parts: WanParts, latent: Tensor, progress: Progress) -> Tensor:
    """(T, H, W, 3) float32 0..1, the video of a latent (C, T', H, W)."""
    vae = parts.vae
    mean, deviation = _scale(vae, latent)
    raw = (latent * deviation + mean)[None].to(vae.device, vae.dtype)
    with _stepwise(vae, vae.decoder, latent.shape[1], progress):
        video = vae.decode(raw, return_dict=False)[0]
    return (video[0].permute(1, 2, 3, 0).float() / 2 + 0.5).clamp(0, 1)


def _scale(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = (
        like.new_tensor(list(told)).view(-1, 1, 1, 1)
        for told in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, deviation


@contextmanager
def _stepwise(vae: Any, half: nn.Module, total: int, progress: Progress) -> Iterator[None]:
    """Tells of every piece that one half of the autoencoder finishes, and leaves no cache."""
    done = 0

    def count(*_: Any) -> None:
        nonlocal done
        done += 1
        # Tiles come on top of frames; how many is the autoencoder's own affair.
        progress(min(done, total), total)

    handle = half.register_forward_hook(count)
    try:
        yield
    finally:
        handle.remove()
        vae.clear_cache()
