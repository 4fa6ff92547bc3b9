"""The part of the picture that moving tracks touch."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..tracks.model import Tracks
from ..tracks.start import track_starts

STILL_PX = 0.5


def touched_area(tracks: Tracks, radius_px: float) -> Tensor:
    """Every pixel within a radius of a visible position of a moving point, at any frame.

    Points that stay within half a pixel of their first visible position do not count. Distances are
    between centres of pixels.

    Args:
        tracks: (T, N).
        radius_px: Pixels, 0 or more.

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
    return _dilated(touched, radius_px)


def _dilated(touched: Tensor, radius: float) -> Tensor:
    """Every pixel whose centre is within a radius of a touched one, row by row of a disc."""
    height, width = touched.shape
    result = torch.zeros_like(touched)
    rows = touched[None].float()
    for step in range(math.floor(radius) + 1):
        if step >= height:
            break
        reach = min(math.isqrt(math.floor(radius * radius) - step * step), width)
        pool = torch.nn.functional.max_pool1d(rows, 2 * reach + 1, stride=1, padding=reach)
        wide = pool[0] > 0
        result[step:] |= wide[: height - step]
        result[: height - step] |= wide[step:]
    return result
