"""Grey images of depth."""

from __future__ import annotations

import torch
from torch import Tensor

from .depth_map import DepthMap


def draw_depth(depth: DepthMap) -> Tensor:
    """(H, W, 3) float32 0..1: draw_depth_video of one frame."""
    return draw_depth_video(depth.z[None], depth.valid[None])[0]


def draw_depth_video(z: Tensor, valid: Tensor) -> Tensor:
    """Grey linear in 1 / depth, near is white, invalid pixels are black.

    The whole clip is stretched between the 1st and the 99th percentile of its inverse depth, so
    that a surface keeps its grey while the camera moves. Depth that is the same everywhere is grey.

    Args:
        z: (T, H, W) depths, above 0 where valid.
        valid: (T, H, W) bool.

    Returns:
        (T, H, W, 3) float32 0..1; black without any valid pixel.
    """
    if not bool(valid.any()):
        return torch.zeros(*z.shape, 3, device=z.device)
    inverse = torch.where(valid, 1.0 / z, torch.zeros_like(z))
    sample = inverse[valid]
    sample = sample[:: max(1, sample.numel() // 100_000)]
    low, high = (float(torch.quantile(sample, level)) for level in (0.01, 0.99))
    # The farthest depth is not black: black means that there is no depth.
    grey = 0.15 + 0.85 * ((inverse - low) / (high - low)).clamp(0.0, 1.0)
    flat = high - low <= 1e-4 * high
    grey = torch.full_like(grey, 0.6) if flat else grey
    return torch.where(valid, grey, torch.zeros_like(grey))[..., None].expand(*z.shape, 3)
