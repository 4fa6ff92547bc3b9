"""Synthetic pans of a still image: videos that differ in their motion only."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...geometry import Size
from ...tracks.model import Tracks, make_tracks
from ...tracks.seeding import grid_points

# Of the short side per frame: 10 pixels of 512, as the paper's pans.
SPEED_FRAC = 10 / 512
# Direction of the content. The first rests: its features depend on the frame number only.
WAYS = {"still": (0, 0), "right": (1, 0), "left": (-1, 0), "down": (0, 1), "up": (0, -1)}
OCTAVES = 5
POINTS_A_SIDE = 6


def still(size: Size, seed: int) -> Tensor:
    """(H, W, 3) float 0..1: noise in colours at several scales."""
    generator = torch.Generator().manual_seed(seed)
    shape = (size.height, size.width)
    total = torch.zeros(1, 3, *shape)
    for octave in range(OCTAVES):
        cells = 3 * 2**octave
        coarse = torch.rand(1, 3, cells, cells, generator=generator) - 0.5
        finer = functional.interpolate(coarse, shape, mode="bicubic", align_corners=False)
        total = total + finer * 0.75**octave
    return (0.5 + 0.5 * total[0]).clamp(0, 1).permute(1, 2, 0)


def pan(picture: Tensor, way: tuple[int, int], frames: int) -> tuple[Tensor, Tracks]:
    """A pan over an image at SPEED_FRAC.

    The image is continued by its mirror image. Frame 0 is the image itself.

    Args:
        picture: (H, W, 3) float 0..1.
        way: Direction (right, down) of the content, see WAYS.
        frames: T.

    Returns:
        A video (T, H, W, 3), and tracks of its points.
    """
    height, width = picture.shape[:2]
    step = torch.tensor([float(way[0]), float(way[1])]) * SPEED_FRAC * min(height, width)
    moved = torch.arange(frames)[:, None] * step
    shift = -2.0 * moved / torch.tensor([float(width), float(height)])
    eye = torch.eye(2).expand(frames, 2, 2)
    where = functional.affine_grid(
        torch.cat([eye, shift[:, :, None]], dim=2), [frames, 3, height, width], align_corners=False
    )
    source = picture.float().permute(2, 0, 1).expand(frames, -1, -1, -1)
    video = functional.grid_sample(
        source, where, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    size = Size(width, height)
    start = grid_points(size, min(size) / POINTS_A_SIDE)
    return video.permute(0, 2, 3, 1).clamp(0, 1), _inside(start + moved[:, None], size)


def _inside(xy: Tensor, size: Size) -> Tracks:
    """Tracks that are visible on the canvas."""
    limits = torch.tensor([float(size.width), float(size.height)])
    return make_tracks(xy, size, visible=((xy >= 0) & (xy < limits)).all(dim=-1))
