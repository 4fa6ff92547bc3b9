"""Pictures of a disc over a striped background, and tracks that drag it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from motion_core.geometry import Size
from motion_core.tracks import Tracks, make_tracks

SIZE = Size(160, 120)
CENTRE, RADIUS = (70.0, 60.0), 28.0
FRAMES = 5

Array = NDArray[np.float32]


def disc_alpha(size: Size = SIZE, centre=CENTRE, radius: float = RADIUS, hole: float = 0) -> Array:
    """(H, W) exact coverage of a disc, to a fraction of a pixel, with a round hole."""
    x, y = np.meshgrid(np.arange(size.width) + 0.5, np.arange(size.height) + 0.5)
    far = np.hypot(x - centre[0], y - centre[1])
    alpha = np.clip(radius - far + 0.5, 0, 1)
    if hole:
        alpha *= np.clip(far - hole + 0.5, 0, 1)
    return alpha.astype(np.float32)


def background(size: Size = SIZE) -> Array:
    """(H, W, 3) a soft bluish pattern."""
    x, y = np.meshgrid(np.arange(size.width) + 0.5, np.arange(size.height) + 0.5)
    wave = 0.06 * np.sin(x / 5) + 0.05 * np.cos(y / 7)
    return np.stack([0.25 + wave, 0.4 + wave, 0.55 + wave], -1).astype(np.float32)


def disc_picture(*alphas: Array, colour=(0.85, 0.35, 0.15)) -> torch.Tensor:
    """(H, W, 3): orange discs over the background."""
    alphas = alphas or (disc_alpha(),)
    height, width = alphas[0].shape
    picture = background(Size(width, height))
    for alpha in alphas:
        picture = picture + alpha[..., None] * (np.array(colour, np.float32) - picture)
    return torch.from_numpy(picture)


def tracks_of(
    dragged: list[tuple[float, float]],
    pinned: list[tuple[float, float]] | None = None,
    by: tuple[float, float] | list[tuple[float, float]] = (30.0, 0.0),
    size: Size = SIZE,
) -> Tracks:
    """Points that move evenly by a displacement, or by one each, and points that rest."""
    pinned = [(8, 8), (150, 8), (8, 110), (150, 110)] if pinned is None else pinned
    start = np.array([*dragged, *pinned], np.float32).reshape(-1, 2)
    shift = np.zeros_like(start)
    shift[: len(dragged)] = by
    part = np.linspace(0, 1, FRAMES, dtype=np.float32)[:, None, None]
    return make_tracks(torch.from_numpy(start + part * shift), size)


def group(centre=CENTRE, step: float = 8.0) -> list[tuple[float, float]]:
    """Three by three points around a place."""
    return [(centre[0] + i * step, centre[1] + j * step) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def overlap(alpha: Array, wanted: Array) -> float:
    """Intersection over union of two masks, thresholded at one half."""
    first, second = alpha > 0.5, wanted > 0.5
    return float((first & second).sum() / max((first | second).sum(), 1))
