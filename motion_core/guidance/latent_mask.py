"""Masks of a clip on the grid of its latents, and masks around tracks.

Video VAEs compress time causally: latent frame 0 is the first picture alone, every later latent
frame covers as many pictures as the VAE's time stride. A mask on the latent grid is the mean of the
mask over the pixels and pictures that a latent covers, so edges stay soft where a latent is partly
covered.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import ShapeError
from ..geometry import Size
from ..progress import Progress, silent
from ..tracks.model import Tracks

# Rows of discs that are drawn at once, and pixels of a mask: 2 GiB.
MAX_RUNS, MAX_PIXELS = 1 << 20, 1 << 29


def causal_groups(latent_frames: int, time_stride: int) -> tuple[int, ...]:
    """How many pictures each latent frame covers: 1, then the time stride.

    Args:
        latent_frames: T of the latents, at least 1.
        time_stride: Pictures per latent frame after the first; 1 without compression in time.

    Raises:
        ValueError: A value below 1.
    """
    if latent_frames < 1 or time_stride < 1:
        raise ValueError(
            f"latents need at least one frame and a time stride of 1; got {latent_frames} frames, "
            f"stride {time_stride}."
        )
    return (1, *[time_stride] * (latent_frames - 1))


def mask_on_latents(mask: Tensor, groups: Sequence[int], height: int, width: int) -> Tensor:
    """(T, h, w) float32 0..1, the share of each latent's pixels and pictures that a mask covers.

    Args:
        mask: (F, H, W) with one mask per picture, or (1, H, W) or (H, W) for all; 0..1.
        groups: How many pictures each latent frame covers, in order; see causal_groups.
        height, width: h and w of the latents, at most H and W.

    Raises:
        ShapeError: The mask has other axes, or is smaller than the latents.
        ValueError: Another number of masks than pictures, or values that are not finite.
    """
    frames = mask[None] if mask.ndim == 2 else mask
    if frames.ndim != 3 or frames.shape[1] < height or frames.shape[2] < width:
        raise ShapeError(
            f"a mask must be (frames, height, width) and at least {height}x{width}, the size of "
            f"the latents; got {tuple(mask.shape)}."
        )
    pictures = sum(groups)
    if len(frames) not in (1, pictures):
        raise ValueError(
            f"the mask has {len(frames)} frames, the reference {pictures}. Connect one mask, or "
            "one for each frame."
        )
    frames = frames.float()
    if not bool(torch.isfinite(frames).all()):
        raise ValueError("the mask holds NaN or infinite values; expected numbers from 0 to 1.")
    small = functional.adaptive_avg_pool2d(frames.clamp(0.0, 1.0)[:, None], (height, width))[:, 0]
    if len(small) == 1:
        return small.expand(len(groups), -1, -1).clone()
    return torch.stack([group.mean(0) for group in small.split(list(groups))])


def feathered(mask: Tensor, radius_px: float, progress: Progress = silent) -> Tensor:
    """A mask whose edge falls off smoothly on both sides; 0..1, same shape.

    Args:
        mask: (F, H, W), 0..1.
        radius_px: Distance from the edge at which the mask has fallen to 0 or risen to 1, in pixels
            of the mask; a Gaussian whose standard deviation is half of it. 0 leaves the mask as it
            is.
        progress: Called twice per frame; it may raise to stop.

    Raises:
        ValueError: A negative or infinite radius.
    """
    if not 0.0 <= radius_px < float("inf"):
        raise ValueError(f"a feather is a number of pixels, at least 0; got {radius_px}.")
    if radius_px == 0.0:
        return mask
    reach = int(radius_px * 1.5) + 1
    offsets = torch.arange(-reach, reach + 1, device=mask.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (offsets / (radius_px / 2.0)) ** 2)
    kernel = kernel / kernel.sum()
    soft = mask.float()[:, None].clone()
    for number, frame in enumerate(soft.split(1)):
        blurred = frame
        for axis, (shape, pad) in enumerate(
            (((1, 1, 1, -1), (reach, reach, 0, 0)), ((1, 1, -1, 1), (0, 0, reach, reach)))
        ):
            padded = functional.pad(blurred, pad, mode="replicate")
            blurred = functional.conv2d(padded, kernel.reshape(shape))
            progress(2 * number + axis + 1, 2 * len(soft))
        frame.copy_(blurred)
    return soft[:, 0].clamp(0.0, 1.0)


def track_mask(
    tracks: Tracks, radius_px: float, *, which: str = "moving", progress: Progress = silent
) -> Tensor:
    """(T, H, W) float32, 1 within a radius of the visible points of each frame.

    Args:
        tracks: The tracks; the mask has the size of their canvas.
        radius_px: Radius of the disc around every point, in pixels, at least 0.5.
        which: "moving" for points that move by more than one pixel over the clip, "still" for the
            others (pins, a pinned background), "all".
        progress: Called per frame; it may raise to stop.

    Raises:
        ValueError: A radius below 0.5, another word, or a mask of more than MAX_PIXELS.
    """
    if not 0.5 <= radius_px < float("inf"):
        raise ValueError(f"the radius must be at least 0.5 pixels; got {radius_px}.")
    if which not in ("moving", "still", "all"):
        raise ValueError(f"tracks are chosen by moving, still or all; got {which!r}.")
    if tracks.num_frames * tracks.size.width * tracks.size.height > MAX_PIXELS:
        raise ValueError(
            f"a mask of {tracks.num_frames} frames of {tracks.size} is larger than {MAX_PIXELS:,} "
            "pixels. Put Transform Tracks (fit) before it, with an image of the model's size."
        )
    chosen = torch.ones(tracks.num_points, dtype=torch.bool)
    if which != "all":
        moving = _moves(tracks)
        chosen = moving if which == "moving" else ~moving
    mask = torch.zeros(tracks.num_frames, tracks.size.height, tracks.size.width)
    for frame in range(tracks.num_frames):
        points = tracks.xy[frame, chosen & tracks.visible[frame].cpu()].cpu()
        mask[frame] = _discs(points, radius_px, tracks.size)
        progress(frame + 1, tracks.num_frames)
    return mask


def _discs(points: Tensor, radius: float, size: Size) -> Tensor:
    """(H, W) bool, the pixels whose centres lie within a radius of one of the points (N, 2).

    A disc is a run of pixels in every row, and the runs are summed from their two ends, so the work
    is that of the rows and not of the area.
    """
    ends = torch.zeros(size.height * (size.width + 1), dtype=torch.int32)
    reach = min(int(radius) + 1, size.height)
    steps = torch.arange(-reach, reach + 1)
    for some in points.double().split(max(1, MAX_RUNS // len(steps))):
        # A disc above or below the image touches rows near its edge alone.
        middle = some[:, 1].clamp(0, size.height - 1).floor().long()
        rows = middle[:, None] + steps
        squared = radius**2 - (rows + 0.5 - some[:, 1:]) ** 2
        half = squared.clamp(min=0).sqrt()
        first = (some[:, :1] - half - 0.5).ceil().clamp(0, size.width).long()
        last = (some[:, :1] + half + 0.5).floor().clamp(0, size.width).long()
        is_run = (squared >= 0) & (rows >= 0) & (rows < size.height) & (last > first)
        for columns, sign in ((first, 1), (last, -1)):
            place = rows[is_run] * (size.width + 1) + columns[is_run]
            ends.scatter_add_(0, place, torch.full_like(place, sign, dtype=torch.int32))
    return ends.view(size.height, size.width + 1).cumsum(1)[:, :-1] > 0


def _moves(tracks: Tracks) -> Tensor:
    """(N,) bool, the points whose visible positions lie more than one pixel apart."""
    visible = tracks.visible[..., None].cpu()
    xy = tracks.xy.cpu()
    high = torch.where(visible, xy, -torch.inf).amax(0)
    low = torch.where(visible, xy, torch.inf).amin(0)
    return (high - low).norm(dim=-1) > 1.0
