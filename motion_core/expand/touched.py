"""The part of the picture that moving tracks touch."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ..progress import Progress, silent
from ..tracks.model import Tracks
from ..tracks.start import track_starts

STILL_PX = 0.5
# Side of the tiles in which distances are measured: one takes a few hundredths of a second.
TILE = 1024
# Distances are float32 roots of whole numbers.
ROUNDING = 1e-5


def touched_area(tracks: Tracks, radius_px: float, *, progress: Progress = silent) -> Tensor:
    """Every pixel within a radius of a visible position of a moving point, at any frame.

    Points that stay within half a pixel of their first visible position do not count. Distances are
    between centres of pixels.

    Args:
        tracks: (T, N).
        radius_px: Pixels, 0 or more.
        progress: Called with (tiles of the picture done, all of them).

    Returns:
        (H, W) bool.

    Raises:
        ValueError: The radius is negative.
    """
    if not radius_px >= 0:
        raise ValueError(f"radius_px must be 0 or more pixels; got {radius_px}.")
    width, height = tracks.size
    touched = torch.zeros(height, width, dtype=torch.bool)
    if not tracks.num_points:
        return touched
    xy, visible = tracks.xy.cpu(), tracks.visible.cpu()
    moves = (((xy - track_starts(tracks).xy.cpu()).norm(dim=-1) > STILL_PX) & visible).any(dim=0)
    x, y = xy[visible & moves].floor().long().unbind(dim=-1)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    touched[y[inside], x[inside]] = True
    return _dilated(touched, radius_px, progress)


def _dilated(touched: Tensor, radius: float, progress: Progress) -> Tensor:
    """Every pixel whose centre is within a radius of a touched one, tile by tile."""
    import cv2

    height, width = touched.shape
    source, result = touched.numpy(), np.zeros((height, width), dtype=bool)
    border = math.ceil(min(radius, height + width))
    corners = [(top, left) for top in range(0, height, TILE) for left in range(0, width, TILE)]
    for done, (top, left) in enumerate(corners, start=1):
        above, before = max(top - border, 0), max(left - border, 0)
        around = source[above : top + TILE + border, before : left + TILE + border]
        if around.any():
            away = cv2.distanceTransform(
                (~around).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
            )
            near = away <= radius * (1 + ROUNDING)
            tile = near[top - above :, left - before :][:TILE, :TILE]
            result[top : top + TILE, left : left + TILE] = tile
        progress(done, len(corners))
    return torch.from_numpy(result)
