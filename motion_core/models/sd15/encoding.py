"""Images and prompts encoded by Stable Diffusion's autoencoder and CLIP, and latents decoded."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...progress import Progress, silent

# Pixels along the side of a latent cell: the autoencoder halves the sides three times.
CELL_PX = 8


def encode_image(vae: Any, image: Tensor) -> Tensor:
    """The latent of an image: the mode of its distribution, scaled.

    Image Conductor's code draws a sample instead; the mode is the same in every run.

    Args:
        vae: The autoencoder.
        image: (H, W, 3) 0..1.

    Returns:
        (4, h, w) float32.
    """
    return encode_images(vae, image[None])[0]


def encode_images(vae: Any, images: Tensor) -> Tensor:
    """The latents (T, 4, h, w) float32 of images (T, H, W, 3) 0..1, encoded together."""
    parameter = next(vae.parameters())
    pixels = (images.float() * 2.0 - 1.0).permute(0, 3, 1, 2)
    encoded = vae.encode(pixels.to(parameter.device, parameter.dtype)).latent_dist.mode()
    return encoded.float() * vae.config.scaling_factor


def encode_prompt(tokenizer: Any, encoder: Any, prompt: str) -> Tensor:
    """CLIP's embeddings of a prompt; a longer prompt is truncated.

    Args:
        tokenizer: None is enough for an empty prompt.
        encoder: CLIP's text encoder.
        prompt: The text.

    Returns:
        (1, L, D) float32.
    """
    device = next(encoder.parameters()).device
    if tokenizer is None:
        # CLIP's last two tokens begin and end a prompt; the end token also pads it.
        config = encoder.config
        tokens = torch.full((1, config.max_position_embeddings), config.vocab_size - 1)
        tokens[0, 0] -= 1
    else:
        tokens = tokenizer(
            [prompt],
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
    return encoder(tokens.to(device))[0].float()


def decode_video(vae: Any, latents: Tensor, at_once: int, progress: Progress = silent) -> Tensor:
    """Decode latents frame by frame.

    Args:
        vae: AutoencoderKL.
        latents: (1, 4, T, h, w).
        at_once: Frames that are decoded together.
        progress: Called per group of frames.

    Returns:
        (T, H, W, 3) float32 0..1.
    """
    parameter = next(vae.parameters())
    scaled = (latents[0] / vae.config.scaling_factor).transpose(0, 1)
    scaled = scaled.to(parameter.device, parameter.dtype)
    frames = []
    for start in range(0, len(scaled), at_once):
        decoded = vae.decode(scaled[start : start + at_once]).sample.float()
        frames.append((decoded * 0.5 + 0.5).clamp(0.0, 1.0).permute(0, 2, 3, 1))
        progress(min(start + at_once, len(scaled)), len(scaled))
    return torch.cat(frames)
