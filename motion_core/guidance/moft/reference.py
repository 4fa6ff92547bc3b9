"""Reference motions in the motion channels of a model: of a video, or along a path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import ShapeError
from ...geometry import Size
from ...masks import binary_mask, check_proportions, mask_size
from ...progress import Progress, silent
from ...tracks.model import Tracks
from .channels import MotionChannels, centre, learn_channels
from .features import AS_PUBLISHED, Probe, content_removed, video_features
from .pans import SPEED_FRAC


@dataclass(frozen=True, eq=False)
class MotionReference:
    """A motion as values of the motion channels over time.

    Attributes:
        course: (T, K) float32, T the model's number of frames.
        channels: See MotionChannels.
        probe: How features are read.

    Raises:
        ShapeError, ValueError: When these do not fit or are not finite.
    """

    course: Tensor
    channels: MotionChannels
    probe: Probe

    def __post_init__(self) -> None:
        shape = (self.channels.frames, len(self.channels.index))
        if tuple(self.course.shape) != shape:
            raise ShapeError(
                f"a motion's course must be (T, K) = {shape}; got {tuple(self.course.shape)}."
            )
        if not bool(torch.isfinite(self.course).all()):
            raise ValueError("a motion's course holds NaN or infinite values; use float32 weights.")


def reference_of_video(
    model: Any,
    video: Tensor,
    follow: Callable[[], Tracks],
    *,
    region: Tensor | None = None,
    probe: Probe = AS_PUBLISHED,
    progress: Progress = silent,
) -> MotionReference:
    """The mean motion of a video, or of a region of it.

    Args:
        model: A VideoModel with features.
        video: (T, H, W, 3) float 0..1.
        follow: See FeatureTap.encode_video.
        region: (H, W) bool. Without it the middle of the image is read, a sixteenth of its area,
            as in the authors' code.
        probe: How features are read.
        progress: Callback.

    Raises what learn_channels, video_features and region_cells raise.
    """
    features = content_removed(video_features(model, video, probe, follow, progress))
    size = Size(video.shape[2], video.shape[1])
    cells = None if region is None else region_cells(region, size, probe.grid)
    channels = learn_channels(model, size, len(video), probe, progress)
    motion = features[:, channels.index]
    course = centre(motion).mean(dim=(2, 3)) if cells is None else motion[..., cells].mean(dim=2)
    return MotionReference(course, channels, probe)


def reference_along(
    path: Tensor, size: Size, channels: MotionChannels, probe: Probe = AS_PUBLISHED
) -> MotionReference:
    """A motion along a path, composed from what the channels do during pans.

    Between the displacements of the pans each channel is interpolated linearly, and it is clamped
    to its range in the pans.

    Args:
        path: (F, 2) pixels of the canvas, F >= 2, resampled to the model's frames.
        size: Of the canvas.
        channels: Of the model.
        probe: How features are read.

    Raises:
        ShapeError, ValueError: For a path of another shape, or one that is not finite.
    """
    if path.ndim != 2 or path.shape[1] != 2 or len(path) < 2:
        raise ShapeError(f"a path must be (F, 2) with F >= 2; got {tuple(path.shape)}.")
    if not bool(torch.isfinite(path).all()):
        raise ValueError("a path must be finite.")
    even = functional.interpolate(
        path.float().T[None], channels.frames, mode="linear", align_corners=True
    )[0].T
    away = (even - even.mean(dim=0)) / min(size)
    course = channels.still.clone()
    for axis in range(2):
        curve = channels.curves[axis]
        at_rest = _read_curve(curve, torch.zeros(1), channels.reach_frac)
        course = course + _read_curve(curve, away[:, axis], channels.reach_frac) - at_rest
    return MotionReference(course.clamp(channels.least, channels.most), channels, probe)


def straight_path(way: tuple[float, float], size: Size, frames: int) -> Tensor:
    """A path (T, 2) in pixels at a constant speed.

    Args:
        way: (right, down) per frame in units of 10/512 of the short side, the speed of the pans.
        size: Of the canvas.
        frames: T.
    """
    step = torch.tensor([float(way[0]), float(way[1])]) * SPEED_FRAC * min(size)
    return torch.arange(frames)[:, None] * step


def region_cells(region: Tensor, size: Size, grid: int) -> Tensor:
    """The cells that a region touches.

    Args:
        region: (H, W) bool, of any size in the canvas's proportions.
        size: Of the canvas.
        grid: Cells a side.

    Returns:
        (grid, grid) bool.

    Raises:
        TypeError, ShapeError, ValueError: The region is not a mask of that canvas, or is empty.
    """
    if not isinstance(region, Tensor) or region.dtype != torch.bool:
        raise TypeError("a region must be a bool tensor; compare a mask with 0.5.")
    binary_mask(region, "region")
    check_proportions(mask_size(region), size, "region")
    if not bool(region.any()):
        raise ValueError("the region is empty; paint white where motion is meant.")
    return functional.adaptive_max_pool2d(region[None].float(), (grid, grid))[0] > 0


def _read_curve(curve: Tensor, at: Tensor, reach: float) -> Tensor:
    """(F, K) of a curve (T, K) over -reach..reach, linear between its points, constant beyond."""
    last = len(curve) - 1
    place = ((at + reach) / (2 * reach) * last).clamp(0, last)
    low = place.floor().long().clamp(max=last - 1)
    return torch.lerp(curve[low], curve[low + 1], (place - low)[:, None])
