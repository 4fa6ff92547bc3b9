"""Forward warping: bilinear splatting of pixels."""

from __future__ import annotations

import numpy as np
import torch

from .arrays import FloatArray


def splat(
    colours: FloatArray, at: FloatArray, weight: FloatArray, shape: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Colours distributed bilinearly over the four pixels around their target positions.

    Args:
        colours: (3, K).
        at: (2, K) x and y in pixels, corner origin.
        weight: (2, K): weight of each colour in the mean, and the part of a pixel that it covers.
        shape: (H, W).

    Returns:
        The mean colour (H, W, 3), where any arrives, and the coverage (H, W), float32.
    """
    height, width = shape
    # A ring of pixels around the frame receives what lands just outside of it.
    wide, high = width + 3, height + 3
    x = np.clip(at[0] + np.float32(0.5), 0, width + 1)
    y = np.clip(at[1] + np.float32(0.5), 0, height + 1)
    column, row = x.astype(np.int64), y.astype(np.int64)
    right, down = (x - column).astype(np.float32), (y - row).astype(np.float32)
    corner = torch.from_numpy(row * wide + column)
    rows = np.concatenate([colours * weight[:1], weight])
    values = torch.from_numpy(rows.astype(np.float32))
    sums = torch.zeros(5, high * wide)
    for step, overlap in (
        (0, (1 - right) * (1 - down)),
        (1, right * (1 - down)),
        (wide, (1 - right) * down),
        (wide + 1, right * down),
    ):
        index, part = corner + step, values * torch.from_numpy(overlap)
        for plane, value in zip(sums, part, strict=True):
            # Plane by plane is several times as fast as rows of five.
            plane.index_add_(0, index, value)
    inner = sums.view(5, high, wide)[:, 1:-2, 1:-2]
    mean = inner[:3] / inner[3].clamp(min=1e-20)
    return mean.permute(1, 2, 0).contiguous().numpy(), inner[4].contiguous().numpy()


def spreading(shift: FloatArray, most: float) -> FloatArray:
    """The factor by which a displacement stretches the area of each pixel.

    It is 1 where the motion tears, that is, differs by more than a pixel between neighbours: a hole
    belongs there.

    Args:
        shift: (H, W, 2) pixels.
        most: upper bound of the factor.

    Returns:
        (H, W) 1..most.
    """
    import cv2

    across = cv2.Sobel(shift, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
    along = cv2.Sobel(shift, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
    area = (1 + across[..., 0]) * (1 + along[..., 1]) - across[..., 1] * along[..., 0]
    torn = np.maximum(*cv2.split(np.abs(across) + np.abs(along))) > 1
    return np.where(torn, np.float32(1), np.clip(area, 1, most)).astype(np.float32)
