"""The flow-matching loss of Wan: the velocity along straight paths from noise to a video."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...errors import ShapeError

TIMESTEPS = 1000


def flow_matching_loss(
    transformer: Any,
    clean: Tensor,
    condition_latents: Tensor,
    prompt_embeds: Tensor,
    generator: torch.Generator,
    flow_shift: float = 3.0,
) -> Tensor:
    """Mean squared error of the predicted velocity noise - clean at random noise levels.

    To train a control, call it inside WanTrackControlNet.attached with the base frozen.

    Args:
        transformer: diffusers' WanTransformer3DModel.
        clean: (B, C, T', H, W) latents of true videos.
        condition_latents: (B, 4 + C, T', H, W) mask and image latents.
        prompt_embeds: (B, L, D).
        generator: Of noise levels and noise, on the CPU.
        flow_shift: s in sigma' = s sigma / (1 + (s - 1) sigma); a larger one trains on more noise.

    Raises:
        ShapeError: clean and condition_latents differ in more than their channels.
    """
    uniform = torch.rand(len(clean), generator=generator).to(clean)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    sigma = shifted(uniform, flow_shift)
    errors = velocity_errors(transformer, clean, condition_latents, prompt_embeds, noise, sigma)
    return errors.mean()


def shifted(level: Tensor, flow_shift: float) -> Tensor:
    """sigma' = s sigma / (1 + (s - 1) sigma) of levels 0..1."""
    return flow_shift * level / (1 + (flow_shift - 1) * level)


def velocity_errors(
    transformer: Any,
    clean: Tensor,
    condition_latents: Tensor,
    prompt_embeds: Tensor,
    noise: Tensor,
    sigma: Tensor,
    image_embeds: Tensor | None = None,
) -> Tensor:
    """(B,) float32, mean squared error of the predicted velocity noise - clean of each clip.

    Args:
        transformer: diffusers' WanTransformer3DModel.
        clean, noise: (B, C, T', H, W).
        condition_latents: (B, 4 + C, T', H, W) mask and image latents.
        prompt_embeds: (B, L, D).
        sigma: (B,) 0..1, the share of noise.
        image_embeds: (B, P, D) of CLIP, for a transformer that reads them.

    Raises:
        ShapeError: clean and condition_latents differ in more than their channels.
    """
    shape, condition_shape = clean.shape, condition_latents.shape
    if condition_shape[:1] + condition_shape[2:] != shape[:1] + shape[2:]:
        raise ShapeError(
            f"clean {tuple(shape)} and condition_latents {tuple(condition_shape)} must share all "
            "but their channels."
        )
    share = sigma.view(-1, 1, 1, 1, 1)
    noisy = (1 - share) * clean + share * noise
    more = {} if image_embeds is None else {"encoder_hidden_states_image": image_embeds}
    velocity = transformer(
        hidden_states=torch.cat([noisy, condition_latents], 1).to(prompt_embeds),
        timestep=sigma * TIMESTEPS,
        encoder_hidden_states=prompt_embeds,
        return_dict=False,
        **more,
    )[0]
    return (velocity.float() - (noise - clean)).square().flatten(1).mean(1)
