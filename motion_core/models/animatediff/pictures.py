"""From pictures and words to what AnimateDiff reads, and from its latents to pictures."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...progress import Progress, silent


def picture_latents(vae: Any, image: Tensor) -> Tensor:
    """(4, h, w) float32, the scaled mode of a picture (H, W, 3) 0..1.

    The released code draws a sample instead; the mode is the same at every run.
    """
    parameter = next(vae.parameters())
    given = (image.float() * 2.0 - 1.0).permute(2, 0, 1)[None]
    encoded = vae.encode(given.to(parameter.device, parameter.dtype)).latent_dist.mode()
    return encoded[0].float() * vae.config.scaling_factor


def first_frame(latents: Tensor, frames: int) -> Tensor:
    """(T, 5, h, w): the picture's latents (4, h, w) in frame 0 and nothing after it, and a last
    channel that says so."""
    given = torch.cat([latents, torch.ones_like(latents[:1])])
    condition = given.new_zeros(frames, *given.shape)
    condition[0] = given
    return condition


def words_of(tokenizer: Any, encoder: Any, text: str) -> Tensor:
    """(1, L, D) float32, CLIP's reading of a prompt; what is too long for it is cut off.

    tokenizer: None will do for no words at all.
    """
    device = next(encoder.parameters()).device
    if tokenizer is None:
        # CLIP's last two tokens begin and end a prompt; the end is repeated to fill it up.
        told = encoder.config
        tokens = torch.full((1, told.max_position_embeddings), told.vocab_size - 1)
        tokens[0, 0] -= 1
    else:
        tokens = tokenizer(
            [text],
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
    return encoder(tokens.to(device))[0].float()


def decoded(vae: Any, latents: Tensor, at_once: int, progress: Progress = silent) -> Tensor:
    """(T, H, W, 3) float32 0..1 of latents (1, 4, T, h, w), `at_once` frames at a time."""
    parameter = next(vae.parameters())
    scaled = (latents[0] / vae.config.scaling_factor).transpose(0, 1)
    scaled = scaled.to(parameter.device, parameter.dtype)
    frames = []
    for start in range(0, len(scaled), at_once):
        made = vae.decode(scaled[start : start + at_once]).sample.float()
        frames.append((made * 0.5 + 0.5).clamp(0.0, 1.0).permute(0, 2, 3, 1))
        progress(min(start + at_once, len(scaled)), len(scaled))
    return torch.cat(frames)
