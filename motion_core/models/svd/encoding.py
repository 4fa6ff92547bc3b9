"""Images encoded by Stable Video Diffusion's autoencoder and CLIP, and latents decoded."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...progress import Progress, silent

# Pixels along the side of a latent cell: the autoencoder halves the sides three times.
CELL_PX = 8
# Of the images that CLIP was trained on.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
# Of the noise on the image. The same for every run: the run's seed concerns the latents only.
_AUGMENT_SEED = 0


def encode_image(vae: Any, image: Tensor, augment: float) -> Tensor:
    """The latent of an image with noise: the mode of its distribution, not scaled.

    Args:
        vae: The autoencoder.
        image: (H, W, 3) 0..1.
        augment: Standard deviation of the noise, in units of the range -1..1.

    Returns:
        (1, 4, h, w) float32.
    """
    parameter = next(vae.parameters())
    generator = torch.Generator("cpu").manual_seed(_AUGMENT_SEED)
    noise = torch.randn(image.shape, generator=generator)
    pixels = image.float().cpu() * 2.0 - 1.0 + augment * noise
    pixels = pixels.permute(2, 0, 1)[None].to(parameter.device, parameter.dtype)
    return vae.encode(pixels).latent_dist.mode().float()


def encode_image_clip(encoder: Any, image: Tensor) -> Tensor:
    """(1, 1, D) float32, CLIP's embedding of an image (H, W, 3) 0..1."""
    from kornia.enhance import normalize
    from kornia.geometry import resize

    parameter = next(encoder.parameters())
    side = encoder.config.image_size
    pixels = image.float().permute(2, 0, 1)[None].to(parameter.device)
    small = resize(pixels, (side, side), "bicubic", align_corners=True, antialias=True)
    normalized = normalize(small, torch.tensor(_MEAN), torch.tensor(_DEVIATION))
    return encoder(normalized.to(parameter.dtype)).image_embeds.float()[:, None]


def decode_video(vae: Any, latents: Tensor, at_once: int, progress: Progress = silent) -> Tensor:
    """Decode latents in groups of frames.

    Args:
        vae: AutoencoderKLTemporalDecoder.
        latents: (1, T, 4, h, w).
        at_once: Frames that are decoded together.
        progress: Called per group of frames.

    Returns:
        (T, H, W, 3) float32 0..1.
    """
    parameter = next(vae.parameters())
    scaled = (latents[0] / vae.config.scaling_factor).to(parameter.device, parameter.dtype)
    frames = []
    for start in range(0, len(scaled), at_once):
        part = scaled[start : start + at_once]
        decoded = vae.decode(part, num_frames=len(part)).sample.float()
        frames.append((decoded * 0.5 + 0.5).clamp(0.0, 1.0).permute(0, 2, 3, 1))
        progress(start + len(part), len(scaled))
    return torch.cat(frames)
