"""Seeded latents and tracks for the tests of Wan."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

GRID = Size(7, 5)


def walking(
    seed: int, frames: int = 9, points: int = 11, grid: Size = GRID, channels: int = 3
) -> tuple[Tensor, Tracks]:
    """A latent (C, T', H, W) in float64 and tracks that all start visible and walk about.

    The recorded numbers of parity.json were made from exactly these.
    """
    draw = np.random.default_rng(seed)
    latent = draw.random((channels, (frames - 1) // 4 + 1, grid.height, grid.width)) * 4 - 2
    size = np.array([grid.width * 8.0, grid.height * 8.0])
    start = draw.random((1, points, 2)) * size
    xy = start + np.cumsum((draw.random((frames, points, 2)) - 0.5) * 6, 0)
    xy = xy.astype(np.float32)
    xy[0] = np.clip(xy[0], 0.25, size - 0.25)
    visible = draw.random((frames, points)) > 0.25
    visible[0] = True
    canvas = Size(grid.width * 8, grid.height * 8)
    return torch.tensor(latent), make_tracks(
        torch.tensor(xy), canvas, visible=torch.tensor(visible)
    )
