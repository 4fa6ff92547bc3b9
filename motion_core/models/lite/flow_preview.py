"""A picture of motion, for previews during sampling."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

# The long side of the preview in pixels, and the weight of the photograph in it.
SIDE, GREY_SHARE = 256, 0.45


def flow_to_rgb(image: Tensor, displacement: Tensor) -> Tensor:
    """Motion as colours: the hue shows the direction, the saturation the distance.

    Args:
        image: (H, W, 3) float 0..1, shown in grey below the colours.
        displacement: (G, G, 2) pixels. The largest has the strongest colour.

    Returns:
        (h, w, 3) float 0..1 on the CPU.
    """
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    planes = image.detach().cpu().float().permute(2, 0, 1)[None]
    small = functional.interpolate(planes, size, mode="bilinear", antialias=True)
    grey = small[0].mean(dim=0)[..., None] * GREY_SHARE
    field = displacement.detach().cpu().permute(2, 0, 1)[None]
    field = functional.interpolate(field, size, mode="bilinear", align_corners=False)[0]
    length = field.norm(dim=0)
    share = length / length.max().clamp(min=1e-6)
    # Red, green and blue peak at directions a third of a turn apart.
    angle = torch.atan2(field[1], field[0])[..., None]
    third = angle.new_tensor([0.0, 1.0, 2.0]) * (2 * math.pi / 3)
    colour = (0.5 + 0.5 * torch.cos(angle - third)) * share[..., None]
    return (grey + (1 - GREY_SHARE) * colour).clamp(0, 1)
