"""Grey images of depth."""

from __future__ import annotations

import torch
from torch import Tensor

from ..progress import Progress, silent
from .depth_map import DepthMap

# Pixels of all frames of which the percentiles are taken.
SAMPLES = 100_000


def draw_depth(depth: DepthMap) -> Tensor:
    """(H, W, 3) float32 0..1: draw_depth_video of one frame."""
    return draw_depth_video(depth.z[None], depth.valid[None])[0]


def draw_depth_video(z: Tensor, valid: Tensor, progress: Progress = silent) -> Tensor:
    """Grey linear in 1 / depth, near is white, invalid pixels are black.

    The whole clip is stretched between the 1st and the 99th percentile of its inverse depth, so
    that a surface keeps its grey while the camera moves. Depth that is the same everywhere is grey.

    Args:
        z: (T, H, W) depths, above 0 where valid.
        valid: (T, H, W) bool.
        progress: Called per frame; it may raise to stop.

    Returns:
        (T, H, W, 3) float32 0..1; black without any valid pixel.
    """
    if not bool(valid.any()):
        return torch.zeros(*z.shape, 3, device=z.device)
    low, high = _range_of_inverse(z, valid)
    is_flat = high - low <= 1e-4 * high
    drawn = torch.zeros(z.shape, device=z.device)
    for frame, (depth, known) in enumerate(zip(z, valid, strict=True)):
        # The farthest depth is not black: black means that there is no depth.
        grey = 0.15 + 0.85 * ((1.0 / depth - low) / (high - low)).clamp(0.0, 1.0)
        grey = torch.full_like(grey, 0.6) if is_flat else grey
        drawn[frame] = torch.where(known, grey, torch.zeros_like(grey))
        progress(frame + 1, len(z))
    return drawn[..., None].expand(*z.shape, 3)


def _range_of_inverse(z: Tensor, valid: Tensor) -> tuple[float, float]:
    """The 1st and the 99th percentile of 1 / z over about SAMPLES valid pixels of all frames."""
    step = max(1, int(valid.sum()) // SAMPLES)
    # A copy of the few: a view would keep all values of its frame.
    few = [depth[known][::step].clone() for depth, known in zip(z, valid, strict=True)]
    sample = 1.0 / torch.cat(few)
    low, high = (float(torch.quantile(sample, level)) for level in (0.01, 0.99))
    return low, high
