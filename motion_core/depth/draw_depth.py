"""A grey picture of a depth map."""

from __future__ import annotations

import torch
from torch import Tensor

from .depth_map import DepthMap


def draw_depth(depth: DepthMap) -> Tensor:
    """(H, W, 3) float32 0..1: grey linear in 1 / depth, near is white, invalid pixels are black.

    Stretched between the 1st and the 99th percentile; depth that is the same everywhere is grey.
    """
    inverse = torch.where(depth.valid, 1.0 / depth.z, torch.zeros_like(depth.z))
    sample = inverse[depth.valid]
    sample = sample[:: max(1, sample.numel() // 100_000)]
    low, high = (float(torch.quantile(sample, level)) for level in (0.01, 0.99))
    # The farthest depth is not black: black means that there is no depth.
    grey = 0.15 + 0.85 * ((inverse - low) / (high - low)).clamp(0.0, 1.0)
    flat = high - low <= 1e-4 * high
    grey = torch.full_like(grey, 0.6) if flat else grey
    return torch.where(depth.valid, grey, torch.zeros_like(grey))[..., None].expand(-1, -1, 3)
