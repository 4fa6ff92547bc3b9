"""Layered pictures and handles for the tests of motion and drawing."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import torch

from motion_core.fields.arrays import FloatArray
from motion_core.geometry import Size
from motion_core.layers import Layer, LayeredPicture
from motion_core.layers.handles import Handles
from motion_core.tracks import Tracks, make_tracks


def smooth_picture(size: Size, seed: int = 0) -> FloatArray:
    """(H, W, 3) float32 0..1, random colours without fine detail."""
    noise = np.random.default_rng(seed).random((size.height, size.width, 3))
    smooth = scipy.ndimage.gaussian_filter(noise, (3, 3, 0), mode="reflect")
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return smooth.astype(np.float32)


def disc(size: Size, centre: tuple[float, float], radius: float, soft: float = 1.0) -> FloatArray:
    """(H, W) float32 0..1, an antialiased disc."""
    x, y = np.meshgrid(np.arange(size.width) + 0.5, np.arange(size.height) + 0.5)
    inside = radius - np.hypot(x - centre[0], y - centre[1])
    return np.clip(inside / soft + 0.5, 0, 1).astype(np.float32)


def disc_picture(size: Size) -> tuple[FloatArray, LayeredPicture]:
    """A disc over a background, and the same taken apart: track 0 lies on the disc, 1 does not."""
    alpha = disc(size, (40, 40), 14)
    colour, plate = smooth_picture(size, 1) * 0.5 + 0.5, smooth_picture(size, 2) * 0.5
    layer = Layer(alpha, colour, np.array([0]))
    filled = scipy.ndimage.binary_dilation(alpha > 0, iterations=2)
    layered = LayeredPicture((layer,), plate, filled, np.array([1]))
    return layered.composited(), layered


def paths(
    starts: list[list[float]], ends: list[list[float]], size: Size, frames: int = 5
) -> Tracks:
    """Tracks that go evenly from starts to ends, all visible."""
    part = torch.linspace(0, 1, frames).view(-1, 1, 1)
    start, end = torch.tensor(starts), torch.tensor(ends)
    xy = start + part * (end - start)
    return make_tracks(xy, size, visible=torch.ones(xy.shape[:2], dtype=torch.bool))


def even_handles(start: FloatArray, end: FloatArray, frames: int = 5) -> Handles:
    """Handles that go evenly from starts (K, 2) to ends (K, 2)."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    xy = start + np.linspace(0, 1, frames)[:, None, None] * (end - start)
    count = len(start)
    return Handles(start, xy, np.ones((frames, count), bool), np.ones(count), np.arange(count))
