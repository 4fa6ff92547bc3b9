"""From pictures to what Stable Video Diffusion reads of them, and from latents to pictures."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...progress import Progress, silent

# The autoencoder halves the sides three times.
CELL_PX = 8
# How CLIP was trained to see colours.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_SPREAD = (0.26862954, 0.26130258, 0.27577711)
# Of the noise on the picture: the same for every run, so that a run's seed is its latents' alone.
_AUGMENT_SEED = 0


def picture_latents(vae: Any, image: Tensor, augment: float) -> Tensor:
    """(1, 4, h, w) float32, the mode of a picture (H, W, 3) 0..1 under some noise, not scaled."""
    parameter = next(vae.parameters())
    generator = torch.Generator("cpu").manual_seed(_AUGMENT_SEED)
    noise = torch.randn(image.shape, generator=generator)
    given = image.float().cpu() * 2.0 - 1.0 + augment * noise
    given = given.permute(2, 0, 1)[None].to(parameter.device, parameter.dtype)
    return vae.encode(given).latent_dist.mode().float()


def picture_embedding(encoder: Any, image: Tensor) -> Tensor:
    """(1, 1, D) float32, CLIP's embedding of a picture (H, W, 3) 0..1."""
    from kornia.enhance import normalize
    from kornia.geometry import resize

    parameter = next(encoder.parameters())
    side = encoder.config.image_size
    given = image.float().permute(2, 0, 1)[None].to(parameter.device)
    small = resize(given, (side, side), "bicubic", align_corners=True, antialias=True)
    seen = normalize(small, torch.tensor(_MEAN), torch.tensor(_SPREAD))
    return encoder(seen.to(parameter.dtype)).image_embeds.float()[:, None]


def decoded(vae: Any, latents: Tensor, at_once: int, progress: Progress = silent) -> Tensor:
    """(T, H, W, 3) float32 0..1 of latents (1, T, 4, h, w), `at_once` frames at a time."""
    parameter = next(vae.parameters())
    scaled = (latents[0] / vae.config.scaling_factor).to(parameter.device, parameter.dtype)
    frames = []
    for start in range(0, len(scaled), at_once):
        part = scaled[start : start + at_once]
        made = vae.decode(part, num_frames=len(part)).sample.float()
        frames.append((made * 0.5 + 0.5).clamp(0.0, 1.0).permute(0, 2, 3, 1))
        progress(start + len(part), len(scaled))
    return torch.cat(frames)
