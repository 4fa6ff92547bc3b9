"""What Wan is trained on: straight paths from noise to a clip (flow matching)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...errors import ShapeError

TIMESTEPS = 1000


def flow_loss(
    transformer: Any,
    clean: Tensor,
    given: Tensor,
    words: Tensor,
    generator: torch.Generator,
    flow_shift: float = 3.0,
) -> Tensor:
    """Mean squared error of the velocity noise - clean at random places of the path.

    clean: (B, C, T', H, W) latents of true clips. given: (B, 4 + C, T', H, W), mask and picture.
    words: (B, L, D). generator: of noise and places, on the CPU. flow_shift: s in
    sigma' = s sigma / (1 + (s - 1) sigma), how much of the training sees strong noise.
    To train a control, call it inside WanControl.attached with the base frozen.
    Raises ShapeError when the three do not belong to one batch.
    """
    if given.shape[:1] + given.shape[2:] != clean.shape[:1] + clean.shape[2:]:
        raise ShapeError(
            f"clean {tuple(clean.shape)} and given {tuple(given.shape)} must share all but their "
            "channels."
        )
    even = torch.rand(len(clean), generator=generator).to(clean)
    sigma = (flow_shift * even / (1 + (flow_shift - 1) * even)).view(-1, 1, 1, 1, 1)
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    noisy = (1 - sigma) * clean + sigma * noise
    velocity = transformer(
        hidden_states=torch.cat([noisy, given], 1),
        timestep=sigma.flatten() * TIMESTEPS,
        encoder_hidden_states=words,
        return_dict=False,
    )[0]
    return (velocity - (noise - clean)).square().mean()
